"""Supply and use by the formulas of the books: dense matrices and inverses, nothing left out."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["inverse_of", "model_reference", "pair_reference"]


def one_over(x: Any) -> Any:
    return np.diag(np.divide(1.0, x, out=np.zeros(len(x)), where=x != 0))


def inverse_of(V: Any) -> Any:
    """(V')⁻¹ of what is not empty, region blocks and all."""
    rows, columns = (np.flatnonzero((V != 0).any(axis=axis)) for axis in (1, 0))
    found = np.zeros(V.shape)
    found[np.ix_(rows, columns)] = np.linalg.inv(V[np.ix_(rows, columns)].T)
    return found


def model_reference(model: str, V: Any, U: Any, Y: Any, F: Any, *, by_product: bool) -> Any:
    """Z, Y, F and x by model A, B, C or D; Eurostat (2008), ch. 11."""
    g, q = V.sum(axis=1), V.sum(axis=0)
    if model == "A":
        Z = U @ inverse_of(V) @ np.diag(q)
        return Z, Y, F if by_product else F @ inverse_of(V) @ np.diag(q), q
    if model == "B":
        return U @ one_over(g) @ V, Y, F if by_product else F @ one_over(g) @ V, q
    shares = V @ one_over(q)
    moved = F @ shares.T if by_product else F
    if model == "C":
        sales = np.diag(g) @ inverse_of(V)
        return sales @ U, sales @ Y, moved, g
    return shares @ U, shares @ Y, moved, g


def pair_reference(V: Any, U: Any, F: Any, *, by_product: bool) -> tuple[Any, Any]:
    """Multipliers by industry and by product, of the whole pair's inverse."""
    a, p = V.shape
    g, q = V.sum(axis=1), V.sum(axis=0)
    A = np.block([[np.zeros((a, a)), V @ one_over(q)], [U @ one_over(g), np.zeros((p, p))]])
    S = np.zeros((len(F), a + p))
    S[:, a:] = F @ one_over(q) if by_product else 0.0
    S[:, :a] = 0.0 if by_product else F @ one_over(g)
    M = S @ np.linalg.inv(np.eye(a + p) - A)
    return M[:, :a], M[:, a:]
