"""The command lisae: fit, score and info, on folders of small pictures."""

import csv
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from lisae import LISAE, AutoEncoder, load
from lisae.__main__ import command_line, main
from lisae.command.report import heat_map
from tests.shapes import Shapes

QUICK = ("--quiet", "--device", "cpu")


@pytest.fixture(scope="module")
def folders(grey: Shapes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("pictures")
    write(root / "good", grey.normal)
    write(root / "similar" / "deeper", grey.negatives)
    write(root / "new", np.concatenate([grey.held_out[:10], grey.outliers[:10]]))
    (root / "new" / "notes.txt").write_text("no image")
    return root


@pytest.fixture(scope="module")
def model(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    options = ["-o", str(path), "--latent-dim", "16", "--gamma", "6", "--seed", "3", *QUICK]
    assert main(["fit", "--normal", str(folders / "good"), "--negatives", str(folders / "similar"), *options]) == 0
    return path


def write(folder: Path, images: NDArray[np.uint8]) -> None:
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(folder / f"{i:03}.png")


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_what_is_fitted(model: Path) -> None:
    detector = load(model)
    assert type(detector) is LISAE
    assert (detector.gamma, detector.autoencoder_.latent_dim, detector.random_state) == (6, 16, 3)
    assert detector.image_shape_ == (16, 16, 1)


def test_scores_are_ranked_and_those_of_the_library(
    model: Path, folders: Path, grey: Shapes, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["score", str(model), str(folders / "new"), *QUICK]) == 0
    rows = rows_of(capsys.readouterr().out)
    assert list(rows[0]) == ["file", "score", "probability", "label"]
    images = np.concatenate([grey.held_out[:10], grey.outliers[:10]])
    detector = load(model)
    expected = dict(zip([f"{i:03}.png" for i in range(20)], detector.anomaly_score(images), strict=True))
    assert {row["file"]: float(row["score"]) for row in rows} == pytest.approx(expected, rel=1e-4)
    assert [float(row["score"]) for row in rows] == sorted((float(row["score"]) for row in rows), reverse=True)
    assert {row["file"] for row in rows[:10]} == {f"{i:03}.png" for i in range(10, 20)}
    labels = dict(zip(expected, detector.predict(images), strict=True))
    assert all((row["label"] == "anomalous") == (labels[row["file"]] == -1) for row in rows)


def test_images_are_scored_once(model: Path, folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, score = [], LISAE.anomaly_score

    def counted(self: LISAE, images: NDArray[np.uint8]) -> NDArray[np.float64]:
        counts.append(len(images))
        return score(self, images)

    monkeypatch.setattr(LISAE, "anomaly_score", counted)
    assert main(["score", str(model), str(folders / "new"), *QUICK]) == 0
    assert counts == [20]


def test_a_page_opens_without_a_network(model: Path, folders: Path, tmp_path: Path) -> None:
    page, table = tmp_path / "page.html", tmp_path / "scores.csv"
    files = ["--html", str(page), "--csv", str(table), "--top", "5"]
    assert main(["score", str(model), str(folders / "new"), *files, *QUICK]) == 0
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"(?:src|href)=\"(?!data:image/png;base64,)", text) == []
    assert "http" not in text
    rows = rows_of(table.read_text(encoding="utf-8"))
    assert len(rows) == 20
    assert re.findall(r'<td class="file">(.*?)</td>', text) == [row["file"] for row in rows[:5]]
    assert text.count("<img") == 3 * 5


def test_a_name_of_a_file_is_no_markup(model: Path, grey: Shapes, tmp_path: Path) -> None:
    write(tmp_path / "new", grey.held_out[:1])
    (tmp_path / "new" / "000.png").rename(tmp_path / "new" / "<b>&.png")
    assert main(["score", str(model), str(tmp_path / "new"), "--html", str(tmp_path / "page.html"), *QUICK]) == 0
    assert "&lt;b&gt;&amp;.png" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_errors_are_coloured_from_black_to_white() -> None:
    colours = heat_map(np.array([[[0, 1 / 3, 2 / 3, 1]]]))
    assert colours[0, 0].tolist() == [[0, 0, 0], [255, 0, 0], [255, 255, 0], [255, 255, 255]]


def test_info_tells_class_settings_and_versions(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(model)]) == 0
    told = capsys.readouterr().out
    assert re.match(r"LISAE of images of 16 x 16 x 1, threshold [\d.]+, lisae \d.*, torch \d", told)
    assert "  gamma: 6.0\n" in told
    assert "  autoencoder: AutoEncoder\n" in told
    assert "    latent_dim: 16\n" in told


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch, unchecked: None) -> None:
    """Trainings that take one step."""
    for kind in (AutoEncoder, LISAE):
        monkeypatch.setattr(kind, "_schedule", lambda self, n, epochs, batch_size: (1, n))


@pytest.mark.usefixtures("untrained")
def test_images_of_other_sizes_are_brought_to_one(folders: Path, colour: Shapes, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / "normal", colour.normal[:20])
    Image.fromarray(colour.normal[20]).resize((40, 25)).save(tmp_path / "normal" / "large.jpg")
    fit = ["fit", "--normal", str(tmp_path / "normal"), "-o", str(tmp_path / "model"), "--device", "cpu"]
    assert main(fit) == 1
    error = capsys.readouterr().err
    assert "large.jpg is 25 x 40" in error
    assert "--size" in error
    assert main([*fit, "--size", "12x8"]) == 0
    assert "no negatives: a plain autoencoder is trained" in capsys.readouterr().err
    assert type(load(tmp_path / "model")) is AutoEncoder
    assert load(tmp_path / "model").image_shape_ == (12, 8, 3)
    assert main(["score", str(tmp_path / "model"), str(folders / "new"), *QUICK]) == 0  # grey, and of another size
    assert len(rows_of(capsys.readouterr().out)) == 20


@pytest.mark.usefixtures("untrained")
def test_a_broken_image_is_named_and_left_out_only_if_that_is_asked_for(grey: Shapes, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    write(tmp_path / "good", grey.normal[:9])
    broken = tmp_path / "good" / "004.png"
    broken.write_bytes(broken.read_bytes()[:60])
    fit = ["fit", "--normal", str(tmp_path / "good"), "-o", str(tmp_path / "model"), *QUICK]
    assert main(fit) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"error: {broken} cannot be read as an image")
    assert "--skip-broken" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "model").exists()
    assert main([*fit, "--skip-broken"]) == 0
    assert f"skipped: {broken}" in capsys.readouterr().err
    assert main(["score", str(tmp_path / "model"), str(tmp_path / "good"), "--skip-broken", *QUICK]) == 0
    assert len(rows_of(capsys.readouterr().out)) == 8


@pytest.mark.parametrize("way", ["auto", "elastic"])
def test_negatives_may_be_made(folders: Path, tmp_path: Path, way: str) -> None:
    out = tmp_path / "model"
    assert main(["fit", "--normal", str(folders / "good"), "--negatives", way, "-o", str(out), *QUICK]) == 0
    detector = load(out)
    assert type(detector) is LISAE
    assert (detector.gamma, detector.autoencoder_.latent_dim) == ("auto", "auto")


def wrong_calls(root: Path, model: Path) -> Iterator[tuple[list[str], str]]:
    good, out = str(root / "good"), ["-o", str(root / "model")]
    yield ["fit", "--normal", str(root / "nowhere"), *out], "nowhere is not there"
    yield ["fit", "--normal", good, "--negatives", str(model), *out], "is no folder"
    yield ["fit", "--normal", good, "-o", str(root / "none" / "model")], "there is no folder"
    yield ["fit", "--normal", good, "-o", good], "it is a folder"
    yield ["fit", "--normal", good, "--gamma", "3", *out], "--gamma is for the negatives"
    yield ["score", str(root / "nowhere"), good], "give a file that lisae fit wrote"
    yield ["score", str(model), good, "--csv", str(root / "none" / "x")], "there is no folder"
    yield ["info", good], "is no file"


def test_a_wrong_call_is_one_line_and_status_two(folders: Path, model: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    for call, message in wrong_calls(folders, model):
        assert main(call) == 2, call
        error = capsys.readouterr().err
        assert re.match(rf"error: [^\n]*{message}[^\n]*\n$", error), error


@pytest.mark.parametrize(
    "option", [("--size", "big"), ("--size", "0"), ("--epochs", "-1"), ("--gamma", "x"), ("--contamination", "1")]
)
def test_a_wrong_value_names_itself(option: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["fit", "--normal", "a", "-o", "b", *option])
    assert end.value.code == 2
    assert f"argument {option[0]}: it is" in capsys.readouterr().err


def test_what_cannot_be_done_is_one_line_and_status_one(folders: Path, tmp_path: Path, capsys) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "model").write_bytes(b"something else")
    (tmp_path / "empty").mkdir()
    calls = {
        ("info", str(tmp_path / "model")): "model cannot be loaded: it is no whole safetensors file",
        ("score", str(tmp_path / "model"), str(folders / "new")): "model cannot be loaded",
        ("fit", "--normal", str(tmp_path / "empty"), "-o", str(tmp_path / "out")): "has no image files",
    }
    for call, message in calls.items():
        assert main(call) == 1
        error = capsys.readouterr().err
        assert error.startswith("error: ")
        assert message in error
        assert error.count("\n") == 1


def test_an_interrupt_is_told(folders: Path, tmp_path: Path, capsys, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    def interrupted(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(AutoEncoder, "fit", interrupted)
    assert main(["fit", "--normal", str(folders / "good"), "-o", str(tmp_path / "model"), *QUICK]) == 130
    assert capsys.readouterr().err.endswith("interrupted.\n")
    assert list(tmp_path.iterdir()) == []


def test_help_takes_under_a_second() -> None:
    """In processor time, which does not depend on what else the machine does; PyTorch alone takes more."""
    code = "import sys, time; from lisae.__main__ import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}print(time.process_time(), 'torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, has_torch = ended.stdout.splitlines()[-1].split()
    assert float(seconds) < 1
    assert has_torch == "False"


def test_every_option_has_its_help_and_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    commands = next(action for action in command_line()._actions if action.dest == "command").choices
    assert commands is not None
    for name, parser in commands.items():
        for action in parser._actions:  # type: ignore[attr-defined]
            assert action.help, (name, action.dest)
            assert all(option in text for option in action.option_strings if option not in ("-h", "--help"))
