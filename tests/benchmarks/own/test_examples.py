"""The examples keep the contract, by the same check that their readers are told to run."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import LocalOutlierFactor

from benchmarks.check import EXIT_BROKEN, EXIT_CALL, EXIT_KEPT, main
from benchmarks.own import PyODDetector, ScikitLearnDetector
from lisae.images import Images
from tests.benchmarks.own.conftest import Write
from tests.shapes import Shapes, auc

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.py"))
PARTS = ["images of 28 x 28 x 1", "orientation", "seed", "order", "company", "type", "worker", "cost"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_keeps_the_contract(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if path.stem == "ecod" and find_spec("pyod") is None:
        pytest.skip("PyOD is not installed")
    assert main([str(path)]) == EXIT_KEPT
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line.removeprefix("kept    ").partition(":")[0] for line in lines] == [*PARTS, "images of 32 x 32 x 3"]


BROKEN = {
    "higher is more normal": ("return scores", "return -scores", "BROKEN  orientation", "turn the sign"),
    "too few scores": ("return scores", "return scores[1:]", "BROKEN  images", "gave an array of shape 191"),
    "NaN": ("return scores", "return scores * np.nan", "BROKEN  images", "gave NaN or infinity as the score"),
    "no array": ("return scores", "return list(scores)", "BROKEN  images", "gave list, no array"),
    "an exception": ("return scores", "return 1 / 0", "BROKEN  images", "ZeroDivisionError: division by zero"),
    "another answer each time": (
        "return scores", "return scores + np.random.rand(len(scores)) * scores", "BROKEN  seed", "apart, relative",
    ),
    "an exception on floats": (
        "return scores", "return scores if images.dtype == np.uint8 else 1 / 0", "BROKEN  type", "ZeroDivisionError",
    ),
    "fewer scores of floats": (
        "return scores", "return scores if images.dtype == np.uint8 else scores[1:]", "BROKEN  type", "shape 191",
    ),
    "it ends its process": (
        "return scores", "return __import__('os')._exit(0)", "BROKEN  process", "ended without an answer",
    ),
    "the company": ("return scores", "return scores / scores.mean()", "BROKEN  company", "apart"),
    "the place in the batch": ("return scores", "return scores + np.arange(len(scores))", "BROKEN  order", "apart"),
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_part_is_named(write: Write, capsys: pytest.CaptureFixture[str], broken: str) -> None:
    old, new, part, text = BROKEN[broken]
    assert main([str(write(old, new))]) == EXIT_BROKEN
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(part)]
    assert text in line


def test_a_wrong_call_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "none.py")]) == EXIT_CALL
    assert "error: --model" in capsys.readouterr().err


class Factor(ScikitLearnDetector):
    """Scikit-learn's scores, which are higher for normal rows."""

    def estimator(self, seed: int) -> LocalOutlierFactor:
        return LocalOutlierFactor(n_neighbors=5, novelty=True)


class PyODStandIn:
    """The interface of PyOD's detectors: higher is more anomalous."""

    def fit(self, rows: np.ndarray) -> None:
        assert rows.ndim == 2
        self.rows = rows

    def decision_function(self, rows: np.ndarray) -> np.ndarray:
        return np.linalg.norm(rows - self.rows.mean(axis=0), axis=1)


class Distance(PyODDetector):
    """A detector of PyOD's interface."""

    def estimator(self, seed: int) -> PyODStandIn:
        return PyODStandIn()


@pytest.mark.parametrize("kind", [Factor, Distance])
@pytest.mark.parametrize("scaling", ["none", "standard", "range"])
def test_adapters_know_the_orientation_and_scale_rows(
    kind: type[ScikitLearnDetector | PyODDetector], scaling: str, few: Shapes
) -> None:
    detector = kind(scaling=scaling).fit(few.normal)
    assert auc(detector, few.held_out, few.outliers) > 0.85
    images: Images = few.normal
    rows = detector._rows(images)
    assert rows.shape == (len(few.normal), 144)
    if scaling == "standard":
        np.testing.assert_allclose(rows.mean(axis=0), 0, atol=1e-4)
    elif scaling == "range":
        assert (rows.min(), rows.max()) == pytest.approx((0, 1))


def test_an_unknown_scaling_is_refused(few: Shapes) -> None:
    with pytest.raises(ValueError, match="scaling is one of none, standard, range; got 'unit'"):
        Factor(scaling="unit").fit(few.normal)
