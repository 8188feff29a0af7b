"""The versions that ``tox -e lowest`` installs are the lowest that pyproject.toml allows."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_versions_are_the_lowest_allowed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    testing = [one for one in extras["dev"] if one.startswith("pytest")]
    lowest = {one.replace(">=", "==") for one in [*project["dependencies"], *extras["benchmarks"], *testing]}
    lines = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if line and not line.startswith("#")} == lowest
