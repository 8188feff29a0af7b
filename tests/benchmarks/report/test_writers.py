"""Each format escapes whatever a name may hold."""

import pytest
from jinja2 import UndefinedError

from benchmarks.report.document import Field, Heading, Prose, Report, Section, Tabular, tabular
from benchmarks.report.writers import html, latex, markdown

SIGNS = "a_b *c* <i> [x] `y` | {z} #1 100% $5 & ~ ^ \\ --all"


def block_of(text: str) -> Tabular:
    """The text at every place of a table."""
    headings = (Heading(text, "label", text), Heading(text, "number", text))
    return Tabular("table-1", f"Table 1. {text}", headings, ((Field(text), Field(text)),), (text,), "command")


def report_of(text: str) -> Report:
    sections = (Section("one", text, (Prose(text), block_of(text))),)
    return Report(text, text, ((text, text),), tabular("headline", text, {text: "label"}, [(text,)]), sections)


def test_markdown() -> None:
    escaped = r"a\_b \*c\* \<i\> \[x\] \`y\` \| {z} #1 100% $5 & ~ ^ \\ --all"
    text = markdown(block_of(SIGNS))
    lines = text.splitlines()
    assert lines[0] == f"**Table 1. {escaped}**"
    assert lines[2] == f"| {escaped}: {escaped} | {escaped}: {escaped} |"
    assert lines[4] == f"| {escaped} | {escaped} |"
    assert lines[6] == escaped
    assert markdown(report_of(SIGNS)).count(escaped) == 17  # every place of a report


def test_latex() -> None:
    escaped = (
        r"a\_b {*}c{*} $<$i$>$ {[}x] `y` \textbar{} \{z\} \#1 100\% \$5 \& \textasciitilde{} "
        r"\textasciicircum{} \textbackslash{} -{}-all"
    )
    lines = latex(block_of(SIGNS)).splitlines()
    assert rf"\renewcommand{{\thetable}}{{1}}\caption{{{escaped}}}" in lines
    assert any(line.startswith(f"{escaped} & {escaped}") for line in lines)
    assert escaped in lines
    assert latex(block_of("é±\N{MINUS SIGN}²\N{MULTIPLICATION SIGN}→")).count(r"e$\pm$$-$$^2$$\times$?") == 6


def test_html() -> None:
    text = html(report_of("<b>&"))
    assert "<b>" not in text
    assert text.count("&lt;b&gt;&amp;") >= 10


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\n", "\r", "\t", "\u2028", "\u202e"])
def test_control_characters_are_in_no_format(letter: str) -> None:
    plain, spoiled = report_of("ab c"), report_of(f"a{letter}b{letter} c")
    separates = letter.isspace()
    for write in (markdown, latex, html):
        assert write(spoiled) == write(report_of("a b c") if separates else plain)
    assert markdown(block_of(f"a{letter}b")) == markdown(block_of("a b" if separates else "ab"))


def test_the_command_is_told_as_it_is() -> None:
    block = tabular("t", "T", {"a": "label"}, [("b",)], command='python -m it --figure cross_section --profile "a*"')
    assert '    python -m it --figure cross_section --profile "a*"\n' in markdown(block)


def test_a_value_that_is_not_there_is_an_error_and_not_a_gap() -> None:
    with pytest.raises((UndefinedError, AttributeError)):
        markdown(Prose("no table"))  # type: ignore[arg-type]
