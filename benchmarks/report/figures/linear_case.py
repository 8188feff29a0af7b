"""The linear case of Section 4: Figure 2, and the cross-section of Section 4.2; both train in seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import cycle

import pandas as pd

from benchmarks.data import load
from benchmarks.engine.evaluate import Context, negatives_of
from benchmarks.engine.execute import Failure
from benchmarks.engine.plan import Computation, Plan
from benchmarks.engine.profiles import settings_of
from benchmarks.engine.records import variant_text
from benchmarks.engine.run import Run
from benchmarks.paper.section_4 import DIGIT, LOSS, cross_section_points, figure_2_points
from benchmarks.paper.tasks import Negatives, Task, against
from benchmarks.report.figures.base import Figure
from benchmarks.report.style import COLOURS, FAINT, INK, SIDE, Page
from benchmarks.report.tidy import COMPLETE

_ROWS = {
    "a": "inputs",
    "b": "orthogonal part",
    "c": "AE of (b)",
    "d": "LIS-AE of (b)",
    "e": "AE of (a)",
    "f": "LIS-AE of (a)",
}
_SIGNED = "bcd"  # around zero, which is mid-grey; the others are images, and zero is black
_CELL, _LABEL, _HEAD, _GAP = 0.44, 1.05, 0.22, 0.2  # inches
_SAMPLES = {"normal": (".", 2.5, FAINT), "negative": ("X", 7, INK)}  # marker, its size and colour
_DASHES = ("-", "--", "-.", ":")
_WIDTH, _PLOT, _LEFT, _BELOW = 5.4, 2.9, 0.5, 0.9  # inches


@dataclass(frozen=True)
class LinearImages(Figure):
    """Images and their reconstructions by the linear models; ``task`` gives the normal class and the negatives."""

    settings = settings_of(figure_2_points)

    task: Task

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The task, whose data it reads though no run is needed."""
        return (self.task,)

    def computation(self, plan: Plan) -> Computation:
        """Train both models on the images of the task."""
        profile, task = plan.request.profile, plan.request.task(self.task)
        assert task.negatives is not None
        data = {name: plan.data[name] for name in (task.dataset, task.negatives.dataset)}
        preparation = profile.preparation(task.negatives.dataset)
        settings = profile.figure(self.id, self.settings)
        run = Run(task, self.id, plan.request.seeds[0], settings, profile.limits, data, preparation)
        return Computation(f"figure_{self.id}.csv", {"its points": run}, are_recorded=False, compute=_images)

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw a row for each letter, (a) to (f), the normal digit apart from the others."""
        values = frame.filter(regex=r"^p\d+$").to_numpy()
        side = round(values.shape[1] ** 0.5)
        digits = frame.loc[frame["row"] == "a", "digit"].to_list()
        normal = digits.count(DIGIT)

        def x_of(column: int) -> float:
            return SIDE + _LABEL + column * _CELL + (_GAP if column >= normal else 0)

        made = frame.iloc[0]
        data = made["data_variant"] if isinstance(made["data_variant"], str) else ""  # read back, no text is NaN
        text = (
            "Black to white is 0 to 1 in (a), (e) and (f), and -1 to 1 with 0 mid-grey in (b), (c) and (d). "
            f"Rank {made['latent_dim']}, gamma {made['gamma']:g}, beta {made['beta']:g}, {made['epochs']} epochs at a "
            f"rate of {made['learning_rate']:g}; data: {data or COMPLETE}. {note}"
        )
        page = Page(x_of(len(digits)) + SIDE, _HEAD + len(_ROWS) * _CELL, self.title, text)
        for letter, column, image in zip(frame["row"], frame["column"], values, strict=True):
            axes = page.axes(x_of(column), _HEAD + list(_ROWS).index(letter) * _CELL, 0.96 * _CELL, 0.96 * _CELL)
            axes.axis("off")
            axes.imshow(image.reshape(side, side), cmap="gray", vmin=-1 if letter in _SIGNED else 0, vmax=1)
        for row, (letter, name) in enumerate(_ROWS.items()):
            page.write(SIDE, page.top + _HEAD + (row + 0.5) * _CELL, f"({letter}) {name}", va="center")
        for first, end, name in ((0, normal, "normal"), (normal, len(digits), "anomalies")):
            middle = (x_of(first) + x_of(end - 1) + _CELL) / 2
            page.write(middle, page.top + _HEAD / 2, name, ha="center", va="center")
        return page


@dataclass(frozen=True)
class CrossSection(Figure):
    """Contours of the loss of the linear models, which draw samples of their own."""

    def computation(self, plan: Plan) -> Computation:
        """Train the models on samples of a Gaussian."""
        run = Run(Task("", (), ()), self.id, plan.request.seeds[0], {}, {}, {})
        return Computation(f"figure_{self.id}.csv", {"its points": run}, are_recorded=False, compute=_contours)

    def draw(self, frame: pd.DataFrame, note: str) -> Page:
        """Draw the contours in the yz-plane, each with dashes of its own, over the samples."""
        contours = frame[~frame["points"].isin(_SAMPLES)].groupby(["points", "gamma"], dropna=False)
        text = f"The loss is {LOSS:g} on every contour, at any x. {note}".strip()
        page = Page(_WIDTH, _PLOT + _BELOW, self.title, text)
        axes = page.axes(SIDE + _LEFT, 0, _WIDTH - 2 * SIDE - _LEFT, _PLOT)
        for name, (marker, size, colour) in _SAMPLES.items():
            samples = frame[frame["points"] == name]
            axes.plot(samples["y"], samples["z"], marker, markersize=size, color=colour, label=f"{name} samples")
        for (_, contour), dashes, colour in zip(contours, cycle(_DASHES), cycle((INK, *COLOURS))):
            name, gamma, tilt = contour.iloc[0][["points", "gamma", "tilt"]]
            label = name if pd.isna(gamma) else f"{name}, gamma {gamma:g}: tilt {tilt:.2f}"
            axes.plot(contour["y"], contour["z"], dashes, color=colour, linewidth=1.2, label=label)
        axes.set(xlabel="y", ylabel="z", aspect="equal")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=2)
        return page


# The run of either figure only names data, settings and seed: nobody trains or records it.
def _images(runs: Mapping[str, Run], context: Context) -> tuple[pd.DataFrame, list[Failure]]:
    (run,) = runs.values()
    data = load(run.task.dataset, context.data_dir, offline=True, quiet=True)
    negatives = negatives_of(run, data.train_images.shape[1:], context.data_dir)
    images = data.train_images, data.train_labels, negatives, data.test_images, data.test_labels
    frame = figure_2_points(*images, **run.settings, seed=run.seed, data_variant=variant_text(run.variants))
    return frame.assign(run=run.id), []


def _contours(runs: Mapping[str, Run], _: Context) -> tuple[pd.DataFrame, list[Failure]]:
    (run,) = runs.values()
    return cross_section_points(seed=run.seed).assign(run=run.id), []


_CAPTION = "Linear AE and linear LIS-AE on digit 8 of MNIST and on what is orthogonal to it, Omniglot as negatives"
FIGURES = (
    LinearImages("2", _CAPTION, against("mnist", (DIGIT,), Negatives("omniglot"))),
    CrossSection("cross_section", "Section 4.2: where linear AE and linear LIS-AE have the same loss"),
)
