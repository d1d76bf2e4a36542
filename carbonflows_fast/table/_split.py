"""A sector divided into parts, by shares of its sales, its purchases and its emissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import fsum
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arrays import (
    BoolArray,
    CodeArray,
    FloatArray,
    encode,
    locked,
    row_sums,
    sparse_view,
)
from carbonflows_fast.classification import regions_in
from carbonflows_fast.classification._files import places_of
from carbonflows_fast.errors import InputError, LabelError, nearest_are, shorten
from carbonflows_fast.table._content import Matrix, Parts
from carbonflows_fast.table._labels_given import label_texts

__all__ = ["divided"]

SUM_WITHIN = 1e-9
"""How far shares may add up to something else than 1; they are divided by their sum."""


@dataclass(frozen=True, slots=True, eq=False)
class _Plan:
    """Where each new row comes from.

    Attributes
    ----------
    names : tuple of str
        The P parts.
    output : ndarray, shape (P,)
        Shares of output, of which all others are copies unless they are given.
    old : ndarray of int, shape (n',)
        The row that a new row comes from.
    part : ndarray of int, shape (n',)
        Which part of it the new row is, -1 for all of it.
    """

    names: tuple[str, ...]
    output: FloatArray
    old: CodeArray
    part: CodeArray


def divided(
    parts: Parts,
    sector: Any,
    shares: Any,
    *,
    x: FloatArray,
    F: FloatArray,
    Z: Callable[[], Matrix],
    regions: Any,
    rows: Any,
    columns: Any,
    emissions: Any,
) -> Parts:
    """Return the parts of the table with a sector divided; see `Table.split`.

    Parameters
    ----------
    parts : Parts
    sector, shares, regions, rows, columns, emissions
        As in `Table.split`.
    x : ndarray, shape (n,)
    F : ndarray, shape (k, n)
    Z : callable
        Makes the transactions (n, n) where the table holds A.
    """
    plan = _planned(parts, sector, shares, regions)
    n, m, k = len(x), len(parts.demand_codes), len(F)
    sold = _table_of_shares(plan, "rows", rows, n + m, lambda key: _buyers(parts, key))
    bought = _table_of_shares(plan, "columns", columns, n, lambda key: _sellers(parts, key))
    emitted = _table_of_shares(plan, "emissions", emissions, k, lambda key: _stressors(parts, key))

    matrix = _divided_matrix(plan, parts.matrix if parts.kind == "Z" else Z(), sold, bought)
    new, of = plan.part >= 0, plan.part[plan.part >= 0]
    Y, emissions_of = parts.Y[plan.old], F[:, plan.old]
    Y[new] *= sold[of, n:]
    emissions_of[:, new] *= emitted[of].T
    made = x[plan.old]
    made[new] *= plan.output[of]
    if rows is not None:
        made = _output_by_sales(plan, x, row_sums(matrix) + row_sums(Y))
    region_codes = parts.region_codes[plan.old]
    sectors = [parts.sectors[code] for code in parts.sector_codes[plan.old]]
    for at in np.flatnonzero(new):
        sectors[at] = plan.names[plan.part[at]]
    _refuse_idle(
        plan,
        x,
        made,
        matrix,
        emissions_of,
        [
            f"{sector!r} of {parts.regions[code]}"
            for sector, code in zip(sectors, region_codes, strict=True)
        ],
    )
    sector_names, sector_codes = encode(sectors)
    return replace(
        parts,
        matrix=matrix,
        kind="Z",
        x=locked(made),
        Y=locked(Y),
        emissions=locked(np.ascontiguousarray(emissions_of)),
        emissions_kind="F",
        region_codes=locked(region_codes),
        sectors=sector_names,
        sector_codes=locked(sector_codes),
        row_unit_codes=locked(parts.row_unit_codes[plan.old]),
    )


# --- what was asked -------------------------------------------------------------------------


def _planned(parts: Parts, sector: Any, shares: Any, regions: Any) -> _Plan:
    chosen = _rows_of(parts, sector, regions)
    shares = _as_mapping("shares", shares, "{'a part': 0.4, 'another part': 0.6}")
    names = tuple(label_texts("shares", shares))
    _refuse_taken(parts, chosen, names)
    output = _share_vector("shares", dict(zip(names, shares.values(), strict=True)), names)
    sizes = np.where(chosen, len(names), 1)
    old = np.repeat(np.arange(len(chosen), dtype=np.int32), sizes)
    within = np.arange(len(old)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return _Plan(names, output, old, np.where(chosen[old], within, -1).astype(np.int32))


def _rows_of(parts: Parts, sector: Any, regions: Any) -> BoolArray:
    """Return which rows are divided."""
    at = places_of(sector, parts.sectors) if isinstance(sector, str) else []
    if len(at) != 1:
        raise LabelError.about(
            "sector",
            expected="a sector of the table",
            got=repr(sector),
            remedy=nearest_are(sector, parts.sectors),
        )
    having: BoolArray = parts.sector_codes == at[0]
    if regions is None:
        return having
    here = np.array(regions_in(parts.regions, regions, year=parts.year))
    chosen: BoolArray = having & here[parts.region_codes]
    if not chosen.any():
        raise LabelError.about(
            "regions",
            expected=f"a region that has {sector!r}",
            got=repr(regions),
            remedy=f"it is a sector of {_regions_listed(parts, parts.region_codes[having])}",
        )
    return chosen


def _regions_listed(parts: Parts, codes: CodeArray) -> str:
    return shorten(repr(parts.regions[code]) for code in np.unique(codes))


def _refuse_taken(parts: Parts, chosen: BoolArray, names: tuple[str, ...]) -> None:
    """Refuse names of parts that occur twice, or that other rows of a region have."""
    here = set(parts.region_codes[chosen].tolist())
    taken = {
        parts.sectors[code]
        for code, region, divided in zip(
            parts.sector_codes, parts.region_codes.tolist(), chosen, strict=True
        )
        if region in here and not divided
    }
    twice = [name for at, name in enumerate(names) if name in taken or name in names[:at]]
    if twice:
        raise LabelError.about(
            "shares",
            expected="names that no other sector of the region has",
            got=shorten(map(repr, twice)),
            remedy="choose other names; to merge parts into a sector that exists, call "
            "aggregate(sectors=…) afterwards",
        )


# --- shares ---------------------------------------------------------------------------------


def _as_mapping(argument: str, given: Any, example: str) -> Mapping[Any, Any]:
    if isinstance(given, pd.Series):
        given = given.to_dict()
    if not isinstance(given, Mapping) or not given:
        raise InputError.about(
            argument,
            expected="a mapping from parts to shares",
            got=repr(given),
            remedy=f"give e.g. {example}",
        )
    return given


def _share_vector(argument: str, given: Any, names: tuple[str, ...]) -> FloatArray:
    """Return one share for each part; they add up to 1."""
    example = dict.fromkeys(names, 0.0) | {names[0]: 1.0}
    shares = _as_mapping(argument, given, repr(example))
    if set(shares) != set(names):
        raise LabelError.about(
            argument,
            expected=f"a share for each of {shorten(map(repr, names))}",
            got=shorten(map(repr, shares)),
            remedy="name every part of shares=, with 0 if it has nothing",
        )
    for name in names:
        share = shares[name]
        if not (isinstance(share, Real) and 0.0 <= float(share) < np.inf):
            raise InputError.about(
                argument,
                expected="shares of 0 or more",
                got=f"{share!r} for {name!r}",
                remedy=f"give numbers that add up to 1, e.g. {example}",
            )
    values = [float(shares[name]) for name in names]
    total = fsum(values)
    if not abs(total - 1.0) <= SUM_WITHIN:
        raise InputError.about(
            argument,
            expected="shares that add up to 1",
            got=f"a sum of {total:.12g}",
            remedy="divide them by their sum, or give the part that is missing a share",
        )
    return np.array(values) / total


def _table_of_shares(
    plan: _Plan, argument: str, given: Any, size: int, chosen: Callable[[Any], BoolArray]
) -> FloatArray:
    """Return the share of each part in each cell, (P, size); later keys take precedence."""
    table = np.repeat(plan.output[:, None], size, axis=1)
    if given is None:
        return table
    shares = _as_mapping(
        argument, given, repr(dict.fromkeys(plan.names, 0.0) | {plan.names[0]: 1.0})
    )
    if not any(isinstance(one, Mapping | pd.Series) for one in shares.values()):
        shares = {None: shares}
    for key, one in shares.items():
        table[:, chosen(key)] = _share_vector(argument, one, plan.names)[:, None]
    return table


def _buyers(parts: Parts, key: Any) -> BoolArray:
    """Return which rows, and after them which columns of final demand, a key of `rows` means."""
    regions = np.concatenate([parts.region_codes, parts.demand_codes])
    others = [parts.sectors[code] for code in parts.sector_codes]
    others += [parts.categories[code] for code in parts.category_codes]
    return _meant(parts, "rows", key, "sector or a category of final demand", regions, others)


def _sellers(parts: Parts, key: Any) -> BoolArray:
    sectors = [parts.sectors[code] for code in parts.sector_codes]
    return _meant(parts, "columns", key, "sector", parts.region_codes, sectors)


def _meant(
    parts: Parts, argument: str, key: Any, kind: str, regions: CodeArray, labels: list[str]
) -> BoolArray:
    """Return where (region, label) is the key; None matches all, a text is a label."""
    region, label = key if isinstance(key, tuple) and len(key) == 2 else (None, key)
    having = _having(argument, label, kind, labels)
    if region is None:
        return having
    here = np.array(regions_in(parts.regions, region, argument, year=parts.year))[regions]
    if not (having & here).any():
        raise LabelError.about(
            argument,
            expected=f"a region that has {label!r}",
            got=repr(region),
            remedy=f"it belongs to {_regions_listed(parts, regions[having])}",
        )
    both: BoolArray = having & here
    return both


def _stressors(parts: Parts, key: Any) -> BoolArray:
    return _having("emissions", key, "stressor", parts.stressors)


def _having(argument: str, label: Any, kind: str, labels: Iterable[str]) -> BoolArray:
    """Return where a label stands; None stands everywhere."""
    known = isinstance(label, str)
    fits = [label is None or (known and one == label) for one in labels]
    having = np.array(fits, dtype=np.bool_)
    if not having.any():
        raise LabelError.about(
            argument,
            expected=f"a {kind} of the table as key",
            got=repr(label),
            remedy=nearest_are(label, list(dict.fromkeys(labels))),
        )
    return having


# --- numbers --------------------------------------------------------------------------------


def _divided_matrix(plan: _Plan, matrix: Matrix, sold: FloatArray, bought: FloatArray) -> Matrix:
    """Return Z with each cell of a part times its share; own use has a share of both."""
    old, part = plan.old, plan.part
    new, of = part >= 0, part[part >= 0]
    if isinstance(matrix, np.ndarray):
        dense = matrix[np.ix_(old, old)]
        dense[new] *= sold[of][:, old]
        dense[:, new] *= bought[of][:, old].T
        return locked(dense)
    spread = sp.csr_array(matrix)[old][:, old]
    for at in np.flatnonzero(new):
        cells = slice(spread.indptr[at], spread.indptr[at + 1])
        spread.data[cells] *= sold[part[at], old[spread.indices[cells]]]
    found = np.flatnonzero(new[spread.indices])  # few of all cells
    sellers = np.searchsorted(spread.indptr, found, side="right") - 1
    spread.data[found] *= bought[part[spread.indices[found]], old[sellers]]
    spread.eliminate_zeros()
    return sparse_view(spread)


def _output_by_sales(plan: _Plan, x: FloatArray, sales: FloatArray) -> FloatArray:
    """Return outputs in proportion to sales, which add up to the output of the sector.

    They are the sales where the row of the sector balanced. A sector that sells nothing on balance
    is divided by the shares of output.
    """
    made, total = x[plan.old], np.zeros(len(x))
    np.add.at(total, plan.old, sales)
    total = total[plan.old]
    new = plan.part >= 0
    by_sales = new & (total != 0.0)
    made[by_sales] *= sales[by_sales] / total[by_sales]
    others = new & ~by_sales
    made[others] *= plan.output[plan.part[others]]
    return made


def _refuse_idle(
    plan: _Plan, x: FloatArray, made: FloatArray, matrix: Matrix, F: FloatArray, names: list[str]
) -> None:
    """Refuse parts that buy or emit without output: A and S would lose what they do."""
    idle = np.flatnonzero((plan.part >= 0) & (made == 0.0) & (x[plan.old] != 0.0))
    if not len(idle):
        return
    bought = np.asarray(abs(matrix[:, idle]).sum(axis=0)).ravel()
    busy = idle[(bought > 0.0) | F[:, idle].any(axis=0)]
    if len(busy):
        at = int(busy[0])
        raise InputError.about(
            "rows" if plan.output[plan.part[at]] else "shares",
            expected="an output for every part that buys or emits",
            got=f"{names[at]} without output",
            remedy="give it sales, or shares of 0 in columns= and emissions= too",
        )
