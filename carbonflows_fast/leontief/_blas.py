"""BLAS on parts of arrays, in place: NumPy and SciPy copy what is not contiguous.

The routines are those that SciPy's LAPACK uses. `scipy.linalg.cython_blas` publishes their
addresses in `__pyx_capi__`, as Cython's modules do.
"""

from __future__ import annotations

import ctypes
from typing import Any

from scipy.linalg import cython_blas

from carbonflows_fast._base.arrays import FloatArray

__all__ = ["multiply_triangular", "solve_triangular"]

_text, _at = ctypes.c_char_p, ctypes.c_void_p
_integer, _number = ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_double)


_name_of = ctypes.PYFUNCTYPE(_text, ctypes.py_object)(("PyCapsule_GetName", ctypes.pythonapi))
_pointer_of = ctypes.PYFUNCTYPE(_at, ctypes.py_object, _text)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


def _routine(name: str, *arguments: Any) -> Any:
    capsule = cython_blas.__pyx_capi__[name]
    return ctypes.CFUNCTYPE(None, *arguments)(_pointer_of(capsule, _name_of(capsule)))


_TRIANGULAR = (
    _text,
    _text,
    _text,
    _text,
    _integer,
    _integer,
    _number,
    _at,
    _integer,
    _at,
    _integer,
)
_dtrmm = _routine("dtrmm", *_TRIANGULAR)
_dtrsm = _routine("dtrsm", *_TRIANGULAR)


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
    _call(_dtrsm, b"L", T, X, 1.0, lower)


def multiply_triangular(X: FloatArray, T: FloatArray, *, lower: bool) -> None:
    """Overwrite X (k, n) with −X T, T (n, n) being triangular, its diagonal being ones if lower."""
    _call(_dtrmm, b"R", T, X, -1.0, lower)


def _call(
    routine: Any, side: bytes, T: FloatArray, X: FloatArray, factor: float, lower: bool
) -> None:
    routine(
        side,
        b"L" if lower else b"U",
        b"N",
        b"U" if lower else b"N",
        _whole(X.shape[0]),
        _whole(X.shape[1]),
        _real(factor),
        T.ctypes.data,
        _column_stride(T),
        X.ctypes.data,
        _column_stride(X),
    )
