"""The first sentences say what the numbers say, also where they speak against the paper."""

import pandas as pd
import pytest

from benchmarks.engine.records import Score
from benchmarks.report.summary import HEADLINE, RIVAL, SEEING_RIVAL, caveats, standings, verdict
from tests.benchmarks.report.records import record_with

NAMES = [name for _, name in HEADLINE]
PRINTED = {"AE": 0.7, "LIS-AE": 0.9, "KDE": 0.8}


def frames(**changes: dict[str, float]) -> dict[str, pd.DataFrame]:
    """AE .7, KDE .8 and LIS-AE .9 in every column, but for changes of rows in columns, by letters of their names."""
    rows = []
    for table, name in HEADLINE:
        means = PRINTED | changes.get("".join(filter(str.isalpha, name)), {})
        rows += [(table, row, name, mean, PRINTED.get(row)) for row, mean in means.items()]
    frame = pd.DataFrame(rows, columns=["table", "row", "column", "mean", "paper"])
    return {table: frame[frame["table"] == table] for table in ("1", "2")}


def test_a_result_that_reproduces_everywhere() -> None:
    text = verdict(frames())
    assert text.startswith("The paper's main result reproduces: LIS-AE is above AE in 5 of 5 columns")
    assert "sees no negatives in 5 of 5. No mean of LIS-AE is below print." in text
    assert "same negatives" not in text


def test_a_column_where_a_rival_leads_is_named_with_both_numbers() -> None:
    text = verdict(frames(FashionMNIST={"KDE": 0.92, "LIS-AE": 0.85}))
    assert "result reproduces: " in text
    assert "in 4 of 5; on Fashion-MNIST KDE leads (.920, LIS-AE .850). " in text
    assert "below print on Fashion-MNIST (.850, printed .900)" in text


@pytest.mark.parametrize(
    ("below", "word"), [(NAMES[:1], "reproduces in part"), (NAMES[:2], "reproduces in part"), (NAMES[:3], "does not")]
)
def test_columns_where_ae_leads_count_against_it(below: list[str], word: str) -> None:
    changes = {"".join(filter(str.isalpha, name)): {"AE": 0.95, "KDE": 0.1} for name in below}
    text = verdict(frames(**changes))
    assert text.startswith(f"The paper's main result {word}")
    assert f"above AE in {5 - len(below)} of 5 columns" in text


def test_rivals_that_lead_in_most_columns_leave_a_part() -> None:
    changes = {"".join(filter(str.isalpha, name)): {"KDE": 0.95} for name in NAMES[:3]}
    assert verdict(frames(**changes)).startswith("The paper's main result reproduces in part")


def test_models_with_the_same_negatives_are_told_apart() -> None:
    seeing = {"HSC": 0.95, "Classifier": 0.7, "Sup. HSC": 0.99}
    found = frames(SVHN=seeing, CIFAR=seeing | {"HSC": float("nan")})
    assert "lacks, in 1 of 2 columns; on SVHN HSC leads (.950, LIS-AE .900)." in verdict(found)
    texts = standings(found)
    assert texts["SVHN"][SEEING_RIVAL] == ".950 HSC"
    assert texts["CIFAR-10"][SEEING_RIVAL] == ".700 Classifier"
    assert texts["SVHN"][RIVAL] == ".800 (.800) KDE"
    assert texts["MNIST"][SEEING_RIVAL] == "-"


def test_without_results_nothing_is_said() -> None:
    assert verdict({}) == ""
    assert verdict(frames(MNIST={"LIS-AE": float("nan")})).count("4 of 4") == 2


def test_caveats_name_the_seeds_and_what_is_a_part_of_a_set() -> None:
    scores = [Score(1, 0.5, 1, (1.0,) * 101)]
    records = [record_with(scores, svhn="recropped-subset-2000-1000"), record_with(scores, cifar10="")]
    text = caveats(records, [0])
    assert text.startswith(
        "One seed. The data of svhn are 4,434 training and 1,952 test digits, re-cropped: 6 % of SVHN."
    )
    assert "cifar10" not in text
    assert caveats([record_with(scores, cifar10="a part")], [0, 1]).startswith(
        "2 seeds. The data of cifar10 are a part."
    )
