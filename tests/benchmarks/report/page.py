"""A page as a browser finds it."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """The content as a browser finds it: tags, tables by the id of their figure, pictures, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.pictures: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.raw: dict[str, str] = {"style": "", "script": ""}
        self.text = ""
        self._figure = self._raw = ""
        self._in_cell = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append((tag, given))
        if tag == "figure":
            self._figure = str(given["id"])
            self.notes[self._figure] = ""
        elif tag == "table":
            self.tables[self._figure] = []
        elif tag == "tr":
            self.tables[self._figure].append([])
        elif tag in ("td", "th"):
            self.tables[self._figure][-1].append("")
            self._in_cell = True
        elif tag == "img":
            self.pictures[self._figure] = str(given["src"])
        self._raw = tag if tag in self.raw else ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._in_cell = False
        if tag == "figure":
            self._figure = ""
        if tag == self._raw:
            self._raw = ""

    def handle_data(self, data: str) -> None:
        if self._raw:
            self.raw[self._raw] += data
            return
        self.text += data
        if self._in_cell:
            self.tables[self._figure][-1][-1] += data
        elif self._figure:
            self.notes[self._figure] += data
