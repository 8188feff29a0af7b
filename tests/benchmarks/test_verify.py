"""A record says all that is needed to train its run again."""

from pathlib import Path

import pytest

from benchmarks.engine.evaluate import build
from benchmarks.errors import CallError
from benchmarks.verify import run_of, sample

PUBLISHED = Path(__file__).parents[2] / "results" / "published"


def test_a_record_gives_the_run_that_it_is_of() -> None:
    """Also where settings came later, or have another name today."""
    records = sample(PUBLISHED, n=2)
    assert len({record.identity["model"] for record in records}) > 15
    for record in records:
        run = run_of(record.identity)
        assert run.id == record.run
        build(run.model, run.settings, run.seed, "cpu")


def test_the_sample_is_the_same_each_time_and_of_the_models_asked_for() -> None:
    names = [record.run for record in sample(PUBLISHED, ["KDE", "IF"])]
    assert names == [record.run for record in sample(PUBLISHED, ["KDE", "IF"])]
    assert len(names) == 6
    with pytest.raises(CallError, match="has no record of NN"):
        sample(PUBLISHED, ["KDE", "NN"])


def test_the_sample_reads_no_other_data_than_asked_for() -> None:
    records = sample(PUBLISHED, ["LIS-AE"], ["mnist", "cifar10"], 20)
    assert {name for record in records for name in record.identity["variants"]} == {"mnist", "cifar10"}
    with pytest.raises(CallError, match="has no record of LIS-AE on omniglot"):  # all of them read MNIST too
        sample(PUBLISHED, ["LIS-AE"], ["omniglot"])


def test_a_folder_without_records_is_told(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="has no record of any model"):
        sample(tmp_path)
