"""Detectors kept as bytes and files."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from sklearn.exceptions import NotFittedError

import lisae
from lisae import LISAE, AutoEncoder, BackboneDetector, Detector, LinSepAutoEncoder, saving
from lisae.packing import pack, unpack
from tests.lisae.makers import collapse, new_autoencoder
from tests.shapes import Shapes


def assert_same(loaded: Detector, saved: Detector, images: NDArray[Any]) -> None:
    np.testing.assert_array_equal(loaded.anomaly_score(images), saved.anomaly_score(images))
    np.testing.assert_array_equal(loaded.predict(images), saved.predict(images))
    for name in ("threshold_", "losses_", "restarts_", "image_shape_"):
        assert getattr(loaded, name) == getattr(saved, name), name
        assert type(getattr(loaded, name)) is type(getattr(saved, name)), name


def settings(detector: Detector) -> dict[str, Any]:
    return {name: value for name, value in detector.get_params().items() if name not in ("device", "autoencoder")}


def test_a_file_holds_the_whole_detector(
    autoencoder: AutoEncoder, linsep: AutoEncoder, grey: Shapes, tmp_path: Path
) -> None:
    for detector in (autoencoder, linsep):
        path = tmp_path / f"{type(detector).__name__}.safetensors"
        detector.save(path)
        loaded = lisae.load(path)
        assert type(loaded) is type(detector)
        assert settings(loaded) == settings(detector)
        assert_same(loaded, detector, np.concatenate([grey.held_out, grey.outliers]))


def test_restarts_are_kept_in_the_file(few: Shapes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    collapse(2, monkeypatch)
    detector = new_autoencoder(epochs=2).fit(few.normal)
    detector.save(tmp_path / "weights")
    loaded = lisae.load(tmp_path / "weights")
    assert loaded.restarts_ == 2
    assert_same(loaded, detector, few.outliers)


def test_the_same_detector_is_the_same_bytes(autoencoder: AutoEncoder) -> None:
    assert len({autoencoder.to_bytes() for _ in range(8)}) == 1


def header_end(data: bytes) -> int:
    return 8 + int.from_bytes(data[:8], "little")


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[:-100],
    "header alone": lambda data: data[: header_end(data)],
    "cut in the header": lambda data: data[:20],
    "empty": lambda data: b"",
    "longer": lambda data: data + bytes(4),
    "text": lambda data: b"no weights at all, but more than eight bytes",
    "no description": lambda data: save(load(data)),
    "a foreign description": lambda data: save(load(data), {"detector": "{}"}),
    "foreign weights": lambda data: save({"weight": torch.ones(3)}, {"format": "pt"}),
    "another threshold": lambda data: data.replace(b'threshold_\\": ', b'threshold_\\":7'),
    "another seed's weights": lambda data: data[:-4] + bytes(4),
}


@pytest.mark.parametrize("spoil", SPOILT)
def test_bytes_that_are_not_whole_foreign_or_changed(autoencoder: AutoEncoder, spoil: str) -> None:
    data = autoencoder.to_bytes()
    spoilt = SPOILT[spoil](data)
    assert spoilt != data
    other = new_autoencoder()
    with pytest.raises(ValueError, match=r"safetensors|description|digest"):
        other.from_bytes(spoilt)
    assert vars(other) == vars(new_autoencoder()), "nothing of it was taken over"


def test_a_changed_bit_is_seen_wherever_it_is(autoencoder: AutoEncoder) -> None:
    data = autoencoder.to_bytes()
    end = header_end(data)
    for place in [*range(0, end, 37), *np.linspace(end, len(data) - 1, 40, dtype=int)]:
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(ValueError, match=r"safetensors|description|digest"):
            new_autoencoder().from_bytes(bytes(changed))


@pytest.mark.parametrize(("saved", "loaded"), [("autoencoder", LinSepAutoEncoder), ("linsep", AutoEncoder)])
def test_another_class_is_refused(saved: str, loaded: type[BackboneDetector], request: pytest.FixtureRequest) -> None:
    detector = request.getfixturevalue(saved)
    with pytest.raises(ValueError, match=f"{type(detector).__name__}, not {loaded.__name__}"):
        new_autoencoder(loaded).from_bytes(detector.to_bytes())


def test_a_detector_that_refuses_stays_as_it_was(autoencoder: AutoEncoder, few: Shapes) -> None:
    other = new_autoencoder(latent_dim=8).fit(few.normal)
    scores = other.anomaly_score(few.held_out)
    with pytest.raises(ValueError, match="latent_dim is 16 there and 8 here"):
        other.from_bytes(autoencoder.to_bytes())
    np.testing.assert_array_equal(other.anomaly_score(few.held_out), scores)


def test_weights_of_a_network_that_has_changed_since(autoencoder: AutoEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    data = autoencoder.to_bytes()
    monkeypatch.setattr(lisae.backbone, "_GREY_CHANNELS", (8, 64))
    with pytest.raises(ValueError, match="do not fit the network of AutoEncoder"):
        new_autoencoder().from_bytes(data)


def test_a_setting_that_one_of_the_two_does_not_have(autoencoder: AutoEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    data, get_params = autoencoder.to_bytes(), AutoEncoder.get_params
    monkeypatch.setattr(AutoEncoder, "get_params", lambda self, deep=True: get_params(self, deep) | {"later": None})
    with pytest.raises(ValueError, match="later"):
        new_autoencoder().from_bytes(data)


def test_numbers_may_be_numpys(autoencoder: AutoEncoder) -> None:
    same = new_autoencoder(latent_dim=np.int64(16), learning_rate=np.float64(2e-3))
    assert same.from_bytes(autoencoder.to_bytes()).to_bytes() == autoencoder.to_bytes()


@pytest.mark.parametrize("spoil", SPOILT)
def test_the_message_of_load_names_the_file(autoencoder: AutoEncoder, tmp_path: Path, spoil: str) -> None:
    (tmp_path / "model").write_bytes(SPOILT[spoil](autoencoder.to_bytes()))
    with pytest.raises(ValueError, match=r"model cannot be loaded: it .*(safetensors|description|digest)"):
        lisae.load(tmp_path / "model")


def test_latent_shaping_is_kept_with_its_phase_one(
    grey: Shapes, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    shaped = request.getfixturevalue("lisae")
    shaped.save(tmp_path / "model")
    loaded = lisae.load(tmp_path / "model", device="cpu")
    assert type(loaded) is LISAE
    assert settings(loaded) == settings(shaped)
    probe = np.concatenate([grey.held_out, grey.outliers])
    assert_same(loaded, shaped, probe)
    assert_same(loaded.autoencoder_, shaped.autoencoder_, probe)
    assert loaded.autoencoder_.device == "cpu"
    assert loaded.to_bytes() == shaped.to_bytes()
    frozen = sum(weight.nbytes for weight in shaped.network_.state_dict().values())
    latent = sum(weight.nbytes for weight in shaped.network_.latent.state_dict().values())
    assert (tmp_path / "model").stat().st_size < frozen + latent + 40_000, "frozen weights are there once"


def test_a_phase_one_that_was_not_given_is_kept(autoencoder: AutoEncoder, grey: Shapes, tmp_path: Path) -> None:
    detector = LISAE(autoencoder, epochs=1, random_state=0).fit(*grey.labelled())
    detector.autoencoder = None
    detector.save(tmp_path / "model")
    loaded = lisae.load(tmp_path / "model")
    assert loaded.autoencoder is None
    assert_same(loaded, detector, grey.held_out)
    assert loaded.autoencoder_.latent_dim == autoencoder.latent_dim


def test_the_file_of_another_format_names_the_version_that_reads_it(
    autoencoder: AutoEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "FORMAT", 9)
    monkeypatch.setattr(lisae, "__version__", "7.0")
    autoencoder.save(tmp_path / "model")
    monkeypatch.undo()
    with pytest.raises(ValueError, match=r"written by lisae 7\.0 in format 9, and lisae .* reads format 2"):
        lisae.load(tmp_path / "model")
    assert autoencoder.from_bytes(autoencoder.to_bytes()) is autoencoder


def test_a_class_that_is_not_imported_is_named_with_its_module(autoencoder: AutoEncoder, tmp_path: Path) -> None:
    tensors, description = unpack(autoencoder.to_bytes())
    (tmp_path / "model").write_bytes(pack(tensors, description | {"class": "Theirs", "module": "their.models"}))
    with pytest.raises(ValueError, match=r"class Theirs, which is not known here: import their\.models first"):
        lisae.load(tmp_path / "model")


def test_settings_that_the_class_does_not_have(autoencoder: AutoEncoder, tmp_path: Path) -> None:
    tensors, description = unpack(autoencoder.to_bytes())
    description["settings"]["later"] = 1
    (tmp_path / "model").write_bytes(pack(tensors, description))
    with pytest.raises(ValueError, match=r"none of the AutoEncoder that is installed here .*later"):
        lisae.load(tmp_path / "model")


@pytest.mark.parametrize("change", [{"settings": 3}, {"values": None}, {"class": None}, {"arrays": ["rows_"]}])
def test_a_description_that_is_of_no_detector(autoencoder: AutoEncoder, tmp_path: Path, change: dict[str, Any]) -> None:
    tensors, description = unpack(autoencoder.to_bytes())
    (tmp_path / "model").write_bytes(pack(tensors, description | change))
    with pytest.raises(ValueError, match="model cannot be loaded"):
        lisae.load(tmp_path / "model")


def test_the_detector_must_be_fitted(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        LISAE().save(tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_the_file_has_the_mode_that_the_umask_leaves(autoencoder: AutoEncoder, tmp_path: Path) -> None:
    before = os.umask(0o026)
    try:
        autoencoder.save(tmp_path / "weights")
    finally:
        os.umask(before)
    assert (tmp_path / "weights").stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        lisae.load(tmp_path / "nowhere")
