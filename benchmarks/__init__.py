"""The reproduction: data, tasks, runs, records, and the paper's tables and figures made from them."""

import importlib.util
import sys

if sys.platform == "win32":
    sys.exit(
        "error: the benchmark needs Linux or macOS, for their locks and signals. The library lisae works without it."
    )

# The import names of the extra ``benchmarks``.
_NEEDED = (
    *("torchvision", "pandas", "scipy", "matplotlib", "seaborn", "joblib", "threadpoolctl"),
    *("jinja2", "filelock", "platformdirs"),
)
if missing := [name for name in _NEEDED if importlib.util.find_spec(name) is None]:
    sys.exit(
        f"error: the reproduction needs {', '.join(missing)}, which the library alone does not install: "
        "run pip install -e '.[benchmarks]' in the checkout."
    )
