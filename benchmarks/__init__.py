"""The reproduction: data, tasks, runs, records, and the paper's tables and figures made from them."""

import sys

if sys.platform == "win32":
    sys.exit(
        "error: the benchmark needs Linux or macOS, for their locks and signals. The library lisae works without it."
    )
