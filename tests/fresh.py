"""The README's example of the library, run without pytest where only ``lisae`` and what it needs are installed."""

import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path

import numpy as np

EXAMPLE = re.findall(r"```python\n(.*?)```", (Path(__file__).parents[1] / "README.md").read_text("utf-8"), re.DOTALL)[0]
NOT_NEEDED = ("benchmarks", "baselines", "pandas", "torchvision", "matplotlib", "seaborn", "platformdirs", "pytest")


def main() -> None:
    """Run the example on waves across and down; end with an error if it fails, or if more is installed than needed."""
    installed = [name for name in NOT_NEEDED if "--anyway" not in sys.argv and importlib.util.find_spec(name)]
    if installed:
        sys.exit(f"error: {', '.join(installed)} can be imported here, which the library does not need")
    random = np.random.default_rng(0)
    x = np.sin(np.linspace(0, 6, 16) + random.uniform(0, 6, (40, 1)))
    normal = np.rint(127 + 100 * x).astype(np.uint8)[:, None].repeat(16, axis=1)
    other = normal.transpose(0, 2, 1)
    names = {"normal": normal[:32], "similar": other[:32], "images": np.concatenate([normal[32:], other[32:]])}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        exec(EXAMPLE, names)
        os.chdir("/")
    scores = names["detector"].anomaly_score(names["images"])  # type: ignore[attr-defined]
    if not scores[:8].max() < scores[8:].min():
        sys.exit(f"error: the example does not tell waves down from waves across: {scores}")


if __name__ == "__main__":
    main()
