"""Stacks on a GPU: the same networks as alone, no more memory than was worked out, and the CPU's AUCs."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from lisae import LISAE, AutoEncoder, Backbone
from lisae.backbone_detector import Reconstruction
from lisae.stacks import memory_of, train_stack, train_together
from lisae.training import Training, train
from tests.shapes import Shapes, auc

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here"),
]


@pytest.fixture(autouse=True)
def exact_products() -> Iterator[None]:
    """No TensorFloat-32, so that one network and a stack of them round alike."""
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32 = before


def colour_training(seed: int, batch_size: int = 64, n: int = 512) -> Training:
    generator = torch.Generator().manual_seed(seed)
    network = Backbone((32, 32, 3), 64, generator).to("cuda")
    images = torch.randint(0, 256, (n, 32, 32, 3), dtype=torch.uint8, generator=generator).permute(0, 3, 1, 2)
    return Training(
        Reconstruction(network),
        [(images.to("cuda"),)],
        epochs=2,
        batch_size=batch_size,
        learning_rate=1e-3,
        generator=generator,
        device=torch.device("cuda"),
        dtype=torch.float32,
    )


def test_a_stack_learns_what_its_members_learn_alone() -> None:
    stacked, singly = ([colour_training(seed) for seed in range(4)] for _ in range(2))
    train(stacked)
    for one, other in zip(singly, stacked, strict=True):
        train([one])
        alone, beside = (torch.cat([weight.detach().flatten() for weight in each.weights]) for each in (one, other))
        # Adam turns the rounding of a gradient near zero into a whole step, so single weights may differ by more.
        assert torch.linalg.vector_norm(beside - alone) < 1e-2 * torch.linalg.vector_norm(alone)


@pytest.mark.parametrize("members", [4, 16])
def test_a_stack_takes_no_more_memory_than_was_worked_out(members: int) -> None:
    trainings = [colour_training(seed) for seed in range(members)]
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    train(trainings)
    peak = torch.cuda.max_memory_allocated() - before
    worked_out = members * memory_of(trainings[0])
    assert 0.2 * worked_out < peak < worked_out + 2**28  # cuDNN's workspace


def test_a_stack_that_does_not_fit_is_split_and_trained() -> None:
    """The memory left free on the card is enough for a few members at a time."""
    trainings = [colour_training(seed) for seed in range(8)]
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    torch.cuda.set_per_process_memory_fraction(
        (torch.cuda.memory_reserved() + 3 * memory_of(trainings[0]) + 2**28) / total
    )
    try:
        answers = train_stack(trainings)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert all(np.isfinite(answer.losses).all() for answer in answers)
    assert free > 0


def test_detectors_in_a_stack_on_the_gpu_find_the_outliers_that_they_find_on_the_cpu(grey: Shapes) -> None:
    def detectors(device: str) -> list[LISAE]:
        return [
            LISAE(
                AutoEncoder(latent_dim=16, epochs=30, batch_size=16, min_steps=0, device=device, random_state=seed),
                gamma=6.0,
                epochs=12,
                batch_size=16,
                min_steps=0,
                random_state=seed,
            )
            for seed in range(3)
        ]

    on_gpu, on_cpu = detectors("cuda"), detectors("cpu")
    assert len(list(train_together((one.fitting(*grey.labelled()) for one in on_gpu), 3))) == 3
    for one, other in zip(on_gpu, on_cpu, strict=True):
        other.fit(*grey.labelled())
        found, expected = (auc(each, grey.held_out, grey.outliers) for each in (one, other))
        assert found == pytest.approx(expected, abs=0.02)
