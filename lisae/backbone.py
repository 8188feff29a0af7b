"""The one backbone that every deep model here shares (Section 5.1 of the paper), and the arithmetic that it runs in."""

import math
import warnings
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

PRECISIONS = ("auto", "float32", "bfloat16")
DEVICES = ("auto", "cpu", "cuda", "mps")

NEGATIVE_SLOPE = 0.2
# Colour images have the network of higher capacity, at the same depth (Section 5.1).
_GREY_CHANNELS, _COLOUR_CHANNELS = (16, 64), (32, 64)
# Of the decoder: those that bring a code back to the width of the encoder's features.
INNER_LAYERS = 2
_ACTIVATIONS = {"tanh": torch.tanh, "relu": torch.relu}


class Backbone(nn.Module):
    """Encoder, latent layer and decoder, x -> s -> z -> reconstruction (Section 3.1).

    The encoder is two convolutions with LeakyReLU, of 16 and 64 channels for grey images and 32 and 64 for
    colour; the latent layer is fully connected with tanh; the decoder is a fully connected layer with LeakyReLU,
    two deconvolutions with LeakyReLU and a last convolution with sigmoid. There is no batch normalisation: the
    paper has none. Images are float in [0, 1], (n, c, h, w). The encoder halves the sides twice: those that are no
    multiples of 4 are padded with their edge on the way in, and the decoder crops what it made of that.

    Args:
        image_shape: (h, w, c).
        latent_dim: width of the latent layer.
        generator: draws the initial weights.
        activation: of the latent layer, ``tanh``, the paper's, or ``relu``, which it was compared with (Section 3.1).
        channel_factor: the channels of all layers between image and features are so many times those above, rounded.

    Raises:
        ValueError: for a latent width below 1, another activation, or a factor that leaves no channel.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        generator: torch.Generator,
        activation: str = "tanh",
        channel_factor: float = 1.0,
    ) -> None:
        super().__init__()
        height, width, channels = image_shape
        if latent_dim < 1:
            raise ValueError(f"the latent width is at least 1; got {latent_dim}.")
        if activation not in _ACTIVATIONS:
            raise ValueError(f"the activation is one of {', '.join(_ACTIVATIONS)}; got {activation!r}.")
        self.activation = activation
        standard = _GREY_CHANNELS if channels == 1 else _COLOUR_CHANNELS
        first, second = (round(channel_factor * n) for n in standard)
        if first < 1:
            raise ValueError(f"channel_factor {channel_factor} leaves none of {standard[0]} channels.")
        grid = (second, -(-height // 4), -(-width // 4))
        is_whole = height % 4 == 0 and width % 4 == 0
        self.features = math.prod(grid)
        with torch.device("meta"):  # no memory, so that PyTorch draws no weights from its global generator
            self.encoder = nn.Sequential(
                *([] if is_whole else [nn.ReplicationPad2d((0, -width % 4, 0, -height % 4))]),
                nn.Conv2d(channels, first, 4, stride=2, padding=1),
                nn.LeakyReLU(NEGATIVE_SLOPE),
                nn.Conv2d(first, second, 4, stride=2, padding=1),
                nn.LeakyReLU(NEGATIVE_SLOPE),
                nn.Flatten(),
            )
            self.latent = nn.Linear(self.features, latent_dim)
            self.decoder = nn.Sequential(
                nn.Linear(latent_dim, self.features),
                nn.LeakyReLU(NEGATIVE_SLOPE),
                nn.Unflatten(1, grid),
                Deconvolution(second, first, 4, stride=2, padding=1),
                nn.LeakyReLU(NEGATIVE_SLOPE),
                Deconvolution(first, first, 4, stride=2, padding=1),
                nn.LeakyReLU(NEGATIVE_SLOPE),
                *([] if is_whole else [Crop(height, width)]),
                nn.Conv2d(first, channels, 3, padding=1),
                nn.Sigmoid(),
            )
        self.to_empty(device="cpu")
        initialise(self, generator)
        # Images stay in the order (h, w, c) in memory, on which convolutions are faster.
        self.to(memory_format=torch.channels_last)

    def code(self, features: Tensor) -> Tensor:
        """Return the latent code, in [-1, 1] with tanh, (n, latent_dim), of encoder features, (n, features)."""
        return _ACTIVATIONS[self.activation](self.latent(features))

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruct images, (n, c, h, w) -> (n, c, h, w), both in [0, 1]."""
        return self.decoder(self.code(self.encoder(images)))


class Crop(nn.Module):
    """The upper left part of images, (n, c, h, w), of ``height`` and ``width``."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height, self.width = height, width

    def forward(self, images: Tensor) -> Tensor:
        """Return the images cropped, (n, c, height, width)."""
        return images[..., : self.height, : self.width]


class Deconvolution(nn.ConvTranspose2d):
    """A deconvolution that sums the gradient of its bias on its own.

    On a CPU it is a scalar loop inside of the gradient of the weights, a quarter of a training step. So the bias is
    given without its gradient, and zeros that have it are added. Results are the same up to rounding.
    """

    def forward(self, images: Tensor, output_size: list[int] | None = None) -> Tensor:
        """Deconvolve as ``torch.nn.ConvTranspose2d`` does; ``output_size`` is not used."""
        assert self.bias is not None
        assert not isinstance(self.padding, str)
        bias = self.bias.detach()
        answer = functional.conv_transpose2d(images, self.weight, bias, self.stride, self.padding)
        # Under vmap the bias is a plain tensor, whose requires_grad does not tell if it is trained.
        is_frozen = isinstance(self.bias, nn.Parameter) and not self.bias.requires_grad
        if is_frozen or not torch.is_grad_enabled():
            return answer
        return answer + (self.bias - bias).to(answer.dtype)[:, None, None]


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw weights with He et al.'s variance for LeakyReLU (arXiv:1502.01852), biases zero.

    An output of a deconvolution sums over in_channels x kernel area / stride^2 inputs only, and that is the
    fan-in taken here: with PyTorch's default the signal dies on the way and the network often stays at the mean image.
    """
    gain = math.sqrt(2 / (1 + NEGATIVE_SLOPE**2))
    for layer in module.modules():
        if not isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            continue
        if isinstance(layer, nn.Linear):
            fan_in = layer.in_features
        elif isinstance(layer, nn.ConvTranspose2d):
            fan_in = layer.in_channels * math.prod(layer.kernel_size) // math.prod(layer.stride)
        else:
            fan_in = layer.in_channels * math.prod(layer.kernel_size)
        with torch.no_grad():
            layer.weight.normal_(0, gain / math.sqrt(fan_in), generator=generator)
            if layer.bias is not None:
                layer.bias.zero_()


def resolve_device(device: str | torch.device) -> torch.device:
    """Return a device of PyTorch from itself or its name, which may have a number, such as ``cuda:1``.

    ``auto`` is CUDA where there is one, and else the CPU.

    Raises ValueError for another name than those in ``DEVICES``, and for a device that is not there.
    """
    name, colon, number = str(device).partition(":")
    if name not in DEVICES or (colon and not (number.isdecimal() and name != "auto")):
        raise ValueError(
            f"the device is one of {', '.join(DEVICES)}, one with a number, such as 'cuda:0', or a torch.device; "
            f"got {device!r}."
        )
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not count:
            raise ValueError("device 'cuda' was asked for, and PyTorch finds no CUDA device here: use 'cpu' or 'auto'.")
        if number and int(number) >= count:
            raise ValueError(f"device {str(device)!r} was asked for, and the last one here is 'cuda:{count - 1}'.")
    if name == "mps" and not torch.backends.mps.is_available():
        raise ValueError("device 'mps' was asked for, and PyTorch finds no such device here: use 'cpu' or 'auto'.")
    return torch.device(str(device))


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
    if device.type != "cpu":
        return torch.float32
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return torch.bfloat16 if capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") else torch.float32


def autocast(device: torch.device, dtype: torch.dtype) -> AbstractContextManager[Any]:
    """Run matrix products and convolutions in ``dtype``."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=dtype == torch.bfloat16)


def image_tensor(images: NDArray[Any], device: torch.device) -> Tensor:
    """Put images (n, h, w, c) on the device as (n, c, h, w); their order in memory and their dtype stay.

    On a CPU the tensor shares the memory of the array, which must not be written to.
    """
    contiguous = np.ascontiguousarray(images)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable", UserWarning)
        return torch.from_numpy(contiguous).permute(0, 3, 1, 2).to(device)


def as_float(images: Tensor) -> Tensor:
    """Return images as float32 in [0, 1], from uint8 or float."""
    return images.float().div_(255) if images.dtype == torch.uint8 else images
