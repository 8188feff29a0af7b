"""RepNN, the replicator network (Hawkins et al., DaWaK 2002) on the backbone, and Sig-RepNN, which has a sigmoid."""

from dataclasses import dataclass, field
from typing import Annotated

import torch
from torch import Tensor

from lisae.backbone import Backbone
from lisae.backbone_detector import BackboneDetector
from lisae.settings import Positive, Range


class ReplicatorBackbone(Backbone):
    """The backbone with a staircase in place of the latent tanh, after a sigmoid in Section 5.1 of the paper.

    Args:
        image_shape: (h, w, c).
        latent_dim: width of the latent layer.
        levels: how many levels the staircase has.
        steepness: how steep its steps are.
        generator: draws the initial weights.
        squash: whether a sigmoid comes before the staircase.

    Raises ValueError as ``Backbone`` does.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        latent_dim: int,
        levels: int,
        steepness: float,
        generator: torch.Generator,
        *,
        squash: bool,
    ) -> None:
        super().__init__(image_shape, latent_dim, generator)
        self.levels = levels
        self.steepness = steepness
        self.squash = squash

    def code(self, features: Tensor) -> Tensor:
        """Return the latent code in [0, 1], mostly near a level, (n, latent_dim), of features, (n, features)."""
        t = self.latent(features).float()
        return staircase(torch.sigmoid(t) if self.squash else t, self.levels, self.steepness)


@dataclass(kw_only=True, eq=False, repr=False)
class ReplicatorNetwork(BackboneDetector):
    """Sig-RepNN: AE whose code takes one of a few levels in each coordinate; without ``squash``, RepNN.

    The paper puts a sigmoid before the staircase, "mainly" since this "gives a more robust and easy-to-train network"
    (Section 5.1). Its steps lie between 0 and 1, where a sigmoid puts every coordinate.

    Args:
        levels: N, how many levels a coordinate of the code has; the paper has four.
        steepness: a of the staircase. The steeper, the nearer are codes to a level, and the less gradient is left
            between two steps; at 10 there are hardly any levels.
        squash: whether a sigmoid comes before the staircase.

    The other arguments, the attributes and the errors are those of ``BackboneDetector``; ``fit`` also raises ValueError
    for fewer than two levels or a steepness that is not positive.
    """

    levels: Annotated[int, Range(2)] = 4
    steepness: Positive = 40.0
    squash: bool = True
    network_: ReplicatorBackbone = field(init=False)

    def _network(self, generator: torch.Generator) -> ReplicatorBackbone:
        return ReplicatorBackbone(
            self.image_shape_, self.latent_dim_, self.levels, self.steepness, generator, squash=self.squash
        )


def staircase(t: Tensor, levels: int, steepness: float) -> Tensor:
    """Rise from 0 to 1 in ``levels`` - 1 steps, at t = 1/N, ..., (N - 1)/N; same shape as ``t``.

    S(t) = 1/2 + 1/(2 (N - 1)) * sum over j = 1, ..., N - 1 of tanh(a (t - j/N)), Hawkins et al.
    """
    steps = torch.arange(1, levels, device=t.device) / levels
    return 0.5 + torch.tanh(steepness * (t[..., None] - steps)).sum(dim=-1) / (2 * (levels - 1))
