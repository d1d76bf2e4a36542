"""Imports that a table contains are shared out among its users."""

from __future__ import annotations

import numpy as np

from carbonflows_fast._base.arrays import FloatArray, row_sums
from carbonflows_fast.errors import InputError
from carbonflows_fast.table._labels_given import Labels

__all__ = ["Uses", "shared_out"]

Uses = tuple[FloatArray, FloatArray, FloatArray]  # by sectors, by final demand at home, exported
ROUNDING = 1e-9
"""By what share of a product its imports may exceed its uses; published numbers are rounded."""


def shared_out(
    imports: FloatArray, Z: FloatArray, Y: FloatArray, exports: FloatArray, names: Labels
) -> tuple[Uses, Uses, int]:
    """Return domestic and imported uses, and how many products are re-exported.

    Every use at home has the same share of imports, d_i = min(1, m_i / u_i), with u_i all uses at
    home. Imports beyond these uses can only be exported again.

    Parameters
    ----------
    imports : ndarray, shape (n,)
    Z : ndarray, shape (n, n)
    Y : ndarray, shape (n, c)
    exports : ndarray, shape (n, q)
    names : list of n labels
        For the error.

    Raises
    ------
    InputError
        If more is imported of a product than is used and exported.
    """
    used, sold = row_sums(Z) + row_sums(Y), row_sums(exports)
    share, onwards = np.zeros(len(imports)), np.zeros(len(imports))
    np.divide(imports, used, out=share, where=used > 0.0)
    beyond = np.maximum(imports - np.maximum(used, 0.0), 0.0)
    share = np.minimum(share, 1.0)
    np.divide(beyond, sold, out=onwards, where=sold > 0.0)
    too_much = np.flatnonzero(beyond > np.maximum(sold, 0.0) + ROUNDING * imports)
    if len(too_much):
        at = int(too_much[0])
        raise InputError.about(
            "imports",
            expected="no more imports of a product than is used and exported",
            got=f"{imports[at]:g} of {names[at]!r} and {used[at] + sold[at]:g} of its uses"
            f", and {len(too_much) - 1} more such products",
            remedy="give Z and Y that contain imports, or imports=(Zm, Ym) beside domestic ones",
        )
    onwards = np.minimum(onwards, 1.0)
    foreign = (share[:, None] * Z, share[:, None] * Y, onwards[:, None] * exports)
    domestic = (Z - foreign[0], Y - foreign[1], exports - foreign[2])
    return domestic, foreign, int(np.count_nonzero(beyond > ROUNDING * imports))
