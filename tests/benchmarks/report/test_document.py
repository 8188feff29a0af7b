"""Numbers are written short, tables know their groups, and each format escapes whatever a name may hold."""

import pytest
from jinja2 import UndefinedError

from benchmarks.report.document import (
    FORMATS,
    Field,
    Heading,
    Prose,
    Report,
    Section,
    Tabular,
    short,
    signed,
    tabular,
    trimmed,
    written,
)

SIGNS = "a_b *c* <i> [x] `y` | {z} #1 100% $5 & ~ ^ \\ --all"


@pytest.mark.parametrize(
    ("number", "decimals", "text"),
    [
        (0.912, 3, ".912"),
        (0.999, 2, "1.00"),
        (10.05, 2, "10.05"),
        (120.0, 1, "120.0"),
        (-0.05, 2, "-.05"),
        (-10.05, 2, "-10.05"),
        (-0.001, 2, ".00"),
        (0.0, 0, "0"),
    ],
)
def test_short_numbers_lose_the_zero_before_the_point_alone(number: float, decimals: int, text: str) -> None:
    assert short(number, decimals) == text


@pytest.mark.parametrize(("digits", "text"), [("0.9170", ".9170"), ("+0.0111", "+.0111"), ("10.05", "10.05"), ("", "")])
def test_digits_keep_all_but_that_zero(digits: str, text: str) -> None:
    assert trimmed(digits) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.104, "+.10"), (-0.104, "\N{MINUS SIGN}.10"), (0.004, ".00"), (-0.004, ".00"), (10.05, "+10.05")],
)
def test_a_difference_has_a_sign_unless_it_rounds_to_nothing(number: float, text: str) -> None:
    assert signed(number, 2) == text


def test_rows_of_several_labels_are_grouped_by_the_first() -> None:
    rows = [("a", "1"), ("a", "2"), ("b", "1")]
    assert tabular("t", "T", {"one": "label", "two": "label"}, rows).begins == (False, False, True)
    assert tabular("t", "T", {"one": "label", "two": "number"}, rows).begins == (False, False, False)


def block_of(text: str) -> Tabular:
    """The text at every place of a table."""
    headings = (Heading(text, "label", text), Heading(text, "number", text))
    row = (Field(text), Field(text))
    return Tabular("table-1", f"Table 1. {text}", headings, (row, row), (text,), "command", {1: text})


def report_of(text: str) -> Report:
    sections = (Section("one", text, (Prose(text), block_of(text))),)
    return Report(text, text, ((text, text),), tabular("headline", text, {text: "label"}, [(text,)]), sections)


def test_markdown() -> None:
    escaped = r"a\_b \*c\* \<i\> \[x\] \`y\` \| {z} #1 100% $5 & ~ ^ \\ --all"
    text = written(block_of(SIGNS), "md")
    lines = text.splitlines()
    assert lines[0] == f"**Table 1. {escaped}**"
    assert lines[2] == f"| {escaped}: {escaped} | {escaped}: {escaped} |"
    row = f"| {escaped} | {escaped} |"
    assert lines[4:8] == [row, f"| *{escaped}* |  |", row, ""]  # a line of text keeps the table whole
    assert lines[8] == escaped
    assert written(report_of(SIGNS), "md").count(escaped) == 20  # every place of a report


def test_latex() -> None:
    escaped = (
        r"a\_b {*}c{*} $<$i$>$ {[}x] `y` \textbar{} \{z\} \#1 100\% \$5 \& \textasciitilde{} "
        r"\textasciicircum{} \textbackslash{} -{}-all"
    )
    lines = written(block_of(SIGNS), "tex").splitlines()
    assert rf"\renewcommand{{\thetable}}{{1}}\caption{{{escaped}}}" in lines
    place = next(i for i, line in enumerate(lines) if line.startswith(f"{escaped} & {escaped}"))
    row = rf"{escaped} & {escaped} \\"
    across = rf"\multicolumn{{2}}{{l}}{{\textit{{{escaped}}}}} \\"
    while lines[place + 1 : place + 5] != [r"\midrule", across, row, r"\bottomrule"]:
        place += 1
    assert lines[place] == row
    assert escaped in lines
    assert written(block_of("é±\N{MINUS SIGN}²\N{MULTIPLICATION SIGN}→"), "tex").count(r"e$\pm$$-$$^2$$\times$?") == 9


def test_html() -> None:
    text = written(report_of("<b>&"), "html")
    assert "<b>" not in text
    assert text.count("&lt;b&gt;&amp;") >= 13
    assert '<tr class="part"><th colspan="2" scope="rowgroup"><span>&lt;b&gt;&amp;</span></th></tr>' in text


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\n", "\r", "\t", "\u2028", "\u202e"])
def test_control_characters_are_in_no_format(letter: str) -> None:
    plain, spoiled = report_of("ab c"), report_of(f"a{letter}b{letter} c")
    separates = letter.isspace()
    for suffix in FORMATS:
        assert written(spoiled, suffix) == written(report_of("a b c") if separates else plain, suffix)
    assert written(block_of(f"a{letter}b"), "md") == written(block_of("a b" if separates else "ab"), "md")


def test_the_command_is_told_as_it_is() -> None:
    block = tabular("t", "T", {"a": "label"}, [("b",)], command='python -m it --figure cross_section --profile "a*"')
    assert '    python -m it --figure cross_section --profile "a*"\n' in written(block, "md")


def test_a_value_that_is_not_there_is_an_error_and_not_a_gap() -> None:
    with pytest.raises((UndefinedError, AttributeError)):
        written(Prose("no table"), "md")  # type: ignore[arg-type]
