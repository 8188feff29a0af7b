"""Settings are complete, and inherited as the settings files say; files of settings are found, joined and refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from benchmarks.engine.profiles import Profile, check, load_profile, profile_names, settings_of
from benchmarks.errors import CallError
from benchmarks.registry import MODELS, Model
from lisae.settings import Count

FAST = load_profile("fast")
FILE = Path("mine.toml")


def defaults_of(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: option.default for name, option in settings_of(function).items()}


def written(folder: Path, text: str, name: str = "mine.toml", figures: Any = None) -> Profile:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return load_profile(str(path), figures)


@pytest.mark.parametrize("name", ["smoke", "fast", "full"])
@pytest.mark.parametrize("model", MODELS.values(), ids=list(MODELS))
def test_every_model_has_every_setting_and_an_estimate(name: str, model: Model) -> None:
    profile = load_profile(name)
    settings = profile.settings(model, "cifar10")
    assert defaults_of(model.detector).keys() <= settings.keys()
    assert {"device", "random_state", "contamination"}.isdisjoint(settings)
    assert profile.seconds(model.name, "cifar10") > 0
    if stage := model.detector.stage:
        assert settings[stage.argument].keys() == defaults_of(stage.detector).keys()


def test_the_names_are_those_of_the_command_line() -> None:
    assert profile_names() == ["fast", "full", "smoke"]


@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist", "svhn", "cifar10"])
def test_phase_one_of_lis_ae_is_ae_and_that_of_linsep_shares_its_training(dataset: str) -> None:
    """On CIFAR-10 alone LinSep has a training of its own, and all else of AE."""
    ae, lis, linsep = (FAST.settings(MODELS[name], dataset) for name in ("AE", "LIS-AE", "LinSep-LIS-AE"))
    assert lis["autoencoder"] == ae
    own = {"epochs": 6, "batch_size": 64, "learning_rate": 4e-3, "adam_beta2": 0.99} if dataset == "cifar10" else {}
    # The separating classifier reads the pre-activation, and only tanh follows it; its loss has no inner error.
    others = {"activation": "tanh", "channel_factor": 1.0, "inner_weight": 0.0}
    assert linsep["autoencoder"] | others == ae | {"separation": 200.0} | own


def test_a_profile_inherits_and_a_data_set_overrides(tmp_path: Path) -> None:
    own = "[models.AE]\nepochs = 1\nbatch_size = 5\n[datasets.svhn.AE]\nbatch_size = 7\n"
    profile = written(tmp_path, f'extends = "fast"\nseeds = [3]\n{own}')
    fast = FAST.settings(MODELS["AE"], "cifar10")
    assert profile.seeds == (3,)
    assert profile.settings(MODELS["AE"], "cifar10") == fast | {"epochs": 1, "batch_size": 5}
    svhn = profile.settings(MODELS["AE"], "svhn")
    assert svhn["batch_size"] == 7
    assert profile.settings(MODELS["LIS-AE"], "svhn")["autoencoder"] == svhn


LISTED = FAST.tables["shared"]["models"]


def test_the_shared_table_is_for_the_models_that_it_lists(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\n[shared]\nepochs = 77\n[datasets.mnist.shared]\nbatch_size = 78\n')
    for name, model in MODELS.items():
        settings, before = profile.settings(model, "mnist"), FAST.settings(model, "mnist")
        argument = model.detector.stage.argument if model.detector.stage else ""
        inner = settings.get(argument, {})
        # Stronger tables stay: Deep SVDD has epochs of its own.
        if name in LISTED and "epochs" not in FAST.tables["models"].get(name, {}):
            assert (settings["epochs"], settings["batch_size"]) == (77, 78)
        elif name not in LISTED:
            changed = {key for key, value in settings.items() if value != before[key]}
            assert changed <= {argument}
        if model.begins_from == "AE" or f"{name}.{argument}" in LISTED:
            assert (inner["epochs"], inner["batch_size"]) == (77, 78)


def test_a_model_that_the_shared_table_does_not_list_keeps_its_defaults(tmp_path: Path) -> None:
    profile = written(tmp_path, 'seeds = [0]\n[shared]\nmodels = ["AE"]\nepochs = 77\n')
    assert profile.settings(MODELS["AE"], "mnist")["epochs"] == 77
    assert profile.settings(MODELS["VAE"], "mnist") == defaults_of(MODELS["VAE"].detector)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("table", ["models", "datasets.mnist"])
def test_a_table_of_a_model_changes_that_model_alone(tmp_path: Path, name: str, table: str) -> None:
    """And those that begin from it, whose first phase it is."""
    settings = settings_of(MODELS[name].detector)
    key = next((key for key in settings if type(settings[key].default) in (int, float) and key != "nu"), None)
    if key is None:
        pytest.skip(f"{name} has no number to choose")
    profile = written(tmp_path, f'extends = "fast"\n[{table}.{name}]\n{key} = 7\n')
    assert profile.settings(MODELS[name], "mnist")[key] == 7
    others = [other for other in MODELS.values() if name not in (other.name, other.begins_from)]
    assert [other.name for other in others if profile.settings(other, "mnist") != FAST.settings(other, "mnist")] == []


def test_two_models_of_one_detector_differ_by_what_the_registry_says(tmp_path: Path) -> None:
    normalised, plain = (FAST.settings(MODELS[name], "cifar10") for name in ("IF-GCN", "IF"))
    assert normalised == plain | {"contrast": "l1"}
    assert written(tmp_path, "seeds = [0]\n").settings(MODELS["IF-GCN"], "svhn")["contrast"] == "l1"
    assert [origin for name, _, origin in FAST.explained(MODELS["KDE-GCN"], "svhn")] == ["the registry"]
    stronger = written(tmp_path, 'extends = "fast"\n[models.RepNN]\nsquash = true\n')
    assert stronger.settings(MODELS["RepNN"], "svhn")["squash"]


def test_one_latent_width_for_every_model_of_a_data_set(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\n[latent_dim]\nmnist = { fixed = 5, grid = [3, 5] }\n')
    for name in ("AE", "VAE", "OC-DSVDD"):
        assert profile.settings(MODELS[name], "mnist")["latent_dim"] == 5
        assert profile.settings(MODELS[name], "mnist", 3)["latent_dim"] == 3
    for name in ("LIS-AE", "LinSep-LIS-AE"):
        assert profile.settings(MODELS[name], "mnist", 3)["autoencoder"]["latent_dim"] == 3
        assert profile.latent_dims(MODELS[name], "mnist") == (5, 3)
    assert profile.latent_dims(MODELS["KDE"], "mnist") == ()


def test_a_width_at_which_a_model_collapses_is_none_to_choose_from(tmp_path: Path) -> None:
    lines = 'extends = "fast"\n[latent_dim]\nmnist = { fixed = 5, grid = [3, 5, 7], collapses = { VAE = [3] } }\n'
    profile = written(tmp_path, lines)
    assert profile.latent_dims(MODELS["VAE"], "mnist") == (5, 7)
    assert profile.latent_dims(MODELS["AE"], "mnist") == (5, 3, 7)
    for wrong in ("{ VEA = [3] }", "{ VAE = 3 }", "{ VAE = [0] }", "[3]"):
        with pytest.raises(CallError, match="collapses"):
            written(tmp_path, lines.replace("{ VAE = [3] }", wrong))
    with pytest.raises(CallError, match="has fixed and grid"):
        written(tmp_path, "seeds = [0]\n[latent_dim]\nmnist = { fixed = 5, collapses = { VAE = [3] } }\n")


def test_a_setting_is_explained_by_the_table_that_it_comes_from() -> None:
    origins = {name: (value, origin) for name, value, origin in FAST.explained(MODELS["LIS-AE"], "mnist")}
    assert origins["gamma"] == (9.0, "[datasets.mnist.LIS-AE]")
    assert origins["beta"] == (1.0, "[models.LIS-AE]")
    assert origins["autoencoder.batch_size"] == (64, "[datasets.mnist.shared]")
    assert origins["autoencoder.epochs"] == (12, "[shared]")
    assert origins["autoencoder.latent_dim"] == (16, "[latent_dim.mnist]")
    assert origins["autoencoder.activation"] == ("tanh", "default")


def test_how_negatives_are_prepared_is_a_setting(tmp_path: Path) -> None:
    profile = written(tmp_path, 'extends = "fast"\n[negatives.omniglot]\nblur = 2\n')
    assert profile.preparation("omniglot") == FAST.preparation("omniglot") | {"blur": 2.0}
    assert profile.preparation("svhn") == {}


def spiral(*, turns: Count = 3, width: float = 1.0, form: Annotated[str, ("round", "square")] = "round") -> None:
    """A figure that nobody but its own module knows."""


SPIRAL = {"spiral": settings_of(spiral)}


def test_a_figure_says_which_settings_it_has(tmp_path: Path) -> None:
    profile = written(tmp_path, "seeds = [0]\n[figures.spiral]\nturns = 5\nwidth = 2\n", figures=SPIRAL)
    settings = profile.figure("spiral", SPIRAL["spiral"])
    assert settings == {"turns": 5, "width": 2.0, "form": "round"}
    assert type(settings["width"]) is float
    assert load_profile("fast").figure("spiral", SPIRAL["spiral"])["turns"] == 3


@pytest.mark.parametrize(
    ("figures", "parts"),
    [
        ({"spiral": {"turns": 0}}, ["turns in [figures.spiral]", "at least 1", "got 0"]),
        ({"spiral": {"turns": 2.5}}, ["turns in [figures.spiral]", "int", "2.5"]),
        ({"spiral": {"form": "oval"}}, ["form in [figures.spiral]", "round, square", "'oval'"]),
        ({"spiral": {"turn": 2}}, ["[figures.spiral]", "'turn'", "Did you mean turns"]),
        ({"spirale": {"turns": 2}}, ["[figures]", "'spirale'", "Did you mean spiral"]),
        ({"spiral": 3}, ["[figures.spiral] is a table", "3"]),
    ],
)
def test_wrong_settings_of_a_figure(figures: dict[str, Any], parts: list[str]) -> None:
    check(FILE, {"figures": figures})  # whoever loads a profile without figures reads none of their settings
    with pytest.raises(CallError) as caught:
        check(FILE, {"figures": figures}, SPIRAL)
    for part in ("mine.toml", *parts):
        assert part in str(caught.value)


def test_whole_numbers_are_fine_where_a_setting_is_a_float(tmp_path: Path) -> None:
    profile = written(tmp_path, "seeds = [0]\n[models.LIS-AE]\ngamma = 15\n")
    gamma = profile.settings(MODELS["LIS-AE"], "cifar10")["gamma"]
    assert (gamma, type(gamma)) == (15, float)  # 15 and 15.0 are one run


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = [0\n", "mine.toml could not be read as TOML"),
        ("description = 'none'\n", "seeds is missing"),
        ('extends = "fastest"\n', "'fastest' is no profile.*Did you mean fast"),
        ('extends = "nowhere.toml"\n', "no settings file .*nowhere.toml"),
        (f"a{'.a' * 50_000} = 1\n", "mine.toml"),
        (f"a = {'[' * 50_000}\n", "mine.toml"),
    ],
    ids=["no TOML", "no seeds", "no profile", "no file", "deep key", "deep list"],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CallError, match=message):
        written(tmp_path, text)


def test_a_byte_order_mark_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes(b"\xef\xbb\xbfseeds = [4]\n")
    assert load_profile(str(path)).seeds == (4,)


def test_a_file_extends_another_beside_it_wherever_the_call_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base.toml").write_text("seeds = [5]\n")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert written(tmp_path, 'extends = "base.toml"\n').seeds == (5,)
    assert written(tmp_path, 'extends = "../base.toml"\n', "inner/mine.toml").seeds == (5,)


@pytest.mark.parametrize("circle", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_files_that_extend_each_other_in_a_circle(tmp_path: Path, circle: list[str]) -> None:
    for name, below in zip(circle, circle[1:] + circle[:1], strict=True):
        (tmp_path / f"{name}.toml").write_text(f'extends = "{below}.toml"\nseeds = [0]\n')
    with pytest.raises(CallError, match=r"a\.toml extends itself"):
        load_profile(str(tmp_path / "a.toml"))


@pytest.mark.parametrize(("name", "message"), [("fats", "Did you mean fast"), ("no.toml", "no settings file")])
def test_an_unknown_profile(name: str, message: str) -> None:
    with pytest.raises(CallError, match=message):
        load_profile(name)
