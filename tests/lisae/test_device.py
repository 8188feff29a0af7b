"""The choice of device and precision, and images as tensors."""

import numpy as np
import pytest
import torch

from lisae.backbone import as_float, autocast, image_tensor, resolve_device, resolve_precision

CPU = torch.device("cpu")


def test_device_names(monkeypatch: pytest.MonkeyPatch) -> None:
    for there_is_cuda in (True, False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda there=there_is_cuda: there)
        assert resolve_device("cpu") == resolve_device(CPU) == CPU
        assert resolve_device("auto").type == ("cuda" if there_is_cuda else "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for name in ("cuda", "cuda:0", "cuda:1", "mps", "mps:0", "cpu:0"):
        assert resolve_device(name) == resolve_device(torch.device(name)) == torch.device(name)


@pytest.mark.parametrize("name", ["gpu", "CPU", "cuda:", "cuda:x", "auto:0", "", "meta", torch.device("meta")])
def test_an_unknown_device(name: str) -> None:
    with pytest.raises(ValueError, match=r"one of auto, cpu, cuda, mps, one with a number, such as 'cuda:0', or "):
        resolve_device(name)


def test_devices_that_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"'cuda' was asked for.*no CUDA device here: use 'cpu' or 'auto'"):
        resolve_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ValueError, match=r"'mps' was asked for.*no such device here: use 'cpu' or 'auto'"):
        resolve_device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ValueError, match=r"'cuda:2' was asked for, and the last one here is 'cuda:1'"):
        resolve_device("cuda:2")


@pytest.mark.parametrize(
    ("capabilities", "dtype"),
    [
        ({}, torch.float32),
        ({"avx512_bf16": False, "amx_bf16": False}, torch.float32),
        ({"avx512_bf16": True}, torch.bfloat16),
        ({"amx_bf16": True}, torch.bfloat16),
    ],
)
def test_automatic_precision_is_what_the_processor_has(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], dtype: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert resolve_precision("auto", CPU) == dtype
    assert resolve_precision("float32", CPU) == torch.float32
    assert resolve_precision("bfloat16", CPU) == torch.bfloat16


def test_automatic_precision_of_a_pytorch_that_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert resolve_precision("auto", CPU) == torch.float32


@pytest.mark.parametrize(("supported", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_automatic_precision_of_a_gpu(monkeypatch: pytest.MonkeyPatch, supported: bool, dtype: torch.dtype) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: supported)
    assert resolve_precision("auto", torch.device("cuda")) == dtype


def test_automatic_precision_elsewhere() -> None:
    assert resolve_precision("auto", torch.device("mps")) == torch.float32


@pytest.mark.parametrize("name", ["float16", "bf16", ""])
def test_an_unknown_precision(name: str) -> None:
    with pytest.raises(ValueError, match=f"the precision is one of auto, float32, bfloat16; got '{name}'"):
        resolve_precision(name, CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_is_of_products_alone(dtype: torch.dtype) -> None:
    with autocast(CPU, dtype):
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


# Images


def test_as_float_scales_every_byte() -> None:
    images = torch.arange(256, dtype=torch.uint8)
    np.testing.assert_array_equal(as_float(images).numpy(), np.arange(256, dtype=np.float32) / np.float32(255))
    assert images.dtype == torch.uint8
    assert images.tolist() == list(range(256))


def test_as_float_leaves_floats_alone() -> None:
    images = torch.tensor([0.0, 0.25, 1.0])
    assert torch.equal(as_float(images), torch.tensor([0.0, 0.25, 1.0]))


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_image_tensor_moves_the_channels_and_nothing_else(dtype: type) -> None:
    images = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(dtype)
    tensor = image_tensor(images, CPU)
    assert tensor.shape == (2, 5, 3, 4)
    np.testing.assert_array_equal(tensor.numpy(), images.transpose(0, 3, 1, 2))
    assert tensor.numpy().dtype == dtype
    assert tensor.is_contiguous(memory_format=torch.channels_last)


def test_image_tensor_takes_any_order_in_memory_and_read_only_images() -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 4, 1)
    np.testing.assert_array_equal(image_tensor(images[::-1, :, ::-1], CPU).numpy()[:, 0], images[::-1, :, ::-1, 0])
    images.flags.writeable = False
    np.testing.assert_array_equal(image_tensor(images, CPU).numpy()[:, 0], images[..., 0])
