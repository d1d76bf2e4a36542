"""Matrices in files of MATLAB 5, as SciPy writes them."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import scipy.io
from hypothesis import given
from hypothesis import strategies as st

from carbonflows_fast.readers._layouts._matlab5 import matrix_in


def saved(packed: bool, **variables: Any) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, variables, do_compression=packed)
    return stream.getvalue()


@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    packed=st.booleans(),
    kind=st.sampled_from(["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4"]),
)
def test_a_matrix_is_what_was_saved(rows: int, columns: int, packed: bool, kind: str) -> None:
    values = (np.arange(rows * columns).reshape(rows, columns) * 1.5).astype(kind)
    content = saved(packed, first=np.eye(3), text="abc", CO2=values, last={"a": 1})
    found = matrix_in(content, "CO2")
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no file of MATLAB 5"),
        (saved(False, Z=np.eye(2)), "no matrix CO2"),
        (saved(False, CO2="text"), "CO2 is no matrix of real numbers"),
        (saved(False, CO2=np.eye(2) * 1j), "CO2 is no matrix of real numbers"),
        (saved(False, CO2=np.ones((2, 2, 2))), r"CO2 of \(2, 2, 2\) has 64 bytes"),
        (saved(False, CO2=np.eye(2))[:-8], "data cut short"),
        (saved(True, CO2=np.eye(2))[:-8], "data cut short"),
    ],
)
def test_other_content_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        matrix_in(content, "CO2")
