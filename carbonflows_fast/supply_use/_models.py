"""Models A to D, which make a square table of a supply and use table.

Two of them keep products and two keep industries, each by one matrix over industries × products,
block diagonal by region:

    products    Z = U N,  F = F N,  x = q    A: N = (V')⁻¹ q̂    B: N = ĝ⁻¹ V
    industries  Z = T U,  Y = T Y,  x = g    C: T = ĝ (V')⁻¹    D: T = V q̂⁻¹

Source: Eurostat (2008), Manual of Supply, Use and Input-Output Tables, ch. 11.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray, sparse_view
from carbonflows_fast.errors import InputError
from carbonflows_fast.supply_use._given import SupplyUse
from carbonflows_fast.table._content import over_output

__all__ = ["MODELS", "by_industry", "by_product", "emissions_by_maker", "market_shares"]

MODELS = {
    "A": "product technology",
    "B": "industry technology",
    "C": "fixed industry sales structure",
    "D": "fixed product sales structure",
}
SMALL_PIVOT = 1e-11
"""A pivot that is smaller beside the largest number of its row is taken for zero."""


def by_product(given: SupplyUse, model: str) -> dict[str, Any]:
    """Return Z, Y, F and x of the products, by model A or B."""
    N = _columns_times(_inverse(given, model), given.q) if model == "A" else _made_by(given)
    F = given.F if given.by_product else _transposed_product(N.T, given.F)
    return {"Z": _sorted_product(given.U, N), "Y": given.Y, "F": F, "x": given.q}


def by_industry(given: SupplyUse, model: str) -> dict[str, Any]:
    """Return Z, Y, F and x of the industries, by model C or D."""
    T = _rows_times(_inverse(given, model), given.g) if model == "C" else market_shares(given)
    F = emissions_by_maker(given)
    return {"Z": _sorted_product(T, given.U), "Y": T @ given.Y, "F": F, "x": given.g}


def market_shares(given: SupplyUse) -> Any:
    """Return V q̂⁻¹, the share of each product that each industry makes."""
    V = given.V
    return sparse_view(V, over_output(V.data, given.q[V.indices], "V / q"))


def emissions_by_maker(given: SupplyUse) -> FloatArray:
    """Return F by industry; emissions by product go to its makers, by their shares of it."""
    return _transposed_product(market_shares(given), given.F) if given.by_product else given.F


def _made_by(given: SupplyUse) -> Any:
    """Return ĝ⁻¹ V, what each industry makes per unit of its output."""
    V = given.V
    return sparse_view(V, over_output(V.data, np.repeat(given.g, np.diff(V.indptr)), "V / g"))


def _columns_times(matrix: Any, x: FloatArray) -> Any:
    return sparse_view(matrix, matrix.data * x[matrix.indices])


def _rows_times(matrix: Any, x: FloatArray) -> Any:
    return sparse_view(matrix, matrix.data * np.repeat(x, np.diff(matrix.indptr)))


def _sorted_product(first: Any, second: Any) -> Any:
    product = first @ second
    if product.nnz <= np.iinfo(np.int32).max:  # SciPy takes 64 bits where the inputs might need it
        product.indptr, product.indices = (
            array.astype(np.int32, copy=False) for array in (product.indptr, product.indices)
        )
    product.sort_indices()
    return product


def _transposed_product(matrix: Any, F: FloatArray) -> FloatArray:
    """Return F M' of M (r, c) and F (k, c); sparse, so that no thread count changes its bits."""
    return np.ascontiguousarray((matrix @ F.T).T)


# --- the inverse of V', region by region ----------------------------------------------------


def _inverse(given: SupplyUse, model: str) -> Any:
    """Return (V')⁻¹, shape (a, p), without what neither makes nor is made.

    Raises
    ------
    InputError
        If V is not square in a region, or has no inverse there.
    """
    names, of_industry, of_product = given.region_codes()
    makes = np.diff(given.V.indptr) > 0
    made = np.bincount(given.V.indices, minlength=len(given.q)) > 0
    rows: list[Any] = []
    columns: list[Any] = []
    blocks: list[Any] = []
    for region, name in enumerate(names):
        industries = np.flatnonzero(makes & (of_industry == region))
        products = np.flatnonzero(made & (of_product == region))
        if len(industries) != len(products):
            raise _not_allowed(
                model,
                "as many products as industries in every region",
                f"{len(products)} products of {len(industries)} industries in {name!r}",
            )
        inverse = _inverted(given.V[industries][:, products].toarray())
        if inverse is None:
            raise _not_allowed(
                model, "industries whose products differ", f"a singular supply table of {name!r}"
            )
        rows.append(np.repeat(industries, len(products)))
        columns.append(np.tile(products, len(industries)))
        blocks.append(inverse.T.ravel())
    where = np.concatenate(rows), np.concatenate(columns)
    found = sp.csr_array((np.concatenate(blocks), where), shape=given.V.shape)
    found.eliminate_zeros()
    found.sort_indices()
    return found


def _not_allowed(model: str, expected: str, got: str) -> InputError:
    other = {"A": "B", "C": "D"}[model]
    return InputError.about(
        "V",
        expected=f"{expected} for model {model!r}",
        got=got,
        remedy=f"take model={other!r}, or model=None, which need no inverse",
    )


def _inverted(V: FloatArray) -> FloatArray | None:
    """Return V⁻¹ by elimination with row exchanges, or None where a pivot vanishes.

    Not by LAPACK, whose bits depend on the number of its threads.
    """
    size = len(V)
    scale = np.abs(V).max(axis=1, initial=0.0)
    work = np.hstack([V, np.eye(size)]) / scale[:, None]
    for at in range(size):
        best = at + int(np.argmax(np.abs(work[at:, at])))
        if abs(work[best, at]) < SMALL_PIVOT:
            return None
        work[[at, best]] = work[[best, at]]
        work[at] /= work[at, at]
        touched = np.flatnonzero(work[:, at])
        touched = touched[touched != at]
        work[touched] -= work[touched, at, None] * work[at]
    inverse: FloatArray = work[:, size:]
    return inverse
