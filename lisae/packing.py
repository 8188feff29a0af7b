"""Weights and a description as the bytes of one safetensors file, with a digest of both."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor


def pack(weights: Mapping[str, Tensor], description: Mapping[str, Any]) -> bytes:
    """Return weights and a description of plain values as the bytes of one safetensors file."""
    tensors = {name: weight.cpu().contiguous() for name, weight in weights.items()}
    text = as_json(description)
    # One entry of metadata, since several have no fixed order: the same weights are the same bytes.
    return safetensors.torch.save(tensors, {"detector": f"{digest_of(tensors, text)} {text}"})


def unpack(data: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the weights and the description in the bytes that ``pack`` returned.

    Raises:
        ValueError: for bytes that are no safetensors file, were not written by ``pack``, or were changed since.
    """
    try:
        tensors = safetensors.torch.load(data)
    except (safetensors.SafetensorError, KeyError) as error:  # KeyError: a type that PyTorch does not have
        raise ValueError(f"it is no whole safetensors file ({error})") from error
    # The format: the length of a JSON header in 8 bytes, the header, the tensors.
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]).get("__metadata__", {})
    if "detector" not in metadata:
        raise ValueError("it has no description of a detector")
    digest, _, text = metadata["detector"].partition(" ")
    if digest != digest_of(tensors, text):
        raise ValueError("it was changed since it was written: its digest is another")
    return tensors, json.loads(text)


def as_json(description: Any) -> str:
    """Return plain values, numbers of NumPy among them, as JSON that is the same for equal values."""
    return json.dumps(description, sort_keys=True, default=lambda number: number.item())


def digest_of(tensors: Mapping[str, Tensor], description: str = "") -> str:
    """Return the SHA-256 of tensors by their names, and of a text."""
    digest = hashlib.sha256(description.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
