"""The contract that every detector keeps."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from lisae.answers import Answers
from lisae.conventions import Conventions, RandomState, is_fitted, seed_of
from lisae.errors import CollapseError
from lisae.held_out import HeldOut, needs_twins, quantiles_of, rounds_of, threshold_of
from lisae.images import Images, as_images, as_sides, resized, shape_text
from lisae.labels import normal_rows
from lisae.memory import parts, rows_of
from lisae.negatives import WAYS, made
from lisae.settings import Part, check_settings
from lisae.sources import as_array
from lisae.stacks import Learning, train_alone


@dataclass(kw_only=True, eq=False, repr=False)
class Detector(Answers, Conventions, ABC):
    """A one-class detector of images in scikit-learn's conventions.

    A subclass implements ``_fit`` and ``_anomaly_score`` on images of one checked form; everything that its
    users call is here. It is a dataclass whose fields are its constructor arguments, which are stored untouched; what
    is learned ends in an underscore.

    Args:
        image_shape: the shape of one image as it is given, (h, w), (h, w, c), or (c, h, w) where the channels come
            first; one side may be -1, as in ``numpy.reshape``. Flat rows need it. None: the array's own.
        size: the height and width that images are brought to on their way in, as one number or two; None: their own.
        contamination: share of normal images that ``predict`` is to call anomalous.
        validation_fraction: share of the normal images that is not learned from but held out, for ``threshold_`` and
            ``anomaly_probability``. Where that is fewer than twenty, all are learned from, and twins of the detector,
            which learn from three quarters of them at least, score the rest: one to four, as ``held_out.rounds_of``
            says, each of which takes as long as the detector itself. 0: there are none, and the images' own scores,
            which are lower than those of new images, stand for those.
        random_state: decides everything random, but for the choice of those that are held out.

    Attributes:
        image_shape_: (h, w, c) of the training images.
        n_held_out_: how many normal images were held out, from the detector or from a twin.
        score_quantiles_: 1,001 quantiles of the scores of these, from the least to the largest.
        threshold_: the score above which ``predict`` answers -1, which new normal images exceed with a probability of
            ``contamination``, or of 1 / (``n_held_out_`` + 1) where that is more.
    """

    image_shape: tuple[int, ...] | None = None
    size: int | tuple[int, int] | None = None
    contamination: float = 0.05
    validation_fraction: Part = 0.0
    random_state: RandomState = None
    image_shape_: tuple[int, int, int] = field(init=False)
    n_held_out_: int = field(init=False)
    threshold_: float = field(init=False)
    score_quantiles_: NDArray[np.float64] = field(init=False)

    _role = ""  # said after the name of a twin where the progress of its trainings is told

    @abstractmethod
    def _fit(self, normal: Images, negatives: Images | None, seed: int) -> NDArray[np.float64]:
        """Learn from images of the checked form and return the scores of the normal ones, (n,).

        ``seed`` decides everything random. ``negatives`` is None for a model that does not use them.
        """

    @abstractmethod
    def _anomaly_score(self, images: Images) -> NDArray[np.float64]:
        """Score images of the checked form, (n, h, w, c) -> (n,); higher is more anomalous."""

    def fit(self, X: Any, y: ArrayLike | None = None, *, negatives: Any = None) -> Self:
        """Learn what is normal.

        Args:
            X: images (n, h, w), (n, h, w, c) or, with ``image_shape``, flat (n, features); uint8, bool, other integers
                from 0 to 255, or floating point in [0, 1]. Or a folder, a list of files or pictures, an .npy file, or a
                ``torch.utils.data.Dataset``, as ``lisae.sources.as_array`` takes them.
            y: +1 for each normal row and -1 for each negative example, (n,); None: all rows are normal.
            negatives: negative examples, in place of ``y``, in any form that ``X`` may have. ``auto``, ``strokes`` and
                ``elastic`` make them, as ``lisae.negatives.made`` does; a folder of such a name is ``./auto``.

        Raises:
            ValueError: for a wrong shape, dtype, range, label or setting, NaN, fewer than two normal images, or no
                negative example where the model needs them; the message names the value and the remedy.
            CollapseError: for normal images that are all equal.
        """
        normal, others = self._read(X, y, negatives)
        with self._at_work(normal):
            return train_alone(self._fitting(normal, others))

    def fitting(self, X: Any, y: ArrayLike | None = None, *, negatives: Any = None) -> Learning[Self]:
        """Learn as ``fit`` does, for ``stacks.train_together`` to drive.

        Yields each training of a network, and returns the detector. A model without networks yields nothing.
        """
        return (yield from self._fitting(*self._read(X, y, negatives)))

    def _fitting(
        self, normal: Images, negatives: Images | str | None, held_out: Sequence[HeldOut] | None = None
    ) -> Learning[Self]:
        """Learn as ``fitting`` does, from images of the checked form.

        ``negatives`` may name a way to make them. ``held_out`` are normal images that are held out already; None: some
        of ``normal`` are to be.
        """
        self._check_enough(normal, negatives)
        self.__dict__.pop("threshold_", None)  # set last, so that a fit that fails leaves an unfitted detector
        if held_out is None:
            normal, held_out = yield from self._hold_out(normal, negatives)
        return self._learned((yield from self._learn(*self._begin(normal, negatives, held_out))))

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        """Learn as ``_fit`` does, yielding each training of a network."""
        yield from ()
        return self._fit(normal, negatives, seed)

    def _at_work(self, normal: Images) -> AbstractContextManager[None]:
        """Return the state of the process that ``fit`` works in."""
        return nullcontext()

    def _read(self, X: Any, y: ArrayLike | None, negatives: Any) -> tuple[Images, Images | str | None]:
        """Check the arguments of the constructor and of ``fit``; return normal images and negatives, if any.

        A way to make negatives is returned as it is: they are made of the images that are learned from.
        """
        self._check_settings()
        images = self._as_images(X, None)
        if negatives is None:
            is_normal = normal_rows(y, len(images))
            return rows_of(images, is_normal), rows_of(images, ~is_normal)
        if y is not None:
            raise ValueError(
                "both y and negatives tell what is not normal: pass fit(X, y) or fit(normal, negatives=...)."
            )
        if not self.uses_negatives:
            return images, None
        if isinstance(negatives, str) and negatives in WAYS:
            return images, negatives
        others = self._as_images(negatives, images.shape[1:])
        if others.shape[1:] != images.shape[1:]:
            raise ValueError(
                f"the negatives are {shape_text(others.shape[1:])}, the normal images {shape_text(images.shape[1:])}: "
                "bring them to one shape; size=, such as size=64, brings both to one height and width."
            )
        return images, others

    def _check_settings(self) -> None:
        """Check the arguments of the constructor, and those of the stage that is given, if any."""
        check_settings(self)
        if not 0 < self.contamination < 1:
            raise ValueError(f"contamination is a share between 0 and 1, both excluded; got {self.contamination}.")
        stage = getattr(self, self.stage.argument) if self.stage else None
        if isinstance(stage, Detector):
            stage._check_settings()

    def _check_enough(self, normal: Images, negatives: Images | str | None) -> None:
        """Raise the errors of ``fit`` for images that are too few or too much alike."""
        if len(normal) < 2:
            raise ValueError(f"at least 2 normal images are needed to learn from; got {len(normal)}.")
        if all((normal[part] == normal[0]).all() for part in parts(normal)):
            raise CollapseError(f"learns nothing from normal images that are all equal; got {len(normal)} of them")
        if self.uses_negatives and (negatives is None or not len(negatives)):
            raise ValueError(
                f"{type(self).__name__} learns from negative examples, and got none: add rows of X marked -1 in y, "
                "or pass fit(X, negatives=...), images of a similar domain that are not normal, or negatives='auto'."
            )

    def _hold_out(self, normal: Images, negatives: Images | str | None) -> Learning[tuple[Images, list[HeldOut]]]:
        """Return the normal images that are learned from, and those that are held out, from it or from its twins."""
        rounds = rounds_of(len(normal), self.validation_fraction)
        if rounds and not needs_twins(len(normal), self.validation_fraction):
            return rows_of(normal, ~rounds[0]), [HeldOut(rows_of(normal, rounds[0]))]
        held_out = []
        for number, rows in enumerate(rounds, start=1):
            twin = self._twin()
            twin._role = f" (twin {number} of {len(rounds)})"
            yield from twin._fitting(rows_of(normal, ~rows), negatives, [])
            held_out.append(HeldOut(rows_of(normal, rows), twin))
        return normal, held_out

    def _twin(self) -> Self:
        """Return an unfitted detector with the same settings, of which a stage is not fitted either."""
        parameters = self.get_params(deep=False)
        if self.stage and is_fitted(given := self.stage.of(self)):
            parameters[self.stage.argument] = clone(given)
        return type(self)(**parameters)

    def _begin(
        self, normal: Images, negatives: Images | str | None, held_out: Sequence[HeldOut] = ()
    ) -> tuple[Images, Images | None, int]:
        """Return the arguments of ``_fit``, as the model takes images."""
        self.image_shape_ = normal.shape[1:]
        self._held_out = held_out
        self._negatives_are_made = isinstance(negatives, str)
        seed = seed_of(self.random_state)
        if isinstance(negatives, str):
            negatives = made(negatives, normal, seed)
        return normal, negatives if self.uses_negatives else None, seed

    def _taken(self, images: Images) -> Images:
        """Return images of the checked form, (n, h, w, c), as the model takes them."""
        return images

    def _learned(self, scores: NDArray[np.float64]) -> Self:
        """Set the threshold, which makes the detector fitted.

        It is set by the scores of images that are held out, or else by ``scores``, those of the images learned from.
        """
        held_out, self._held_out = self._held_out, ()
        self.n_held_out_ = sum(len(images) for images, _ in held_out)
        if held_out:
            judged = [(twin or self, images) for images, twin in held_out]
            scores = np.concatenate([judge._anomaly_score(judge._taken(images)) for judge, images in judged])
        self.score_quantiles_ = quantiles_of(scores, held_out=bool(held_out))
        self.threshold_ = threshold_of(scores, self.contamination, held_out=bool(held_out))
        return self

    def _fitted_stage(self, normal: Images, negatives: Images | None, seed: int) -> Learning[Any]:
        """Return the trained detector that this one begins from, of the class that ``stage`` names.

        A fitted one is returned as it is. Of one that is not fitted, a clone is fitted on the same images; None
        stands for one with the default settings. ``seed`` is for a clone that has no ``random_state``.

        Raises ValueError for a detector of another class, or one that was fitted on images of another shape.
        """
        assert self.stage is not None
        argument, kind = self.stage
        given = getattr(self, argument)
        if given is None:
            given = kind()
        if not isinstance(given, kind):
            raise ValueError(
                f"{type(self).__name__} begins from a detector of class {kind.__name__}; got {type(given).__name__}. "
                f"Pass {argument}={kind.__name__}(...)."
            )
        if not is_fitted(given):
            stage = self.stage.begun(self, given, seed)
            stage._role = self._role
            held_out = [HeldOut(images, twin and getattr(twin, f"{argument}_")) for images, twin in self._held_out]
            return (yield from stage._fitting(normal, negatives, held_out))
        if given.image_shape_ != self.image_shape_:
            raise ValueError(
                f"the {kind.__name__} was fitted on images of {shape_text(given.image_shape_)}, "
                f"these are {shape_text(self.image_shape_)}: fit it on the same normal images."
            )
        return given

    def fit_predict(self, X: Any, y: ArrayLike | None = None) -> NDArray[np.int64]:
        """Learn from images and classify them, as ``fit(X, y).predict(X)`` does."""
        return self.fit(X, y).predict(X)

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of each training of ``fit`` with ``n`` normal images, by the name of the training.

        There is none for a model that is not trained in steps; those of ``stage`` do not count.
        """
        return {}

    def anomaly_score(self, X: Any) -> NDArray[np.float64]:
        """Score images, (n,), higher is more anomalous; for autoencoders the reconstruction error L(x), Section 3.4.

        Raises:
            sklearn.exceptions.NotFittedError: before ``fit``.
            ValueError: for images that are not of the training images' shape, or wrong as in ``fit``.
        """
        return self._anomaly_score(self._checked(X))

    def _checked(self, X: Any) -> Images:
        """Return images to score in the checked form, (n, h, w, c)."""
        self._check_is_fitted()
        images = self._as_images(X, self.image_shape_)
        if images.shape[1:] != self.image_shape_:
            there, here = shape_text(images.shape[1:]), shape_text(self.image_shape_)
            expects = f"{type(self).__name__} is expecting {self.n_features_in_} features as input"
            flat = f"X has {images[0].size} features, but {expects}: " if getattr(X, "ndim", 0) == 2 else ""
            raise ValueError(
                f"{flat}the images are {there}, the training "
                f"images were {here}: bring them to the same height, width and channels."
            )
        return self._taken(images)

    def _as_images(self, X: Any, trained: tuple[int, ...] | None) -> Images:
        """Return images in any form that ``fit`` takes in the checked form, read as ``trained`` ones were, if any."""
        size = self._inherited("size")
        if size is None:
            return as_images(as_array(X), self._inherited("image_shape"), trained)
        sides = as_sides(size)
        return resized(as_images(as_array(X, sides), self._inherited("image_shape"), trained), sides)

    def _inherited(self, argument: str) -> Any:
        """Return a constructor argument: its own, or else that of the stage that is given; None for neither."""
        own, stage = getattr(self, argument, None), getattr(self, self.stage.argument) if self.stage else None
        return own if own is not None else getattr(stage, argument, None)
