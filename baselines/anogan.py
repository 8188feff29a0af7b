"""f-AnoGAN (Schlegl et al., Medical Image Analysis 54, 2019): the rows AnoGAN and AnoGAN-FM."""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from baselines.gan import Adversarial, CriticLoss, GeneratorLoss, Inversion, check_samples
from lisae.backbone_detector import BackboneDetector
from lisae.conventions import Stage
from lisae.images import Images
from lisae.reconstruction import ReconstructionDetector, check_alive, check_varied
from lisae.settings import Count, NotNegative, Positive
from lisae.stacks import Learning
from lisae.training import Objective

_SAMPLES = 512


@dataclass(kw_only=True, eq=False, repr=False)
class AnoGAN(BackboneDetector):
    """AnoGAN as f-AnoGAN computes it: an autoencoder whose decoder is the generator of a Wasserstein GAN.

    First the generator and a critic play, the critic with a gradient penalty (Gulrajani et al.,
    arXiv:1704.00028). Then both are frozen and the encoder learns to invert the generator, izi_f: it minimises
    the squared error, averaged over pixels, of an image and the generator's image of its code, plus
    ``feature_weight`` times that of the critic's features. The score is the error over pixels alone, so this
    is f-AnoGAN at kappa 0; ``AnoGANFM`` adds the features.

    The authors (github.com/tSchlegl/f-AnoGAN) have residual networks for images of 64 x 64, normal noise, Adam at
    1e-4 in batches of 64, and RMSProp for the encoder. Here the networks are the backbone, as for every model of
    the paper, the noise is uniform, the rate is higher for shorter trainings, and the encoder has Adam too.

    Args:
        latent_dim: width of the latent layer, and of the noise.
        gan_epochs: passes of the critic over the normal images.
        gan_batch_size: images, and samples, in a step of the critic.
        gan_learning_rate: Adam's rate for generator and critic, which is constant; the decay rates are (0, 0.9).
        critic_steps: steps of the critic to one of the generator.
        penalty: weight of the gradient penalty.
        feature_weight: weight of the critic's features where the encoder is trained, the authors' kappa.
        epochs: passes of the encoder over the normal images.
        batch_size: images in a step of the encoder.
        learning_rate: peak of the encoder's one-cycle rate.
        precision: as for ``BackboneDetector``, but for the gradient penalty, which is computed in float32 always.
        device, contamination, random_state: as for ``BackboneDetector``.

    Attributes:
        network_: the trained encoder, generator and critic.
        losses_: mean loss of the encoder in each epoch.
        restarts_: how many times training began again after a collapse.

    ``fit`` raises ``CollapseError`` when every restart ended in samples, codes or scores that are constant.
    """

    gan_epochs: Count = 25
    gan_batch_size: Count = 32
    gan_learning_rate: Positive = 1e-3
    critic_steps: Count = 5
    penalty: NotNegative = 10.0
    feature_weight: NotNegative = 1.0
    network_: Adversarial = field(init=False)

    def steps(self, n: int) -> dict[str, int]:
        """Return the steps of the critic, of the generator and of the encoder."""
        critic = self._steps(n, self.gan_epochs, self.gan_batch_size)
        encoder = self._steps(n, self.epochs, self.batch_size)
        return {"critic": critic, "generator": critic // self.critic_steps, "encoder": encoder}

    def sample(self, n: int, random_state: int | np.random.RandomState | None = None) -> NDArray[np.float32]:
        """Return images from the generator, (n, h, w, c), float in [0, 1].

        Raises sklearn.exceptions.NotFittedError before ``fit``.
        """
        check_is_fitted(self, "threshold_")
        seed = int(check_random_state(random_state).randint(2**31 - 1))
        return self._sample(n, torch.Generator().manual_seed(seed)).permute(0, 2, 3, 1).cpu().numpy()

    def _network(self, generator: torch.Generator) -> Adversarial:
        return Adversarial(self.image_shape_, self.latent_dim_, generator)

    def _check_alive(self, normal: Images, scores: NDArray[np.float64]) -> None:
        check_alive(normal, np.sqrt(scores * normal[0].size), self._some_codes(normal))

    def _minimise(self, normal: Images, negatives: Images | None, generator: torch.Generator) -> Learning[list[float]]:
        yield from self._play(normal, generator)
        check_samples(normal, self._sample(_SAMPLES, generator))
        return (yield from super()._minimise(normal, negatives, generator))

    def _play(self, normal: Images, generator: torch.Generator) -> Learning[list[float]]:
        """Train the critic and the generator against each other, and leave the encoder as it is."""
        return self._train(
            CriticLoss(self.network_, self.penalty),
            [[normal]],
            generator,
            epochs=self.gan_epochs,
            batch_size=self.gan_batch_size,
            learning_rate=self.gan_learning_rate,
            betas=(0.0, 0.9),
            one_cycle=False,
            opponent=GeneratorLoss(self.network_),
            every=self.critic_steps,
        )

    def _objective(self, generator: torch.Generator) -> Objective:
        return Inversion(self.network_, self.feature_weight)

    def _score(self, images: Tensor) -> Tensor:
        return self.network_.residual(images, kappa=0)

    def _sample(self, n: int, generator: torch.Generator) -> Tensor:
        with torch.no_grad():
            return self.network_.decoder(self.network_.noise(n, generator).to(self.arithmetic()[0]))


@dataclass(kw_only=True, eq=False, repr=False)
class AnoGANFM(ReconstructionDetector):
    """AnoGAN-FM: AnoGAN that also counts, in its score, the error over the critic's features.

    The score is f-AnoGAN's, the mean squared error of an image and G(E(x)) over the pixels plus ``kappa`` times
    that of the critic's features of the two over the features. Both are means, so the first term is the
    score of ``AnoGAN`` itself, and at kappa 0 there is no other. Nothing is trained beyond AnoGAN.

    Args:
        anogan: Fitted: scores with its networks, and leaves it as it is (it must have seen the same normal
            images). Not fitted: a clone of it is fitted first. None: the defaults.
        kappa: weight of the features; the authors' is 1.
        contamination: share of the normal training images that ``predict`` calls anomalous.
        random_state: seed of an AnoGAN that is fitted here and has none.

    Attributes:
        anogan_: the fitted AnoGAN.
        network_, losses_, restarts_: those of ``anogan_``.

    ``fit`` raises ``CollapseError`` when AnoGAN collapsed or the scores are constant.
    """

    stage = Stage("anogan", AnoGAN)

    anogan: AnoGAN | None = field(default=None, kw_only=False)
    kappa: NotNegative = 1.0
    anogan_: AnoGAN = field(init=False)
    restarts_: int = field(init=False)
    network_: Adversarial = field(init=False)

    def steps(self, n: int) -> dict[str, int]:
        """Return nothing: all that is trained is AnoGAN."""
        return {}

    def arithmetic(self) -> tuple[torch.device, torch.dtype]:
        """Return the device and the type of AnoGAN; only a fitted detector has them."""
        return self.anogan_.arithmetic()

    def _learn(self, normal: Images, negatives: Images | None, seed: int) -> Learning[NDArray[np.float64]]:
        self.anogan_ = yield from self._fitted_stage(normal, negatives, seed)
        self.network_, self.losses_ = self.anogan_.network_, self.anogan_.losses_
        self.restarts_ = self.anogan_.restarts_
        scores = self._anomaly_score(normal)
        check_varied(scores, self._some_codes(normal))
        return scores

    def _score(self, images: Tensor) -> Tensor:
        return self.network_.residual(images, self.kappa)
