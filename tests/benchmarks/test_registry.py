"""Models go by the paper's names, and are built as the settings say."""

import pytest

from benchmarks.engine.evaluate import build
from benchmarks.engine.profiles import load_profile
from benchmarks.errors import CallError
from benchmarks.registry import MODELS
from lisae import LISAE, AutoEncoder, LinSepAutoEncoder, LinSepLISAE

FAST = load_profile("fast")


def test_unknown_model() -> None:
    assert MODELS["AE"].detector is AutoEncoder
    with pytest.raises(CallError, match=r"'LISAE' is no model: there are KDE, .* Did you mean LIS-AE"):
        MODELS["LISAE"]


@pytest.mark.parametrize("name", MODELS)
def test_a_detector_is_built_with_every_setting(name: str) -> None:
    settings = FAST.settings(MODELS[name], "cifar10")
    detector = build(name, settings, 3, "cpu")
    assert type(detector) is MODELS[name].detector
    given = detector.get_params()
    stage = detector.stage.argument if detector.stage else ""
    assert {key: given[key] for key in settings if key != stage} == {k: v for k, v in settings.items() if k != stage}
    assert given["random_state"] == 3


@pytest.mark.parametrize(("name", "phase_one"), [("LIS-AE", AutoEncoder), ("LinSep-LIS-AE", LinSepAutoEncoder)])
def test_phase_one_has_its_own_settings_seed_and_device(name: str, phase_one: type[AutoEncoder]) -> None:
    settings = FAST.settings(MODELS[name], "cifar10")
    detector = build(name, settings, 3, "cpu")
    assert isinstance(detector, LISAE)
    assert type(detector.autoencoder) is phase_one
    given = detector.autoencoder.get_params()
    assert {key: given[key] for key in settings["autoencoder"]} == settings["autoencoder"]
    assert (given["random_state"], given["device"]) == (3, "cpu")


def test_a_stage_is_where_a_lis_ae_begins_and_linsep_trains_its_own() -> None:
    stage = AutoEncoder()
    detector = build("LIS-AE", FAST.settings(MODELS["LIS-AE"], "cifar10"), 0, "cpu", stage)
    assert isinstance(detector, LISAE)
    assert detector.autoencoder is stage
    assert (MODELS["LIS-AE"].begins_from, MODELS["AnoGAN-FM"].begins_from) == ("AE", "AnoGAN")
    assert MODELS["LinSep-LIS-AE"].begins_from is None
    assert issubclass(LinSepLISAE.stage.detector, LinSepAutoEncoder)
