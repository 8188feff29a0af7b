"""The version of results, and a guard that the source which decides them does not change without a decision.

``python -m benchmarks.engine.source`` prints the digest of the source as it is.
"""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

# Raised when a change of the code changes results, so that old records are not taken for new ones.
RESULTS_VERSION = 1
# The digest of the source for which somebody decided that RESULTS_VERSION is right.
DECIDED_FOR = "5f9de5cdde027084"

_ROOT = Path(__file__).parents[2]
_DECIDES = (
    "lisae",
    "baselines",
    "benchmarks/registry.py",
    "benchmarks/data/negatives.py",
    "benchmarks/engine/evaluate.py",
    "benchmarks/paper/section_4.py",
)


def source_digest(root: Path = _ROOT) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of all source that decides results, under ``root``.

    Comments, docstrings and layout do not count, and the digest is the same for every version of Python.
    """
    digest = hashlib.sha256()
    for path in _files(root):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(_code(ast.parse(path.read_text(encoding="utf-8"))).encode())
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    for name in _DECIDES:
        path = root / name
        yield from sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _code(node: object) -> str:
    """Write a syntax tree as text, without docstrings and without fields that are empty.

    ``ast.dump`` would do, but the fields that it shows depend on the version of Python.
    """
    if isinstance(node, list):
        return f"[{','.join(map(_code, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = {name: value for name, value in ast.iter_fields(node) if value is not None and value != []}
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
        fields["body"] = node.body[1:]
    return f"{type(node).__name__}({','.join(f'{name}={_code(value)}' for name, value in fields.items())})"


if __name__ == "__main__":
    print(source_digest())
