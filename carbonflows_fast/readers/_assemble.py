"""One step that readers share: a table of what was read, whose output may be unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from carbonflows_fast.table import Table

__all__ = ["assemble"]


def assemble(*, kind: str, matrix: Any, x: Any, **parts: Any) -> Table:
    """Return a table; where A comes without x, x is solved when it is first asked for.

    `Table` itself asks for x beside A, so that nobody leaves it out by mistake. Releases that
    publish A and Y alone leave no choice: x solves (I − A) x = Y·1.

    Parameters
    ----------
    kind : {"A", "Z"}
        What `matrix` is.
    matrix : array, sparse matrix or DataFrame, shape (n, n)
    x : array or Series, shape (n,), or None
    **parts
        All other arguments of `Table`.
    """
    if kind == "Z" or x is not None:
        return Table(**{kind: matrix}, x=x, **parts)
    # A placeholder passes the checks, and is taken out again.
    table = Table(A=matrix, x=np.ones(matrix.shape[0]), **parts)
    return Table._from_parts(replace(table._parts, x=None))
