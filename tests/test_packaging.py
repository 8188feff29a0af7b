"""An installation of the library brings what the library imports, the library alone, and little else."""

import ast
import fnmatch
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import benchmarks

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
IMPORTED_AS = {"scikit-learn": "sklearn", "pillow": "PIL", "Jinja2": "jinja2"}
EXTRAS = {
    extra: {IMPORTED_AS.get(name, name) for name in (re.split(r"[>\[]", line)[0] for line in lines)}
    for extra, lines in (PROJECT["project"]["optional-dependencies"] | {"": PROJECT["project"]["dependencies"]}).items()
}
# Python code under which these are not found, as where they are not installed.
BLOCK = """
import sys
from importlib.machinery import PathFinder
found = PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.partition(".")[0] in {names!r} else found(name, path, target)
PathFinder.find_spec = find_spec
"""


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_the_library_imports_its_dependencies_and_no_others() -> None:
    found = set().union(*(imports(path) for path in (ROOT / "lisae").rglob("*.py")))
    foreign = found - sys.stdlib_module_names - {"lisae"}
    assert foreign - EXTRAS["onnx"] == EXTRAS[""]


def test_a_missing_extra_is_looked_for_under_all_its_names() -> None:
    assert set(benchmarks._NEEDED) == EXTRAS["benchmarks"]


def test_an_installation_holds_the_library_alone() -> None:
    setuptools = pytest.importorskip("setuptools")
    found = setuptools.find_packages(str(ROOT), **PROJECT["tool"]["setuptools"]["packages"]["find"])
    assert {name.partition(".")[0] for name in found} == {"lisae"}
    assert set(setuptools.find_packages(str(ROOT / "lisae"))) == {name[6:] for name in found if name[6:]}


def test_the_source_distribution_holds_every_file_of_the_checkout() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no checkout")
    lines = [line.split() for line in (ROOT / "MANIFEST.in").read_text(encoding="utf-8").splitlines()]
    kept = {name for command, *names in lines if command in ("graft", "include") for name in names}
    kept |= {"MANIFEST.in", "pyproject.toml"}
    dropped = [name for command, *names in lines if command == "global-exclude" for name in names]
    for path in listed.stdout.splitlines():
        places = {path} | {parent.as_posix() for parent in Path(path).parents}
        assert places & kept, f"MANIFEST.in leaves out {path}"
        assert not any(fnmatch.fnmatch(Path(path).name, pattern) for pattern in dropped)


def test_the_example_of_the_readme_runs_with_what_the_library_needs_alone() -> None:
    """Its import loads neither scikit-learn's estimators nor what reads images; ``tox -e fresh`` installs the wheel."""
    others = {"benchmarks", "baselines", "tqdm", "pytest"} | EXTRAS["benchmarks"] | EXTRAS["onnx"]
    block = BLOCK.format(names=others - needed("torch", "scikit-learn"))
    heavy = r"^(sklearn\.(ensemble|svm|neighbors|linear_model|cluster|metrics)|PIL|rich|matplotlib)$"
    seen = f"import lisae.lisae, re; print([name for name in sys.modules if re.match({heavy!r}, name)])"
    example = "import runpy; sys.argv.append('--anyway'); runpy.run_path('tests/fresh.py', run_name='__main__')"
    command = [sys.executable, "-c", f"{block}\n{seen}\n{example}"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "[]\n"), ended.stderr


def needed(*names: str) -> set[str]:
    """Return the names under which these distributions and all that they need are imported."""
    found: set[str] = set()
    to_come = list(names)
    while to_come:
        name = to_come.pop()
        if IMPORTED_AS.get(name, name) in found:
            continue
        found.add(IMPORTED_AS.get(name, name))
        for line in metadata.requires(name) or []:
            if "extra ==" not in line:
                to_come.append(re.split(r"[^\w.-]", line)[0])
    return found
