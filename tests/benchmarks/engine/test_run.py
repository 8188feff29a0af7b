"""Runs are told apart by what can change their result, and shared wherever they are the same."""

from dataclasses import replace

import pytest

from benchmarks.data import DataIdentity
from benchmarks.engine import run as run_module
from benchmarks.engine.profiles import load_profile
from benchmarks.engine.run import RESULTS_VERSION, Run, changed, make_jobs, make_run, stage_of
from benchmarks.paper.tables import TABLES, Table
from benchmarks.paper.tasks import Negatives, against, supervised, with_classes, without_negatives

FAST = load_profile("fast")


def runs_of(tables: tuple[Table, ...], seeds: tuple[int, ...] = (0,)) -> list[Run]:
    measurements = [measurement for table in tables for cell in table.cells for measurement in cell.measurements]
    return [
        make_run(measurement.task, measurement.model, seed, FAST, {}) for measurement in measurements for seed in seeds
    ]


CLASS_TABLES = TABLES[3:]
# What LIS-AE had on CIFAR-10 then.
AS_FIRST_PUBLISHED = {"gamma": 20.0, "learning_rate": 1e-3}


def test_a_setting_that_came_later_leaves_old_ids_as_they_were() -> None:
    """The first published records were made when neither activation nor inner weight was a setting."""
    run = make_run(without_negatives("cifar10", 9), "AE", 0, FAST, {})
    assert (run.settings["activation"], run.settings["inner_weight"]) == ("tanh", 0)
    assert run.id == "00661a012d46109d"
    repnn = make_run(without_negatives("cifar10", 9), "Sig-RepNN", 0, FAST, {})
    assert repnn.settings["squash"]
    assert "squash" not in repnn.identity()["settings"]
    for name, value in (("activation", "relu"), ("channel_factor", 2.0), ("inner_weight", 1.0)):
        other = changed(run, {name: value})
        assert other is not None
        assert other.id != run.id
        assert other.identity()["settings"][name] == value


def test_a_setting_under_a_new_name_leaves_old_ids_as_they_were() -> None:
    """The first published records were made when the hinge was the only other reading of Eq. (1)."""
    run = make_run(with_classes("cifar10", 1, (5, 6, 7, 8, 9)), "LIS-AE", 0, FAST, {})
    identities = {}
    for reading in ("absolute", "hinge", "rms", "square"):
        other = changed(run, {"reading": reading, **AS_FIRST_PUBLISHED})
        assert other is not None
        identities[other.id] = {key: other.identity()["settings"].get(key) for key in ("hinge", "reading")}
    assert list(identities.values()) == [
        {"hinge": False, "reading": None},
        {"hinge": True, "reading": None},
        {"hinge": None, "reading": "rms"},
        {"hinge": None, "reading": "square"},
    ]
    assert next(iter(identities)) == "832728ab0abe433e"


def test_fields_of_negatives_that_came_later_leave_old_ids_as_they_were() -> None:
    now = make_run(with_classes("cifar10", 1, (5, 6, 7, 8, 9)), "LIS-AE", 0, FAST, {})
    run = changed(now, {"reading": "absolute", **AS_FIRST_PUBLISHED})
    assert run is not None
    assert run.id == "832728ab0abe433e"
    assert run.identity()["task"]["negatives"] == {"dataset": "cifar10", "classes": (5, 6, 7, 8, 9)}
    ids = {run.id}
    for change in ({"negatives.count": 50}, {"negatives.contaminated": 0.1}, {"negatives.count": 51}):
        fewer = changed(run, change)
        assert fewer is not None
        (name, value), *_ = change.items()
        assert fewer.identity()["task"]["negatives"][name.removeprefix("negatives.")] == value
        ids.add(fewer.id)
    assert len(ids) == 4


def test_negatives_that_are_not_there_have_nothing_to_change() -> None:
    assert changed(make_run(without_negatives("cifar10", 1), "AE", 0, FAST, {}), {"negatives.count": 5}) is None
    run = make_run(with_classes("cifar10", 1, (5,)), "HSC", 0, FAST, {})
    assert changed(run, {"negatives.number": 5}) is None


def test_a_stage_is_shared_unless_its_normal_images_are_among_the_negatives() -> None:
    run = make_run(against("mnist", (4,), Negatives("omniglot")), "LIS-AE", 0, FAST, {})
    few, spoiled = changed(run, {"negatives.count": 50}), changed(run, {"negatives.contaminated": 0.1})
    assert few is not None
    assert spoiled is not None
    stages = [stage_of(one) for one in (run, few, spoiled)]
    assert [stage.id for stage in stages if stage is not None] == [
        make_run(task, "AE", 0, FAST, {}).id
        for task in (without_negatives("mnist", 4), without_negatives("mnist", 4), spoiled.task)
    ]
    assert stages[2] is not None
    assert stage_of(stages[2]) is stages[2]


def test_settings_of_a_run_and_of_its_stage_can_be_changed() -> None:
    run = make_run(with_classes("cifar10", 1, (5,)), "LIS-AE", 0, FAST, {})
    wider = changed(run, {"beta": 3.0, "autoencoder.latent_dim": 7})
    assert wider is not None
    narrow = run.settings["autoencoder"] | {"latent_dim": 7}
    assert wider.settings == run.settings | {"beta": 3.0, "autoencoder": narrow}
    stage = stage_of(wider)
    assert stage is not None
    assert stage.settings == narrow
    assert changed(run, {"autoencoder.dropout": 0.5}) is None


def test_the_class_tables_together_need_150_runs_a_seed() -> None:
    ids = {run.id for run in runs_of(CLASS_TABLES)}
    assert len(ids) == 10 + 70 + 70  # AE; LIS-AE; LinSep-LIS-AE, of ten classes in seven settings
    assert len({run.id for run in runs_of(CLASS_TABLES, (0, 1))}) == 300


def test_every_table_together_trains_nothing_twice() -> None:
    tasks = 25 + 20  # of Tables 1 and 2
    alone = 13 * tasks + 3 * 20  # twelve rivals and AE; three with contrast normalisation in Table 2
    table_1 = 2 * 25  # LIS-AE and LinSep-LIS-AE
    table_2 = 2 * 10 * 4  # LIS-AE and LinSep-LIS-AE, with negatives of the other split and supervised
    table_3 = 10 * (3 + 4 + 1 + 1)  # what is not in the others: Omniglot for Fashion-MNIST alone, and so on
    appendix = 2 * 10 * 5  # single negative classes
    seeing = 4 * (25 + 20 * 2 + table_3)  # four models that the paper lacks, beside LIS-AE in Tables 1 to 3
    assert len({run.id for run in runs_of(TABLES)}) == alone + table_1 + table_2 + table_3 + appendix + seeing


def test_ae_and_all_lis_ae_of_a_class_are_one_job_and_linsep_runs_their_own() -> None:
    jobs = make_jobs(runs_of(CLASS_TABLES), FAST)
    shared = [job for job in jobs if job.stage is not None]
    alone = [job for job in jobs if job.stage is None]
    assert (len(shared), len(alone)) == (10, 70)
    for job in shared:
        assert [run.model for run in job.runs] == ["AE"] + ["LIS-AE"] * 7
        assert job.runs[0] is job.stage
        assert {run.task.normal for run in job.runs} == {job.runs[0].task.normal}
    assert {run.model for job in alone for run in job.runs} == {"LinSep-LIS-AE"}


def test_the_longest_jobs_come_first() -> None:
    seconds = [job.seconds(FAST) for job in make_jobs(runs_of(CLASS_TABLES), FAST)]
    assert seconds == sorted(seconds, reverse=True)
    assert seconds[0] > seconds[-1]


def test_a_lis_ae_asked_for_alone_brings_its_stage() -> None:
    run = make_run(with_classes("cifar10", 1, (5,)), "LIS-AE", 3, FAST, {})
    (job,) = make_jobs([run], FAST)
    ae = make_run(without_negatives("cifar10", 1), "AE", 3, FAST, {})
    assert [one.id for one in job.runs] == [ae.id, run.id]
    assert stage_of(make_run(supervised("cifar10", 1), "LinSep-LIS-AE", 3, FAST, {})) is None


def test_the_stage_knows_the_variants_of_its_own_images_alone() -> None:
    run = make_run(
        with_classes("svhn", 1, (5,)),
        "LIS-AE",
        0,
        FAST,
        {"svhn": DataIdentity("a part"), "cifar10": DataIdentity("another")},
    )
    stage = stage_of(run)
    assert stage is not None
    assert run.data == stage.data == {"svhn": DataIdentity("a part")}
    assert stage.id == make_run(without_negatives("svhn", 1), "AE", 0, FAST, {"svhn": DataIdentity("a part")}).id


RUN = make_run(with_classes("cifar10", 1, (5,)), "LIS-AE", 0, FAST, {})


@pytest.mark.parametrize(
    "other",
    [
        replace(RUN, seed=1),
        replace(RUN, model="LinSep-LIS-AE"),
        replace(RUN, task=with_classes("cifar10", 1, (6,))),
        replace(RUN, task=without_negatives("cifar10", 1)),
        replace(RUN, settings=RUN.settings | {"gamma": 21.0}),
        replace(RUN, settings=RUN.settings | {"autoencoder": RUN.settings["autoencoder"] | {"epochs": 13}}),
        replace(RUN, limits={"train": 5, "test": 0}),
        replace(RUN, data={"cifar10": DataIdentity("another")}),
        replace(RUN, data={"cifar10": DataIdentity("", "0123456789abcdef")}),
        replace(RUN, preparation={"blur": 1.0}),
        replace(RUN, task=replace(RUN.task, negatives=Negatives("cifar10", (5,), count=7))),
        replace(RUN, task=replace(RUN.task, negatives=Negatives("cifar10", (5,), contaminated=0.5))),
    ],
    ids=[
        "seed",
        "model",
        "negatives",
        "none",
        "setting",
        "phase one",
        "limits",
        "variant",
        "digest",
        "preparation",
        "count",
        "contaminated",
    ],
)
def test_whatever_can_change_a_result_changes_the_id(other: Run) -> None:
    assert other.id != RUN.id


def test_other_images_of_one_variant_are_another_run() -> None:
    first, second = (replace(RUN, data={"cifar10": DataIdentity("mine", digest)}) for digest in ("0123", "4567"))
    assert first.id != second.id
    assert first.identity()["digests"] == {"cifar10": "0123"}


def test_the_catalogue_s_own_data_leave_ids_as_they_were_before_digests() -> None:
    assert "digests" not in RUN.identity()


def test_the_version_of_results_is_part_of_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    before = replace(RUN).id
    monkeypatch.setattr(run_module, "RESULTS_VERSION", RESULTS_VERSION + 1)
    assert replace(RUN).id != before


def test_the_id_does_not_depend_on_the_order_of_settings() -> None:
    assert replace(RUN, settings=dict(reversed(RUN.settings.items()))).id == RUN.id
    assert len(RUN.id) == 16
