"""What scikit-learn's tools ask of an estimator: parameters of a stage, clones, tags, attributes."""

import math
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sklearn.base import OutlierMixin, clone
from sklearn.utils import Tags, check_random_state

from lisae.saving import MAY_DIFFER, Savable

RandomState = int | np.random.RandomState | np.random.Generator | None


class Stage(NamedTuple):
    """The trained detector that another one begins from.

    Attributes:
        argument: the constructor argument that takes it.
        detector: its class.
    """

    argument: str
    detector: type[Any]

    def of(self, owner: Any) -> Any:
        """Return the detector that was given for the argument, or None."""
        return getattr(owner, self.argument)

    def begun(self, owner: Any, given: Any, seed: int) -> Any:
        """Return an unfitted copy of the detector that was given, with what its owner is told.

        ``seed`` is for one that has no ``random_state``. Where the owner holds no images out, the copy does not either.
        """
        copied = clone(given)
        told = {name: value for name in ("verbose", "callback") if (value := getattr(owner, name, None))}
        if copied.random_state is None:
            told["random_state"] = seed
        if not owner.validation_fraction:
            told["validation_fraction"] = 0.0
        return copied.set_params(**told)


class Conventions(OutlierMixin, Savable):
    """The conventions of scikit-learn, for detectors of which some begin from another one.

    Attributes:
        uses_negatives: whether ``fit`` learns from the rows of ``X`` marked -1; where False they are left out.
        stage: the trained detector that this one begins from; None for a model that is trained on its own.
        image_shape_: (h, w, c) of the training images.
        threshold_: the score above which ``predict`` answers -1.
        n_features_in_: the values of one image, h x w x c.
        offset_: ``decision_function`` is ``score_samples`` minus this, as in scikit-learn's detectors, but 0 for a tie.
    """

    uses_negatives: ClassVar[bool] = False
    stage: ClassVar[Stage | None] = None
    image_shape_: tuple[int, int, int]
    threshold_: float

    @property
    def n_features_in_(self) -> int:
        """The values of one image; an attribute only of a fitted detector."""
        return math.prod(self.image_shape_)

    @property
    def offset_(self) -> float:
        """The score of ``score_samples`` below which an image is anomalous; an attribute only of a fitted detector."""
        return -self.threshold_

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments by name; those of a stage that is None are the defaults, which it stands for."""
        parameters = super().get_params(deep)
        if deep and self.stage and self.stage.of(self) is None:
            inner = self.stage.detector().get_params()
            parameters |= {f"{self.stage.argument}__{name}": value for name, value in inner.items()}
        return parameters

    def set_params(self, **params: Any) -> Self:
        """Set arguments, and with ``autoencoder__latent_dim`` those of a stage.

        Raises ValueError for a name that there is not, and for settings of a stage that is fitted.
        """
        if self.stage:
            argument = self.stage.argument
            inner = {name for name in params if name.startswith(f"{argument}__")}
            given = params.get(argument, self.stage.of(self))
            if inner and given is None:
                params = params | {argument: self.stage.detector()}
            elif inner - {f"{argument}__{name}" for name in MAY_DIFFER} and is_fitted(given):
                raise ValueError(
                    f"{', '.join(sorted(inner))} would change the settings of a {type(given).__name__} that is fitted "
                    f"already: pass {argument}=sklearn.base.clone(...) of it, which is trained anew."
                )
        return super().set_params(**params)

    def __sklearn_clone__(self) -> Any:
        """Return an unfitted copy; a fitted stage is not copied, but where the copy begins too."""
        copied = super().__sklearn_clone__()
        if self.stage and is_fitted(self.stage.of(self)):
            setattr(copied, self.stage.argument, self.stage.of(self))
        return copied

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.positive_only = True
        tags.target_tags.required = self.uses_negatives
        return tags


def is_fitted(detector: Any) -> bool:
    """Tell whether a detector has learned something."""
    return hasattr(detector, "threshold_")


def seed_of(random_state: RandomState) -> int:
    """Return a seed that a random state gives, in the order of its numbers."""
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))
