"""Mutants keep up with the code: a line that has changed is seen here, and not only where all of them are planted."""

import pytest

from tests.mutants.__main__ import ROOT, Mutant, all_mutants


@pytest.mark.parametrize("mutant", [pytest.param(mutant, id=mutant.name) for mutant in all_mutants()])
def test_a_mutant_can_be_planted(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.new != mutant.old
    for test in mutant.tests.split():
        path, _, name = test.partition("::")
        assert (f"def {name.partition('[')[0]}(" if name else "def test_") in (ROOT / path).read_text(encoding="utf-8")
