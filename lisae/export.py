"""The anomaly score as a module of PyTorch on its own, and as an ONNX file."""

import copy
import logging
from pathlib import Path
from typing import Any

import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn


class Score(nn.Module):
    """The anomaly score of a fitted detector as a function of images alone, on the CPU.

    ``forward`` maps images, (n, h, w, c), float32 in [0, 1], of the shape of training, to scores, (n,), float32. It
    checks nothing, so that ``torch.export`` takes it.

    Args:
        detector: a fitted detector that scores by a network, such as ``AutoEncoder`` or ``LISAE``; it stays as it is.

    Raises:
        sklearn.exceptions.NotFittedError: before ``fit``.
        TypeError: for a detector without a network.
    """

    def __init__(self, detector: Any) -> None:
        super().__init__()
        check_is_fitted(detector, "threshold_")
        if not hasattr(detector, "network_"):
            raise TypeError(f"{type(detector).__name__} has no network to export: only detectors with one can be.")
        own = copy.copy(detector)
        self.network = own.network_ = copy.deepcopy(detector.network_).cpu().requires_grad_(False)
        self._score = own._score

    def forward(self, images: Tensor) -> Tensor:
        """Score images, (n, h, w, c) -> (n,)."""
        return self._score(images.permute(0, 3, 1, 2))


def to_onnx(detector: Any, path: str | Path) -> None:
    """Write the anomaly score of a fitted detector as one ONNX file.

    Its input ``images`` is (n, h, w, c), float32 in [0, 1], for any n; its output ``scores`` is (n,). The threshold and
    the detector's name are metadata of the file.

    Raises:
        ImportError: where the extra ``onnx`` is not installed.
        sklearn.exceptions.NotFittedError, TypeError: as for ``Score``.
    """
    try:
        import onnx  # noqa: PLC0415  # an extra
        import onnxscript  # noqa: F401, PLC0415
    except ImportError as error:
        raise ImportError(
            f"ONNX files need {error.name}, which is not installed: pip install 'lisae[onnx]'."
        ) from error
    module = Score(detector).eval()
    example = torch.zeros(2, *detector.image_shape_)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    program = torch.onnx.export(
        module,
        (example,),
        input_names=["images"],
        output_names=["scores"],
        dynamic_shapes=({0: torch.export.Dim("n")},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    model = program.model_proto
    onnx.helper.set_model_props(
        model, {"detector": type(detector).__name__, "threshold": repr(float(detector.threshold_))}
    )
    onnx.save_model(model, str(path))
