"""Scores that were computed elsewhere: one file a task, known by its content."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.errors import CallError
from benchmarks.own.contract import ContractError
from benchmarks.own.scores import scores_file, scores_source
from benchmarks.own.sources import registered, sources_of
from benchmarks.paper.tasks import Negatives, against, with_classes, without_negatives
from benchmarks.registry import MODELS

TASK = without_negatives("mnist", 3)


def test_the_names_of_files_say_the_task() -> None:
    assert scores_file(TASK) == "mnist-3"
    assert scores_file(without_negatives("mnist", 0, 1)) == "mnist-0+1"
    assert scores_file(against("mnist", (3,), Negatives("omniglot"))) == "mnist-3-against-omniglot"
    assert scores_file(with_classes("cifar10", 1, (5, 6))) == "cifar10-1-against-cifar10-5+6"


def test_arrays_and_texts_are_read_alike_and_a_seed_may_have_its_own(tmp_path: Path) -> None:
    np.save(tmp_path / "mnist-3.npy", np.array([1.0, 2.0]))
    (tmp_path / "mnist-3-seed-1.txt").write_text("3\n4\n")
    source = scores_source(f"Far={tmp_path}")
    assert source.name == "Far"
    assert not source.uses_negatives
    assert source.of(TASK, 0, 2).tolist() == [1, 2]
    assert source.of(TASK, 1, 2).tolist() == [3, 4]
    assert source.identity(TASK, 0) != source.identity(TASK, 1)
    with pytest.raises(ContractError, match=r"lacks mnist-4.npy \(or mnist-4.txt\)"):
        source.of(without_negatives("mnist", 4), 0, 2)
    with pytest.raises(ContractError, match="shape 2 in mnist-3: one is wanted for each of the 3 test images of mnist"):
        source.of(TASK, 0, 3)


def test_a_folder_with_negatives_has_the_rows_of_those_that_see_them(tmp_path: Path) -> None:
    np.save(tmp_path / "mnist-3-against-omniglot.npy", np.zeros(2))
    found = sources_of([], [str(tmp_path)])
    with registered(found):
        assert MODELS[tmp_path.name].detector.uses_negatives


def test_what_is_no_folder_of_scores(tmp_path: Path) -> None:
    with pytest.raises(CallError, match="cannot be read: No such file"):
        scores_source(str(tmp_path / "none"))
    with pytest.raises(CallError, match="has no array, such as mnist-3"):
        scores_source(str(tmp_path))
    (tmp_path / "mnist-3.txt").write_text("high\n")
    with pytest.raises(CallError, match=r"mnist-3.txt cannot be read: .*They are numbers, one for each image"):
        scores_source(str(tmp_path))
    (tmp_path / "mnist-3.txt").write_text("1\n")
    np.save(tmp_path / "mnist-3.npy", np.zeros(1))
    with pytest.raises(CallError, match="mnist-3 is there twice"):
        scores_source(str(tmp_path))


@pytest.mark.parametrize("length", [10**14, 10**30])
def test_a_header_that_says_more_than_the_file_has_is_told(tmp_path: Path, length: int) -> None:
    with (tmp_path / "mnist-3.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (length,)})
        file.write(bytes(80))
    with pytest.raises(CallError, match=r"mnist-3.npy cannot be read: .*They are numbers, one for each image"):
        scores_source(str(tmp_path))


def test_complex_numbers_are_no_scores(tmp_path: Path) -> None:
    np.save(tmp_path / "mnist-3.npy", np.ones(3) + 1j)
    with pytest.raises(CallError, match="they are complex numbers"):
        scores_source(str(tmp_path))


def test_an_array_of_objects_is_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "mnist-3.npy", np.array([object()]), allow_pickle=True)
    with pytest.raises(CallError, match="cannot be read"):
        scores_source(str(tmp_path))
