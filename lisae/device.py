"""Device and precision of the networks' arithmetic, and images as tensors."""

from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda")


def resolve_device(device: str) -> torch.device:
    """Return the device of a name in ``DEVICES``; ``auto`` is CUDA where there is one.

    Raises ValueError for another name, and for ``cuda`` where there is none.
    """
    if device not in DEVICES:
        raise ValueError(f"the device is one of {', '.join(DEVICES)}; got {device!r}.")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, and PyTorch finds no CUDA device here: use 'cpu' or 'auto'.")
    return torch.device("cuda" if device != "cpu" and torch.cuda.is_available() else "cpu")


def resolve_precision(precision: str, device: torch.device) -> torch.dtype:
    """Return the type of a name in ``PRECISIONS``; ``auto`` is bfloat16 where the processor computes in it.

    Weights, losses and scores stay float32 in either case. Raises ValueError for another name.
    """
    if precision not in PRECISIONS:
        raise ValueError(f"the precision is one of {', '.join(PRECISIONS)}; got {precision!r}.")
    if precision != "auto":
        return getattr(torch, precision)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Run matrix products and convolutions in ``dtype``."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


def image_tensor(images: NDArray[Any], device: torch.device) -> Tensor:
    """Put images (n, h, w, c) on the device as (n, c, h, w); their order in memory and their dtype stay."""
    return torch.from_numpy(np.require(images, requirements=["C", "W"])).permute(0, 3, 1, 2).to(device)


def as_float(images: Tensor) -> Tensor:
    """Return images as float32 in [0, 1], from uint8 or float."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images
