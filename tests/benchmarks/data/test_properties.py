"""Properties of the readers: whatever the bytes are, a set that the catalogue allows or a refusal in words."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_from

from benchmarks.data.cache import CATALOGUE, Arrays, Dataset, read
from benchmarks.data.registries import parse_idx
from benchmarks.errors import UnavailableError

# The same examples every time: other ones are the business of the tests marked "faults".
properties = settings(max_examples=60, deadline=None, derandomize=True, database=None)
KEYS = Arrays._fields
LABELS = np.arange(10)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("sets") / "mnist.npz"


def read_or_refuse(path: Path) -> Dataset | None:
    """Return what the file holds, which must be a set of this name; None if it is refused."""
    try:
        found = read(path.stem, path)
    except UnavailableError:
        return None
    entry = CATALOGUE[found.name]
    for images, labels in _halves(found):
        assert images.dtype == np.uint8
        assert images.shape == (len(labels), *entry.image_shape)
        assert labels.dtype == np.int64
        assert set(labels.tolist()) == set(range(len(entry.class_names)))
        assert images.min() < images.max()
    return found


def _halves(found):
    return (found.train_images, found.train_labels), (found.test_images, found.test_labels)


@st.composite
def halves(draw):
    """Draw images and labels of a half that are nearly always nearly right."""
    count = draw(st.integers(8, 14))
    shape = draw(st.sampled_from([(28, 28), (28, 28), (28, 28), (28, 27), (28, 28, 3), (1, 1), (784,), ()]))
    dtype = draw(st.sampled_from(["u1", "u1", "u1", "i1", "f4", "?", ">u2", "S1", "c8", "M8[s]"]))
    values = np.random.default_rng(draw(st.integers(0, 9))).integers(0, 256, (count, *shape))
    images = (values * draw(st.sampled_from([0, 1, 1, 1]))).astype(dtype)
    images = np.asfortranarray(images) if draw(st.booleans()) else images
    labels = np.resize(LABELS[draw(st.integers(0, 1)) :], draw(st.sampled_from([count, count, count, count + 1])))
    return images, labels.astype(draw(st.sampled_from(["u1", "i8", ">i2", ">u8", "f8", "U2"])))


@properties
@given(train=halves(), test=halves(), variant=st.sampled_from(["", "mine", "\n", "x" * 300]))
def test_exactly_the_sets_that_the_catalogue_allows_are_read(path, train, test, variant):
    np.savez(path, **dict(zip(KEYS, (*train, *test), strict=True)), variant=variant)
    allowed = variant == "mine" and all(
        images.dtype == np.uint8
        and images.shape == (len(labels), 28, 28)
        and images.any()
        and labels.dtype.kind in "iu"
        and set(labels.tolist()) == set(LABELS)
        for images, labels in (train, test)
    )
    found = read_or_refuse(path)
    assert (found is not None) == allowed
    if found:
        for (images, labels), (had, labelled) in zip(_halves(found), (train, test), strict=True):
            np.testing.assert_array_equal(images, had)
            np.testing.assert_array_equal(labels, labelled)


@properties
@given(
    values=arrays_from.arrays(
        st.one_of(arrays_from.scalar_dtypes(), arrays_from.array_dtypes()),
        arrays_from.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    ),
    key=st.sampled_from([*KEYS, "variant"]),
)
def test_any_array_in_the_place_of_another_is_refused(path, arrays_of, values, key):
    with path.open("wb") as file:
        np.savez(file, **arrays_of("mnist")._asdict() | {"variant": "mine", key: values})
    found = read_or_refuse(path)
    assert found is None or key == "variant"


@properties
@given(content=st.binary(max_size=300), key=st.sampled_from([*KEYS, "variant"]), magic=st.booleans())
def test_any_bytes_in_the_place_of_an_array_are_refused(path, arrays_of, content, key, magic):
    np.savez(path, **arrays_of("mnist")._asdict(), variant="mine")
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = b"\x93NUMPY\x01\0" + len(content).to_bytes(2, "little") if magic else b""
    with zipfile.ZipFile(path, "w") as archive:
        for name, whole in (members | {f"{key}.npy": header + content}).items():
            archive.writestr(name, whole)
    assert read_or_refuse(path) is None


@properties
@given(content=st.binary(max_size=300), start=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY"]))
def test_any_bytes_in_the_place_of_a_set_are_refused(path, content, start):
    path.write_bytes(start + content)
    assert read_or_refuse(path) is None


@properties
@given(values=arrays_from.arrays(np.uint8, arrays_from.array_shapes(min_dims=0, max_dims=6, min_side=0, max_side=5)))
def test_an_idx_file_is_read_as_it_was_written(idx_bytes, values):
    np.testing.assert_array_equal(parse_idx(idx_bytes(values)), values)


@properties
@given(
    start=st.sampled_from([b"\0\0\x08", b"\0\0\x08", b"\0\0\x0d", b""]),
    rank=st.one_of(st.integers(0, 3), st.integers(0, 255)),
    sizes=st.lists(st.one_of(st.integers(0, 3), st.integers(0, 2**32 - 1)), max_size=80),
    values=st.binary(max_size=50),
)
def test_any_bytes_are_an_idx_file_of_as_many_values_or_refused(start, rank, sizes, values):
    content = start + bytes([rank]) + b"".join(size.to_bytes(4, "big") for size in sizes) + values
    try:
        found = parse_idx(content)
    except ValueError:
        return
    assert found.dtype == np.uint8
    assert found.tobytes() == content[4 + 4 * rank :]
