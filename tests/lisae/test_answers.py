"""Answers beside the score: the error of each pixel, a probability, progress, and the score as a module of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError

from baselines.kde import KDE
from lisae import LISAE, AutoEncoder, Progress
from lisae.export import Score, to_onnx
from tests.lisae.makers import new_autoencoder, new_lisae
from tests.shapes import Shapes


def test_the_norm_of_an_error_map_is_the_score(autoencoder: AutoEncoder, grey: Shapes) -> None:
    for images in (grey.outliers, grey.outliers / np.float32(255)):
        errors = autoencoder.error_map(images)
        assert errors.shape == images.shape[:3]
        norms = np.linalg.norm(errors, axis=(1, 2))
        np.testing.assert_allclose(norms, autoencoder.anomaly_score(images), rtol=1e-5)


@pytest.mark.usefixtures("unchecked")
def test_an_error_map_has_one_value_for_all_channels(colour: Shapes) -> None:
    detector = new_autoencoder(epochs=1, min_steps=0).fit(colour.normal)
    expected = np.linalg.norm(detector.reconstruct(colour.held_out) - colour.held_out / 255, axis=3)
    np.testing.assert_allclose(detector.error_map(colour.held_out), expected, atol=1e-6)


def test_the_probability_is_the_share_of_normal_images_that_score_lower(autoencoder: AutoEncoder, grey: Shapes) -> None:
    normal = autoencoder.anomaly_score(grey.normal)
    probabilities = autoencoder.anomaly_probability(grey.outliers)
    shares = [(normal < score).mean() for score in autoencoder.anomaly_score(grey.outliers)]
    np.testing.assert_allclose(probabilities, shares, atol=1 / len(normal))
    assert probabilities.mean() > 0.99
    own = autoencoder.anomaly_probability(grey.normal)
    for share in (0.05, 0.2, 0.5):
        assert (own > 1 - share).mean() == pytest.approx(share, abs=1 / len(normal))
    called = autoencoder.predict(grey.held_out) == -1
    np.testing.assert_array_equal(autoencoder.anomaly_probability(grey.held_out) > 0.95, called)


@pytest.mark.usefixtures("unchecked")
def test_each_step_is_told_to_a_function(few: Shapes) -> None:
    seen: list[Progress] = []
    brief: dict[str, Any] = {"epochs": 2, "min_steps": 0}

    def tell(state: Progress) -> None:
        seen.append(state._replace(losses=list(state.losses)))

    detector = new_lisae(new_autoencoder(**brief), callback=tell, **brief).fit(*few.labelled())
    phases = [[state for state in seen if state.detector == name] for name in ("AutoEncoder", "LISAE")]
    assert seen == phases[0] + phases[1]
    for phase, losses in zip(phases, (detector.autoencoder_.losses_, detector.losses_), strict=True):
        assert [state.step for state in phase] == list(range(1, 7))
        assert {state.steps for state in phase} == {6}
        assert phase[-1].losses == losses
        assert [len(state.losses) for state in phase] == [0, 0, 1, 1, 1, 2]
    assert detector.autoencoder is not None
    assert detector.autoencoder.callback is None, "what was given stays as it is"


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("verbose", [True, False])
def test_steps_are_shown_if_that_is_asked_for(few: Shapes, capsys: pytest.CaptureFixture[str], verbose: bool) -> None:
    scores = [
        new_autoencoder(epochs=2, min_steps=0, verbose=one).fit(few.normal).anomaly_score(few.outliers)
        for one in (False, verbose)
    ]
    np.testing.assert_array_equal(scores[0], scores[1])
    shown = capsys.readouterr()
    assert shown.out == ""
    assert ("step 6 of 6, loss" in " ".join(shown.err.split())) == verbose


@pytest.fixture
def scored(grey: Shapes) -> torch.Tensor:
    return torch.from_numpy(grey.outliers / np.float32(255))


def test_the_score_is_a_module_of_its_own(grey: Shapes, scored: torch.Tensor, request: pytest.FixtureRequest) -> None:
    detector: LISAE = request.getfixturevalue("lisae")
    module = Score(detector)
    expected = detector.anomaly_score(grey.outliers)
    np.testing.assert_allclose(module(scored), expected, rtol=1e-6)
    exported = torch.export.export(module, (scored[:3],), dynamic_shapes=({0: torch.export.Dim("n")},))
    np.testing.assert_allclose(exported.module()(scored), expected, rtol=1e-6)
    assert next(detector.network_.latent.parameters()).requires_grad, "the detector stays as it is"


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning", "ignore:`torch.jit:DeprecationWarning")
def test_a_traced_score_is_the_detectors(
    grey: Shapes, scored: torch.Tensor, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    detector: LISAE = request.getfixturevalue("lisae")
    torch.jit.save(torch.jit.trace(Score(detector), scored[:3]), tmp_path / "score.pt")
    answers = torch.jit.load(tmp_path / "score.pt")(scored)
    np.testing.assert_allclose(answers, detector.anomaly_score(grey.outliers), rtol=1e-6)


@pytest.mark.filterwarnings("ignore")
def test_an_onnx_file_scores_as_the_detector_does(
    grey: Shapes, scored: torch.Tensor, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    onnx, onnxruntime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    detector: LISAE = request.getfixturevalue("lisae")
    to_onnx(detector, tmp_path / "score.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["score.onnx"]
    session = onnxruntime.InferenceSession(tmp_path / "score.onnx")
    for images in (scored, scored[:1]):
        (scores,) = session.run(["scores"], {"images": images.numpy()})
        np.testing.assert_allclose(scores, detector.anomaly_score(images.numpy()), rtol=1e-4)
    properties = {entry.key: entry.value for entry in onnx.load(tmp_path / "score.onnx").metadata_props}
    assert properties == {"detector": "LISAE", "threshold": repr(detector.threshold_)}


def test_what_cannot_be_exported(grey: Shapes) -> None:
    with pytest.raises(NotFittedError):
        Score(AutoEncoder())
    with pytest.raises(TypeError, match="KDE has no network to export"):
        Score(KDE().fit(grey.normal))
