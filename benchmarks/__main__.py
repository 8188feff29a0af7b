"""The command ``lisae-reproduce``, which is ``python -m benchmarks.reproduce`` from its first line on."""

import runpy


def main() -> None:
    """Run ``benchmarks.reproduce`` as a program, which ends with its exit status."""
    runpy.run_module("benchmarks.reproduce", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
