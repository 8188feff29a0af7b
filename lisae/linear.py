"""The linear case of the method (Section 4): an autoencoder found by SVD, and its encoder tilted by negatives.

Samples are rows here, (n, m), where the paper writes columns. As in Section 4.1 no mean is subtracted: the latent
space is the leading part of the column space of X+ itself.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lisae.errors import CollapseError
from lisae.training import Objective, Training, train

Rows = NDArray[np.floating]  # (n, m): samples of m features each


@dataclass(frozen=True)
class LinearAE:
    """x -> D E^T x with the decoder D = U_r and the encoder E = U_r + U_c B (Section 4.1).

    With B = 0 this is the linear autoencoder, with any other B the linear LIS-AE. U_r^T U_c = 0, so that
    L(x)^2 = ||B^T c||^2 + ||c||^2 where c = U_c^T x: a tilt never lowers the loss of any sample, and it
    keeps that of a sample whose c lies in Null(B^T).

    Attributes:
        decoder: U_r, (m, r), orthonormal columns.
        complement: U_c, (m, m - r): an orthonormal basis of the part that the decoder does not reach.
        tilt: B, (m - r, r); the paper says r x (m - r), which B^T c rules out.
    """

    decoder: NDArray[np.float64]
    complement: NDArray[np.float64]
    tilt: NDArray[np.float64]

    @property
    def encoder(self) -> NDArray[np.float64]:
        """E = U_r + U_c B, (m, r)."""
        return self.decoder + self.complement @ self.tilt

    def reconstruct(self, x: Rows) -> NDArray[np.float64]:
        """Return U_r E^T x, (n, m) -> (n, m)."""
        return x @ self.encoder @ self.decoder.T

    def loss(self, x: Rows) -> NDArray[np.float64]:
        """Return L(x) = ||U_r E^T x - x||, (n, m) -> (n,): L_AE without a tilt, L_LIS with one."""
        return np.linalg.norm(self.reconstruct(x) - x, axis=1)

    def parallel(self, x: Rows) -> NDArray[np.float64]:
        """Return U_r U_r^T x, the projection onto the latent space, (n, m) -> (n, m)."""
        return x @ self.decoder @ self.decoder.T

    def orthogonal(self, x: Rows) -> NDArray[np.float64]:
        """Return U_c c = x - U_r U_r^T x, the part outside the latent space, (n, m) -> (n, m)."""
        return x - self.parallel(x)


def linear_autoencoder(normal: Rows, latent_dim: int) -> LinearAE:
    """Return the best linear autoencoder, D = E = U_r: the first r left singular vectors of X+ (Section 4.1).

    Args:
        normal: X+, (n, m), any real values.
        latent_dim: r.

    Raises:
        ValueError: for a latent width below 1, or not below m, or above n.
    """
    n, m = normal.shape
    if not 1 <= latent_dim <= min(n, m - 1):
        raise ValueError(
            f"the latent width is at least 1, below the {m} features and not above the {n} samples; got {latent_dim}."
        )
    # Eigenvectors of X+ X+^T, by ascending eigenvalue: all m of them, however few the samples.
    basis = np.linalg.eigh(normal.T.astype(np.float64) @ normal)[1][:, ::-1]
    return LinearAE(basis[:, :latent_dim], basis[:, latent_dim:], np.zeros((m - latent_dim, latent_dim)))


def tilted(
    autoencoder: LinearAE,
    normal: Rows,
    negatives: Rows,
    *,
    gamma: float,
    beta: float = 1.0,
    epochs: int = 50,
    batch_size: int = 128,
    learning_rate: float = 1e-2,
    seed: int = 0,
) -> LinearAE:
    """Turn a linear autoencoder into linear LIS-AE: keep its decoder and minimise the last display of Section 4.1,

        mean ||U_r E^T x+ - x+|| + beta * mean |gamma - ||U_r E^T x- - x-|| |,    E = U_r + U_c B, over B.

    It is descended, since there is no closed form: these are norms, not squares. (Squares without gamma are unbounded
    below once beta E(v^T c-)^2 exceeds E(v^T c+)^2 for some v, and with gamma beside the mean square the best tilt
    has rank one.) B = 0 is a stationary point, so the descent begins at a small random B. The loss depends on B B^T
    alone, so that B is determined up to a rotation of the latent space.

    Args:
        autoencoder: where the decoder is from; a tilt that it has is not used.
        normal: X+, (n, m).
        negatives: X-, (k, m).
        gamma: loss that is enough for a negative example.
        beta: weight of the negative examples.
        epochs, batch_size, learning_rate: as in ``lisae.training.Training``.
        seed: decides the first B and the order of the samples.

    Raises:
        ValueError: for a gamma not above 0 or a beta below.
        CollapseError: when the descent diverges.
    """
    if gamma <= 0 or beta < 0:
        raise ValueError(f"gamma is above 0 and beta not below; got gamma {gamma} and beta {beta}.")
    c, other_c = (torch.from_numpy(x @ autoencoder.complement).float() for x in (normal, negatives))
    generator = torch.Generator().manual_seed(seed)
    tilt = nn.Parameter(1e-2 * torch.randn(autoencoder.tilt.shape, generator=generator))

    (outcome,) = train(
        [
            Training(
                _Tilt(tilt, beta, gamma),
                [(c,), (other_c,)],
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate,
                generator=generator,
                device=torch.device("cpu"),
                dtype=torch.float32,
            )
        ]
    )
    if isinstance(outcome, CollapseError):
        raise outcome
    return replace(autoencoder, tilt=tilt.detach().double().numpy())


class _Tilt(Objective):
    """The last display of Section 4.1 for components in the complement, as a function of B."""

    def __init__(self, tilt: nn.Parameter, beta: float, gamma: float) -> None:
        super().__init__()
        self.tilt = tilt
        self.beta, self.gamma = beta, gamma

    def forward(self, c: Tensor, other_c: Tensor) -> Tensor:
        return self._norms(c).mean() + self.beta * (self.gamma - self._norms(other_c)).abs().mean()

    def _norms(self, c: Tensor) -> Tensor:
        return torch.cat([c @ self.tilt, c], dim=1).norm(dim=1)
