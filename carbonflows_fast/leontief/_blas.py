"""BLAS on parts of arrays, in place: NumPy and SciPy copy what is not contiguous.

The routines are those SciPy's LAPACK uses, by the address that `scipy.linalg.cython_blas` gives
out for this. Importing this module imports Numba, which finds it.
"""

from __future__ import annotations

import ctypes
from typing import Any

from numba.extending import get_cython_function_address

from carbonflows_fast._base.arrays import FloatArray

__all__ = ["multiply_transposed", "solve_triangular"]

_text, _at = ctypes.c_char_p, ctypes.c_void_p
_integer, _number = ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_double)


def _routine(name: str, *arguments: Any) -> Any:
    address = get_cython_function_address("scipy.linalg.cython_blas", name)
    return ctypes.CFUNCTYPE(None, *arguments)(address)


_dtrsm = _routine(
    "dtrsm", _text, _text, _text, _text, _integer, _integer, _number, _at, _integer, _at, _integer
)
_dgemm = _routine(
    "dgemm",
    _text,
    _text,
    _integer,
    _integer,
    _integer,
    _number,
    _at,
    _integer,
    _at,
    _integer,
    _number,
    _at,
    _integer,
)


def _whole(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _real(value: float) -> Any:
    return ctypes.byref(ctypes.c_double(value))


def _column_stride(array: FloatArray) -> Any:
    """Return the distance between consecutive columns, in numbers."""
    size = array.itemsize
    if array.ndim != 2 or (array.shape[0] > 1 and array.strides[0] != size):
        raise ValueError("expected columns without gaps")
    return _whole(max(array.strides[1] // size, array.shape[0], 1))


def solve_triangular(T: FloatArray, X: FloatArray, *, lower: bool) -> None:
    """Overwrite X (n, k) with T⁻¹ X, T (n, n) being triangular; with ones to divide by if lower."""
    _dtrsm(
        b"L",
        b"L" if lower else b"U",
        b"N",
        b"U" if lower else b"N",
        _whole(X.shape[0]),
        _whole(X.shape[1]),
        _real(1.0),
        T.ctypes.data,
        _column_stride(T),
        X.ctypes.data,
        _column_stride(X),
    )


def multiply_transposed(A: FloatArray, B: FloatArray, out: FloatArray) -> None:
    """Write A'B to `out` (m, k), for A (n, m) and B (n, k)."""
    _dgemm(
        b"T",
        b"N",
        _whole(A.shape[1]),
        _whole(B.shape[1]),
        _whole(A.shape[0]),
        _real(1.0),
        A.ctypes.data,
        _column_stride(A),
        B.ctypes.data,
        _column_stride(B),
        _real(0.0),
        out.ctypes.data,
        _column_stride(out),
    )
