"""Detectors from outside are found by file, class and entry point, and are told apart by what they are."""

import pickle
import sys
from importlib import metadata
from pathlib import Path

import pytest

from benchmarks.data import identify
from benchmarks.engine.evaluate import Context
from benchmarks.engine.execute import Outcome, execute
from benchmarks.engine.overrides import overridden
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.records import Record
from benchmarks.engine.run import Job, id_of, make_run
from benchmarks.errors import CallError, UnavailableError
from benchmarks.own.sources import GROUP, DetectorSource, libraries, register, registered, sources_of
from benchmarks.paper.tasks import without_negatives
from benchmarks.registry import MODELS
from lisae.stacks import train_alone
from tests.benchmarks.own.conftest import Write

SMOKE = load_profile("smoke")
TASK = without_negatives("mnist", 3)


def of(path: Path | str) -> DetectorSource:
    (source,) = sources_of([str(path)], [])
    assert isinstance(source, DetectorSource)
    return source


def run_id(path: Path | str, seed: int = 0) -> str:
    source = of(path)
    with registered([source]):
        return make_run(TASK, source.name, seed, SMOKE, {}).id


def test_a_file_becomes_a_model_while_the_block_lasts(write: Write) -> None:
    source = of(f"Mine={write()}")
    with registered([source]):
        model = MODELS["Mine"]
        assert model.detector.__name__ == "MeanDistance"
        assert model.description == "Distance to the mean image"
        run = make_run(TASK, "Mine", 0, SMOKE, {})
        assert run.settings == {"power": 2.0}
        assert run.identity()["origin"] == {"class": "MeanDistance", "sha256": source.digest}
    assert "Mine" not in MODELS
    assert of(write()).name == "MeanDistance"


def test_the_content_of_the_file_is_in_the_id_and_its_place_is_not(write: Write) -> None:
    first = run_id(f"NN={write()}")
    assert run_id(f"NN={write(name='elsewhere.py')}") == first
    assert run_id(f"NN={write('axis=0', 'axis=(0,)')}") != first
    assert run_id(f"NN={write()}", seed=1) != first


def test_the_ids_of_this_packages_models_have_no_origin() -> None:
    identity = make_run(TASK, "KDE", 0, SMOKE, {}).identity()
    assert "origin" not in identity
    assert id_of(identity | {"origin": {"sha256": "x"}}) != id_of(identity)


def test_a_source_makes_the_model_in_another_process(write: Write) -> None:
    """It travels as plain data, and the file need not be there."""
    path = write()
    sent = pickle.dumps(of(f"NN={path}"))
    path.unlink()
    sys.modules.pop(f"own_detector_{pickle.loads(sent).digest}")
    with registered([pickle.loads(sent)]):
        assert MODELS["NN"].detector(power=1.0).get_params()["power"] == 1.0  # type: ignore[call-arg]


def test_a_worker_that_serves_several_calls_takes_the_file_of_each(write: Write) -> None:
    first, second = of(f"NN={write()}"), of(f"NN={write('2.0', '3.0', 'other.py')}")
    with registered([first]):
        register([second])
        assert MODELS["NN"].origin == second
    with pytest.raises(UnavailableError, match="NN cannot be made here: no_such_module cannot be loaded"):
        register([DetectorSource("NN", ("--model", ""), "no_such_module", "A", "")])


def test_a_class_of_a_package_is_known_by_its_version() -> None:
    source = of("Forest=baselines.isolation_forest:IsolationForest")
    assert source.name == "Forest"
    identity = source.identity(TASK, 0)
    assert identity["class"] == "baselines.isolation_forest:IsolationForest"
    assert identity.keys() == {"class", "sha256"}  # edited where it lies: by its content
    found = DetectorSource("A", ("", ""), "module", "Class", "", package="name 1.2")
    assert found.identity(TASK, 0) == {"class": "module:Class", "package": "name 1.2"}


def test_a_checkout_that_was_built_is_known_by_its_content(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(name="built_here.py")
    metadata = path.parent / "built_here.egg-info"
    metadata.mkdir()
    (metadata / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: built-here\nVersion: 1.0\n")
    (metadata / "top_level.txt").write_text("built_here\n")
    monkeypatch.syspath_prepend(path.parent)
    assert of("built_here:MeanDistance").identity(TASK, 0).keys() == {"class", "sha256"}


def test_an_entry_point_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint("Forest", "baselines.isolation_forest:IsolationForest", GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [entry] if group == GROUP else [])
    source = of("Forest")
    assert (source.name, source.class_name) == ("Forest", "IsolationForest")
    with pytest.raises(CallError, match=r"'forrest' is no detector of an installed package.*Did you mean Forest"):
        of("forrest")


def test_libraries_are_those_that_the_file_imports(write: Write) -> None:
    found = libraries(of(write("import numpy as np", "import numpy as np\nfrom sklearn.base import clone")))
    assert found == ["numpy", "scikit-learn"]
    assert libraries(None) == []


WRONG = {
    "a syntax error": ("def _fit(self", "def _fit(self(", r"cannot be loaded: SyntaxError: [^(]*\(line 14\)"),
    "an exception": ("import numpy as np", "1 / 0", r"cannot be loaded: ZeroDivisionError: .*\(line 4\)"),
    "an exit": ("import numpy as np", "raise SystemExit(0)", r"cannot be loaded: SystemExit: 0 \(line 4\)"),
    "a module beside it": ("import numpy as np", "import my_helpers", "imports what is installed; several are"),
    "no detector": ("(Detector)", "", "has no detector: a detector is a class derived from lisae.Detector"),
    "a method missing": ("_anomaly_score(self, images)", "_score(self, images)", "lacks _anomaly_score"),
    "no default": ("power: float = 2.0", "power: float", "has an argument power without a default"),
    "no random_state": (
        "    def _fit", "    def __init__(self):\n        pass\n\n    def _fit", "has no argument random_state",
    ),
}  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_is_wrong_is_told_in_one_line(write: Write, wrong: str) -> None:
    old, new, message = WRONG[wrong]
    with pytest.raises(CallError, match=message) as caught:
        sources_of([str(write(old, new))], [])
    assert "\n" not in str(caught.value)


def test_several_detectors_are_told_apart_by_name(write: Write) -> None:
    path = write()
    path.write_text(f"{path.read_text()}\n\nclass Second(MeanDistance):\n    pass\n")
    with pytest.raises(CallError, match="has several detectors: MeanDistance, Second"):
        of(path)
    assert of(f"{path}:Second").name == "Second"
    with pytest.raises(CallError, match="has no 'Third'"):
        of(f"{path}:Third")
    with pytest.raises(CallError, match=r"mine\.py:np is no detector"):
        of(f"{path}:np")


@pytest.mark.parametrize(
    ("detector", "message"),
    [
        ("no_such.py", "no_such.py cannot be read: No such file"),
        ("no_such_package.module:Class", "there is no package 'no_such_package' here"),
        ("anything", "'anything' is no detector: write my_detector.py"),
        ("lis-ae={}", "LIS-AE is a model of this package: name yours otherwise"),
        ("a,b={}", "'a,b' is no name of a model"),
        ("={}", "'' is no name of a model"),
    ],
)
def test_what_a_call_cannot_name(write: Write, detector: str, message: str) -> None:
    with pytest.raises(CallError, match=message):
        sources_of([detector.format(write())], [])


def test_a_name_is_taken_once(write: Write) -> None:
    with pytest.raises(CallError, match="NN is named twice"):
        sources_of([f"NN={write()}", f"nn={write(name='other.py')}"], [])


def test_settings_come_from_the_constructor_the_profile_and_the_call(write: Write, tmp_path: Path) -> None:
    with registered([of(f"NN={write()}")]):
        path = tmp_path / "own.toml"
        path.write_text('extends = "smoke"\n[models.NN]\npower = 3\n[datasets.mnist.NN]\npower = 4.0\n')
        profile = load_profile(str(path))
        assert profile.settings(MODELS["NN"], "cifar10") == {"power": 3.0}
        assert profile.settings(MODELS["NN"], "mnist") == {"power": 4.0}
        changed = overridden(profile, ["NN.power=5"])
        assert list(changed.explained(MODELS["NN"], "mnist")) == [("power", 5.0, "[--set.NN]")]
        with pytest.raises(CallError, match=r"power in .* is of type float; got 'high'"):
            overridden(profile, ["NN.power=high"])
        with pytest.raises(CallError, match="'powr' is no key: there are power"):
            overridden(profile, ["NN.powr=5"])


def test_a_setting_of_a_call_counts_for_every_model() -> None:
    changed = overridden(SMOKE, ["LIS-AE.gamma=7", "AE.activation=relu"])
    settings = changed.settings(MODELS["LIS-AE"], "mnist")
    assert (settings["gamma"], settings["autoencoder"]["activation"]) == (7.0, "relu")
    for text in ("gamma=7", "LIS-AE.gamma", "LIS-AE.=7"):
        with pytest.raises(CallError, match="--set is <model>"):
            overridden(SMOKE, [text])
    with pytest.raises(CallError, match="'LISAE' is no model"):
        overridden(SMOKE, ["LISAE.gamma=7"])


def test_a_job_makes_the_models_that_it_needs(write: Write, grey_data_dir: Path, tmp_path: Path) -> None:
    """As in a process, or on a node, whose registry has never heard of them."""
    source, identity = of(f"NN={write()}"), identify("mnist", grey_data_dir)
    assert identity is not None
    with registered([source]):
        run = make_run(TASK, "NN", 0, SMOKE, {"mnist": identity})
    assert "NN" not in MODELS
    outcomes: list[Outcome] = []
    try:
        context = Context(tmp_path, grey_data_dir, "cpu", "", "smoke", (source,))
        train_alone(execute(Job((run,)), context, None, outcomes.append))
    finally:
        MODELS.pop("NN", None)
    assert [type(one) for one in outcomes] == [Record]
    assert outcomes[0].run == run.id
