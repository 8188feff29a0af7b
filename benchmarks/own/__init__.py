"""Detectors that come from outside: how they are found, and adapters for what people have already."""

from benchmarks.own.estimators import PyODDetector, ScikitLearnDetector
from benchmarks.own.network import NetworkDetector

__all__ = ["NetworkDetector", "PyODDetector", "ScikitLearnDetector"]
