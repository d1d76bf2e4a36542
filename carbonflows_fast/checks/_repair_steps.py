"""The repairs, one function each: a state of a table in, the repaired state out.

Every state holds Z as a csr_array, x and F. A step replaces only the arrays that it changes, and
keeps rows as balanced as they were (`balance` aside).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray, locked, row_sums, sparse_view
from carbonflows_fast.checks._measures import (
    column_totals,
    full_columns,
    handed_on,
    repeated,
    room_for_inputs,
    unbalanced,
)
from carbonflows_fast.checks._outliers import outliers
from carbonflows_fast.errors import InputError, Phrase, shorten
from carbonflows_fast.table._aggregation import aggregated
from carbonflows_fast.table._content import Parts, over_output

__all__ = ["SPREAD", "STEPS"]

SPREAD = "spread"
"""Says: to all sectors of the region, in proportion to their output."""

ROUNDS = 10  # that implausible intensities may take

Positions = npt.NDArray[np.intp]


def _output(p: Parts) -> FloatArray:
    """Return x, which every state has."""
    return p.x if p.x is not None else np.zeros(0)


def _duplicates(p: Parts, _: Any) -> Parts:
    """Add up rows, and columns of final demand, of one label."""
    pairs = (p.region_codes, p.sector_codes), (p.demand_codes, p.category_codes)
    if not any(repeated(*codes) for codes in pairs):
        return p
    return aggregated(
        p, x=_output(p), F=p.emissions, Z=lambda: p.matrix, regions=None, sectors=None
    )


def _balance(p: Parts, _: Any) -> Parts:
    """Set x to Z·1 + Y·1 where it is not."""
    rows, delivered, _relative = unbalanced(p.matrix, p.Y, _output(p))
    if not len(rows):
        return p
    x = _output(p).copy()
    x[rows] = delivered[rows]
    return replace(p, x=locked(x))


def _negative_output(p: Parts, _: Any) -> Parts:
    """Remove the negative deliveries of rows with negative output; x becomes the rest."""
    bad = _output(p) < 0
    if not bad.any():
        return p
    of_entry = np.repeat(bad, np.diff(p.matrix.indptr))
    Z = _with_data(p.matrix, np.where(of_entry, np.maximum(p.matrix.data, 0.0), p.matrix.data))
    Y = np.where(bad[:, None], np.maximum(p.Y, 0.0), p.Y)
    x = np.where(bad, row_sums(Z) + row_sums(Y), _output(p))
    return replace(p, matrix=Z, Y=locked(Y), x=locked(x))


def _purchases_without_output(p: Parts, to: str) -> Parts:
    """Give what sectors without output buy to others of their region."""
    idle = np.flatnonzero((_output(p) == 0) & (column_totals(abs(p.matrix)) > 0))
    shares = _receivers("purchases_without_output", p, idle, to)
    own = sp.csr_array((np.ones(len(idle)), (np.arange(len(idle)), idle)), shape=shares.shape)
    return _moved(p, idle, shares - own)


def _emissions_without_output(p: Parts, to: str) -> Parts:
    """Give what sectors without output emit to others of their region."""
    idle = np.flatnonzero((_output(p) == 0) & (p.emissions != 0).any(axis=0))
    if not len(idle):
        return p
    shares = _receivers("emissions_without_output", p, idle, to)
    F = p.emissions + p.emissions[:, idle] @ shares
    F[:, idle] = 0.0
    return replace(p, emissions=locked(np.ascontiguousarray(F)))


def _implausible_intensities(p: Parts, to: str) -> Parts:
    """Leave implausible intensities what is usual; others of the region emit the rest.

    Again until there is none: what is usual moves a little as well.
    """
    for _ in range(ROUNDS):
        F, x = p.emissions, _output(p)
        found = list(outliers(over_output(F, x, "S = F / x"), F, x, p))
        if not found:
            return p
        F = F.copy()
        flagged = {(one.stressor, one.row) for one in found}
        for one in found:
            k, at = one.stressor, one.row
            kept = one.usual * x[at]
            rows = np.array([row for row in _takers(p, at, to) if (k, row) not in flagged], int)
            if not len(rows):
                break
            F[k, rows] += (F[k, at] - kept) * (x[rows] / x[rows].sum())
            F[k, at] = kept
        else:
            p = replace(p, emissions=locked(F))
            continue
        break
    one = found[0]
    raise InputError.about(
        "implausible_intensities",
        expected=f"other sectors in {p.regions[p.region_codes[one.row]]} that can emit what "
        f"{p.sectors[p.sector_codes[one.row]]!r} does of {p.stressors[one.stressor]}",
        got="none whose own intensity stays plausible",
        remedy=Phrase.in_python("name another sector, or correct S by table.with_changes(S=...)"),
    )


def _takers(p: Parts, at: int, to: str) -> list[int]:
    """Return the rows with output, of the region and the unit of a row, that may take from it."""
    rows = (p.region_codes == p.region_codes[at]) & (_output(p) > 0)
    rows &= p.row_unit_codes == p.row_unit_codes[at]
    if to != SPREAD:
        rows &= p.sector_codes == p.sectors.index(to)
    rows[at] = False
    return np.flatnonzero(rows).tolist()


def _column_sums(p: Parts, limit: float) -> Parts:
    """Scale inputs worth the output or more down to `limit` of it.

    What is taken away is bought by the sectors of the region that have room below the limit, in
    proportion to that room.
    """
    if len(p.row_units) > 1:
        raise InputError.about(
            "column_sums",
            expected="a table in one unit",
            got=f"the units {shorten(p.row_units)}",
            remedy="sums over different units say nothing; leave it out",
        )
    x, inputs = _output(p), column_totals(p.matrix)
    sums = np.divide(inputs, x, out=np.zeros_like(x), where=x != 0)
    full = full_columns(sums)
    full = full[~handed_on(p.matrix, p.Y, sums)[full]]
    taken = 1 - limit / sums[full]
    room = room_for_inputs(x, inputs, full, limit)
    shares = sp.lil_array((len(full), len(x)))
    for position, at in enumerate(full.tolist()):
        region = p.region_codes[at]
        same = np.flatnonzero((p.region_codes == region) & (room > 0))
        excess = float((taken * inputs[full])[p.region_codes[full] == region].sum())
        if not len(same) or excess > room[same].sum():
            raise InputError.about(
                "column_sums",
                expected=f"room for {excess:.6g} more inputs in {p.regions[region]}, below "
                f"{limit:g} of the outputs of its other sectors",
                got=f"{room[same].sum():.6g}",
                remedy="raise the limit, or correct the table",
            )
        shares[position, same] = taken[position] * room[same] / room[same].sum()
        shares[position, at] = -taken[position]
    return _moved(p, full, shares.tocsr())


def _negatives(p: Parts, tolerance: float) -> Parts:
    """Set negative numbers to 0 that are tiny relative to the largest number of their row.

    In Z and Y, whose rows count as one, the output rises by as much; in F and F_Y a row is a
    stressor.
    """
    return _without_tiny_emissions(_without_tiny_deliveries(p, tolerance), tolerance)


def _without_tiny_deliveries(p: Parts, tolerance: float) -> Parts:
    Z, n = p.matrix, len(_output(p))
    limit = np.abs(p.Y).max(axis=1)
    if Z.nnz:
        limit = np.maximum(limit, abs(Z).max(axis=1).toarray().ravel())
    limit *= -tolerance
    rows = np.repeat(np.arange(n), np.diff(Z.indptr))
    tiny = (Z.data < 0) & (Z.data >= limit[rows])
    tiny_Y = (p.Y < 0) & (limit[:, None] <= p.Y)
    if not tiny.any() and not tiny_Y.any():
        return p
    gone = np.bincount(rows[tiny], Z.data[tiny], n) + np.where(tiny_Y, p.Y, 0.0).sum(axis=1)
    return replace(
        p,
        matrix=_with_data(Z, np.where(tiny, 0.0, Z.data)) if tiny.any() else Z,
        Y=locked(np.where(tiny_Y, 0.0, p.Y)) if tiny_Y.any() else p.Y,
        x=locked(_output(p) - gone),
    )


def _without_tiny_emissions(p: Parts, tolerance: float) -> Parts:
    size = np.abs(p.emissions).max(axis=1, initial=0.0)
    F_Y = p.F_Y
    if F_Y is not None:
        size = np.maximum(size, np.abs(F_Y).max(axis=1, initial=0.0))
        direct = (F_Y < 0) & (-tolerance * size[:, None] <= F_Y)
        if direct.any():
            p = replace(p, F_Y=locked(np.where(direct, 0.0, F_Y)))
    tiny = (p.emissions < 0) & (p.emissions >= -tolerance * size[:, None])
    return replace(p, emissions=locked(np.where(tiny, 0.0, p.emissions))) if tiny.any() else p


STEPS: dict[str, Callable[[Parts, Any], Parts]] = {
    "duplicates": _duplicates,
    "balance": _balance,
    "negative_output": _negative_output,
    "purchases_without_output": _purchases_without_output,
    "emissions_without_output": _emissions_without_output,
    "implausible_intensities": _implausible_intensities,
    "column_sums": _column_sums,
    "negatives": _negatives,
}
"""In the order in which they run, because one may reveal the need for a later one."""


# --- what several steps share ---------------------------------------------------------------


def _with_data(matrix: Any, data: FloatArray) -> Any:
    """Return the matrix with other numbers, zeros left out."""
    changed = sp.csr_array((data, matrix.indices.copy(), matrix.indptr.copy()), shape=matrix.shape)
    changed.eliminate_zeros()
    return sparse_view(changed)


def _moved(p: Parts, columns: Positions, shares: Any) -> Parts:
    """Add to every column of Z its share (columns, n) of some of the columns."""
    if not len(columns):
        return p
    Z = (p.matrix + p.matrix[:, columns] @ shares).tocsr()
    Z.eliminate_zeros()
    Z.sort_indices()
    return replace(p, matrix=sparse_view(Z))


def _receivers(repair: str, p: Parts, idle: Positions, to: str) -> Any:
    """Return what each row of the table gets of each idle one: csr_array (idle, n), rows add to 1.

    Raises
    ------
    InputError
        If nobody in the region can take it, or outputs of several units would be compared.
    """
    x = _output(p)
    shares = sp.lil_array((len(idle), len(x)))
    wanted = np.ones(len(x), dtype=np.bool_)
    if to != SPREAD:
        wanted = p.sector_codes == p.sectors.index(to)
    for position, at in enumerate(idle.tolist()):
        region = p.region_codes[at]
        rows = np.flatnonzero(wanted & (p.region_codes == region) & (x > 0))
        units = np.unique(p.row_unit_codes[rows])
        if len(units) != 1:
            name, what = p.regions[region], "a sector" if to == SPREAD else repr(to)
            several = shorten(p.row_units[unit] for unit in units)
            raise InputError.about(
                repair,
                expected=f"{what} with output in {name}, and one unit, to take what "
                f"{p.sectors[p.sector_codes[at]]!r} has",
                got=f"the units {several}" if len(units) else "none",
                remedy="name another sector",
            )
        shares[position, rows] = x[rows] / x[rows].sum()
    return shares.tocsr()
