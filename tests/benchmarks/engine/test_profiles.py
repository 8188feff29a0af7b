"""Settings are complete, inherited as told, and wrong ones are named."""

from pathlib import Path

import pytest

from benchmarks.engine.profiles import Profile, load_profile, profile_names
from benchmarks.errors import CallError
from benchmarks.registry import MODELS
from lisae import LISAE


def written(folder: Path, text: str) -> Profile:
    path = folder / "mine.toml"
    path.write_text(text)
    return load_profile(str(path))


@pytest.mark.parametrize("name", ["smoke", "fast", "full"])
def test_every_model_has_every_setting_and_an_estimate(name: str) -> None:
    profile = load_profile(name)
    assert profile.description
    for model in MODELS.values():
        settings = profile.settings(model, "cifar10")
        assert {"device", "random_state", "contamination"}.isdisjoint(settings)
        assert profile.seconds(model.name, "cifar10") > 0
        if issubclass(model.detector, LISAE):
            assert {"beta", "gamma", "hinge", "epochs", "autoencoder"} <= set(settings)


def test_the_names_are_those_of_the_command_line() -> None:
    assert profile_names() == ["fast", "full", "smoke"]


def test_phase_one_of_lis_ae_is_ae_and_linsep_adds_to_it() -> None:
    profile = load_profile("fast")
    ae, lis, linsep = (profile.settings(MODELS[name], "cifar10") for name in ("AE", "LIS-AE", "LinSep-LIS-AE"))
    assert lis["autoencoder"] == ae
    # The separating classifier reads the pre-activation, and only tanh follows it.
    assert linsep["autoencoder"] | {"activation": "tanh"} == ae | {"separation": 50.0}


def test_a_profile_inherits_and_a_data_set_overrides(tmp_path: Path) -> None:
    profile = written(
        tmp_path,
        'extends = "fast"\nseeds = [3]\n[models.AE]\nepochs = 1\n[datasets.svhn.AE]\nbatch_size = 7\n',
    )
    fast = load_profile("fast").settings(MODELS["AE"], "cifar10")
    assert profile.seeds == (3,)
    assert profile.settings(MODELS["AE"], "cifar10") == fast | {"epochs": 1}
    svhn = profile.settings(MODELS["AE"], "svhn")
    assert svhn["batch_size"] == 7
    assert profile.settings(MODELS["LIS-AE"], "svhn")["autoencoder"] == svhn


def test_a_rival_autoencoder_is_trained_as_ae_is(tmp_path: Path) -> None:
    profile = written(
        tmp_path, 'extends = "fast"\nseeds = [0]\n[models.AE]\nepochs = 3\n[models.VAE]\nbatch_size = 9\n'
    )
    ae, vae = (profile.settings(MODELS[name], "mnist") for name in ("AE", "VAE"))
    assert {key: vae[key] for key in ae if key != "activation"} | {"activation": "tanh"} == ae | {"batch_size": 9}


def test_a_rival_without_a_setting_of_ae_does_without(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\nseeds = [0]\n[models.AE]\nactivation = "relu"\n')
    assert profile.settings(MODELS["LIS-AE"], "mnist")["autoencoder"]["activation"] == "relu"
    assert "activation" not in profile.settings(MODELS["VAE"], "mnist")


def test_one_latent_width_for_every_model_of_a_data_set(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\nseeds = [0]\n[latent_dim]\nmnist = { fixed = 5, grid = [3, 5] }\n')
    for name in ("AE", "VAE", "OC-DSVDD"):
        assert profile.settings(MODELS[name], "mnist")["latent_dim"] == 5
        assert profile.settings(MODELS[name], "mnist", 3)["latent_dim"] == 3
    for name in ("LIS-AE", "LinSep-LIS-AE"):
        assert profile.settings(MODELS[name], "mnist", 3)["autoencoder"]["latent_dim"] == 3
        assert profile.latent_dims(MODELS[name], "mnist") == (5, 3)
    assert profile.latent_dims(MODELS["KDE"], "mnist") == ()


def test_how_negatives_are_prepared_is_a_setting(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\nseeds = [0]\n[negatives.omniglot]\nblur = 2\n')
    assert profile.preparation("omniglot") == load_profile("fast").preparation("omniglot") | {"blur": 2.0}
    assert profile.preparation("svhn") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = [0]\n[models.AE]\nlatent_dims = 3\n", r"in \[models.AE\], 'latent_dims' is no key.*latent_dim\?"),
        ("seeds = [0]\n[models.LISAE]\n", r"in \[models\], 'LISAE' is no key.*Did you mean LIS-AE"),
        ("seeds = [0]\n[datasets.cifar.AE]\n", r"'cifar' is no key.*cifar10"),
        ("seeds = [0]\n[datasets.cifar10.BE]\n", r"in \[datasets.cifar10\], 'BE' is no key"),
        ("seeds = [0]\n[datasets.cifar10.AE]\nepoch = 1\n", r"\[datasets.cifar10.AE\], 'epoch' is no key"),
        ("seeds = [0]\nprofiles = 1\n", "in the file, 'profiles' is no key"),
        ("seeds = [0]\nlimits = 3\n", r"\[limits\] is a table; got 3"),
        ("seeds = [0]\n[limits]\nvalidation = 3\n", "'validation' is no key"),
        ("seeds = [0]\n[models.AE]\nepochs = 'many'\n", r"epochs in \[models.AE\] is of type int; got 'many'"),
        ("seeds = [0]\n[models.AE]\nepochs = 1.5\n", r"epochs in \[models.AE\] is of type int; got 1.5"),
        ("seeds = [0]\n[models.LIS-AE]\nhinge = 1\n", r"hinge in \[models.LIS-AE\] is of type bool; got 1"),
        (
            "seeds = [0]\n[models.LIS-AE.autoencoder]\nepochs = 1\n",
            r"begins from the trained AE. Change \[models.AE\]",
        ),
        ("seeds = [0]\n[models.LinSep-LIS-AE.autoencoder]\nweight = 1\n", r"autoencoder\], 'weight' is no key"),
        ("seeds = [0]\n[negatives.omniglot]\nblurr = 1\n", r"in \[negatives.omniglot\], 'blurr' is no key"),
        ("seeds = [0]\n[negatives.mnist]\nblur = 1\n", r"in \[negatives\], 'mnist' is no key"),
        ("seeds = [0]\n[figures.2]\nrank = 1\n", r"in \[figures.2\], 'rank' is no key"),
        ("seeds = [0]\n[figures.4]\nepochs = 1\n", r"in \[figures\], '4' is no key"),
        ("seeds = [0]\n[latent_dim]\nmnist = 3\n", r"\[latent_dim.mnist\] is a table; got 3"),
        ("seeds = [0]\n[latent_dim]\nmnist = { fixed = 3 }\n", r"\[latent_dim.mnist\] has a width, fixed, and a list"),
        ("seeds = [0]\n[seconds.mnist]\nEA = 3\n", r"in \[seconds.mnist\], 'EA' is no key"),
        ("seeds = []\n", "seeds is a list of whole numbers"),
        ("seeds = [-1]\n", r"seeds is a list of whole numbers from 0.*got \[-1\]"),
        ("seeds = [true]\n", "seeds is a list of whole numbers"),
        ("description = 'none'\n", "seeds is a list of whole numbers.*got None"),
        ('extends = "fastest"\n', "'fastest' is no profile.*Did you mean fast"),
        ("seeds = [0\n", "mine.toml could not be read as TOML"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CallError, match=message):
        written(tmp_path, text)


def test_a_figure_that_is_trained_for_itself_has_settings(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\nseeds = [0]\n[figures.2]\nepochs = 3\n')
    assert profile.figure("2") == load_profile("fast").figure("2") | {"epochs": 3}


def test_whole_numbers_are_fine_where_a_setting_is_a_float(tmp_path: Path) -> None:
    profile = written(tmp_path, "seeds = [0]\n[models.LIS-AE]\ngamma = 15\n")
    gamma = profile.settings(MODELS["LIS-AE"], "cifar10")["gamma"]
    assert (gamma, type(gamma)) == (15, float)  # 15 and 15.0 are one run


@pytest.mark.parametrize(
    ("name", "message"),
    [("fats", "'fats' is no profile: there are fast, full, smoke. Did you mean fast"), ("no.toml", "no settings file")],
)
def test_an_unknown_profile(name: str, message: str) -> None:
    with pytest.raises(CallError, match=message):
        load_profile(name)
