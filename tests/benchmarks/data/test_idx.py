import numpy as np
import pytest

from benchmarks.data.registries import parse_idx


def test_a_file_is_read_as_it_was_written(idx_bytes):
    values = np.arange(2 * 3 * 300, dtype=np.int64).reshape(2, 3, 300) % 256
    found = parse_idx(idx_bytes(values))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, values)
    found[0] = 0  # writable


def test_labels_have_one_dimension(idx_bytes):
    np.testing.assert_array_equal(parse_idx(idx_bytes(np.array([7, 2, 1]))), [7, 2, 1])


@pytest.mark.parametrize("change", [lambda b: b[:-1], lambda b: b + b"\0"])
def test_a_wrong_length_is_refused(idx_bytes, change):
    with pytest.raises(ValueError, match=r"shape \(2, 3\) with [57] values"):
        parse_idx(change(idx_bytes(np.ones((2, 3)))))


@pytest.mark.parametrize("content", [b"", b"\0\0\x08", b"\x1f\x8b\x08\x01", b"\0\0\x0d\x01\0\0\0\0", b"<html>"])
def test_another_format_is_refused(content):
    with pytest.raises(ValueError, match="not an IDX file"):
        parse_idx(content)


def test_a_header_cut_short_is_refused(idx_bytes):
    with pytest.raises(ValueError, match="within its header"):
        parse_idx(idx_bytes(np.ones((2, 3)))[:9])
