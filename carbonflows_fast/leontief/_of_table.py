"""The system of a table, which is prepared once and kept with the table."""

from __future__ import annotations

import numpy as np

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.leontief._system import LeontiefSystem
from carbonflows_fast.leontief._tiles import tiles_of
from carbonflows_fast.table import Table
from carbonflows_fast.table._kept import Key
from carbonflows_fast.table._table_argument import required_table

__all__ = ["SYSTEM", "release_dense", "solved_output", "system"]

# Y too: where it changes, a table of Z becomes one of A.
SYSTEM, IN_FLOAT32 = Key("system", "matrix Y"), Key("system in float32", "matrix Y")


def system(table: Table, *, dtype: str = "float64") -> LeontiefSystem:
    """Return the table's Leontief system, prepared once and kept with the table.

    Parameters
    ----------
    table : Table
    dtype : {"float64", "float32"}
        Precision of the tiles that GMRES reads, and of dense LU factors. With "float32" the
        residual and the proof are still taken on the float64 tiles, so results are as accurate as
        ever; few right-hand sides are solved faster, and the tiles need half as much memory again.

    Returns
    -------
    LeontiefSystem

    Raises
    ------
    InputError
        If `dtype` is unknown, or A does not fit into float32.
    NotProductiveError
        If a domestic block of I − A is singular.
    StoreError
        If a file of an opened table was cut short since.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.system(cf.synthetic.world(2, 3)).n
    6
    """
    required_table("table", table)
    one_of("dtype", dtype, ("float64", "float32"), remedy="leave it out")
    prepared: LeontiefSystem = table.kept.get(
        SYSTEM, lambda: LeontiefSystem(tiles_of(table.content, thread_count()))
    )
    prepared.tiles.require_whole()
    if dtype == "float32":
        prepared = table.kept.get(IN_FLOAT32, prepared.in_float32)
    return prepared


def release_dense(table: Table) -> None:
    """Let the table's dense factors go, which take as much memory as L would."""
    for key in (SYSTEM, IN_FLOAT32):
        prepared: LeontiefSystem | None = table.kept.peek(key)
        if prepared is not None:
            prepared.release_dense()


def solved_output(table: Table) -> FloatArray:
    """Solve for the output of a table that was given none: x = L Y·1.

    A row that sells nothing has none, not nearly none: others are divided by x.
    """
    prepared, y = system(table), table.content.Y.sum(axis=1)
    x = np.array(prepared.solve(y).values)
    tiles, ones = prepared.tiles, np.ones((table.n, 1))
    sold = np.empty(table.n)
    sold[tiles.table_rows] = tiles.product(
        ones, adjoint=False, absolute=True, threads=thread_count()
    )[:, 0]
    x[(sold == 0.0) & (y == 0.0)] = 0.0
    return x
