"""Parts of a table as systems of their own: some rows only, or every region by itself.

And one pass over A in table order, and how far an error reaches along its chains.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import BoolArray, CodeArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.leontief._certificate import rounding
from carbonflows_fast.leontief._right_hand_sides import checked_weight
from carbonflows_fast.leontief._system import LeontiefSystem
from carbonflows_fast.leontief._tiles import tiles_from

__all__ = ["pass_through_A", "reach", "restricted_to", "shrunk", "split_by_group"]


def restricted_to(
    prepared: LeontiefSystem, rows: BoolArray, threads: int | None = None
) -> LeontiefSystem:
    """Return the system with only the entries between the given rows; other rows are empty.

    It rests on the proofs of the whole: w'(I − |A|) > 0 stays true when entries of A are left out.
    With by-products, where the proof is another one, it needs its own.

    Parameters
    ----------
    prepared : LeontiefSystem
    rows : ndarray of bool, shape (n,), in table order
    """
    mask: FloatArray = np.where(rows, 1.0, 0.0)
    return shrunk(prepared, mask, mask, threads)


def shrunk(
    prepared: LeontiefSystem,
    rows: FloatArray,
    columns: FloatArray,
    threads: int | None = None,
) -> LeontiefSystem:
    """Return the system of A with its rows and columns times factors from 0 to 1.

    The proofs of the whole hold for it, as they do for a part.

    Parameters
    ----------
    prepared : LeontiefSystem
    rows, columns : ndarray, shape (n,), in table order
    """
    tiles, count = prepared.tiles, thread_count(threads)
    here = tiles.table_rows
    core = tiles.core.scaled(rows[here], columns[here], count)
    part = _system(prepared, core, count)
    if prepared.by_sizes:
        part._proofs = prepared._proofs
    return part


def with_sizes(prepared: LeontiefSystem, threads: int | None = None) -> LeontiefSystem:
    """Return the system of |A|, which is the same one where no entry is negative.

    I − |A| is what every system was proved productive by.
    """
    if prepared.nonnegative:
        return prepared
    tiles = prepared.tiles
    core = type(tiles.core)(
        tiles.starts, tiles.core.entries, tiles.core.masks, np.abs(tiles.core.values)
    )
    count = thread_count(threads)
    made = LeontiefSystem(tiles.with_core(core), nonnegative=True, threads=count)
    made._proofs = prepared._proofs
    return made


def split_by_group(
    prepared: LeontiefSystem, groups: CodeArray, threads: int | None = None
) -> LeontiefSystem:
    """Return the system that has only the entries between rows of the same group.

    The values are shared with the whole system where every block of rows lies in one group.

    Parameters
    ----------
    prepared : LeontiefSystem
    groups : ndarray of int32, shape (n,), in table order
    """
    tiles, count = prepared.tiles, thread_count(threads)
    codes: CodeArray = groups[tiles.table_rows]
    blocks = np.repeat(np.arange(tiles.blocks), np.diff(tiles.starts))
    here = np.zeros((tiles.blocks, int(codes.max(initial=0)) + 1), dtype=np.bool_)
    here[blocks, codes] = True
    entries = tiles.core.entries.copy()
    shared = here.astype(np.int64) @ here.T.astype(np.int64) > 0
    entries[~shared] = 0  # an empty tile
    core = type(tiles.core)(tiles.starts, entries, tiles.core.masks, tiles.core.values)
    if int(here.sum()) > tiles.blocks:
        core = _filtered(core, codes, count)
    return _system(prepared, core, count)


def pass_through_A(
    prepared: LeontiefSystem, X: FloatArray, *, adjoint: bool = False, absolute: bool = False
) -> FloatArray:
    """Return A X or A'X, or the same with |A|, for X of shape (n,) or (n, k) in table order."""
    tiles = prepared.tiles
    here = tiles.table_rows
    sides = np.ascontiguousarray(X.reshape(len(X), -1)[here])
    out = np.empty(sides.shape)
    out[here] = tiles.product(sides, adjoint=adjoint, absolute=absolute, threads=thread_count())
    return out.reshape(X.shape)


def reach(prepared: LeontiefSystem, weight: FloatArray, *, adjoint: bool = False) -> FloatArray:
    """Return at least |L|'t, or |L| t, for a weight t (n,) that errors were certified in.

    What an error of a right-hand side, known entry by entry, may do to a result.
    """
    t = checked_weight(weight, prepared.n)
    proof = prepared.certificate(t, adjoint=adjoint)
    reached = np.empty(prepared.n)
    reached[prepared.tiles.table_rows] = proof.guard
    # The certificate's weight was scaled by a power of two.
    with np.errstate(over="ignore"):
        reached *= proof.scale * float(weight.max() / t.max()) * (1 + rounding(4))
    return reached


def _filtered(core: _core.Tiles, codes: CodeArray, threads: int) -> _core.Tiles:
    """Return tiles without the entries between different groups; codes in tile order."""
    indptr, indices, data = core.to_csr(threads)
    rows = np.repeat(np.arange(codes.size), np.diff(indptr))
    same = codes[rows] == codes[indices]
    matrix = sp.csr_array((data[same], (rows[same], indices[same])), shape=(codes.size, codes.size))
    return tiles_from(matrix, core.starts, None, threads)


def _system(prepared: LeontiefSystem, core: _core.Tiles, threads: int) -> LeontiefSystem:
    tiles = prepared.tiles.with_core(core)
    return LeontiefSystem(tiles, nonnegative=prepared.nonnegative, threads=threads, part=True)
