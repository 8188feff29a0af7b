"""Numbers are written short, and tables know their groups."""

import pytest

from benchmarks.report.document import short, signed, tabular, trimmed


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
