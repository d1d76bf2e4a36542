"""Damage that leaves every number plausible: totals among parts, copies, shifts, other units.

These compare a table with itself: a region with the others, a row with its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._outliers import FEWEST, kinds_of, medians
from carbonflows_fast.checks._report import Finding
from carbonflows_fast.table import Table

__all__ = ["pattern_findings"]

TOTAL = 1e-9  # how exactly a total is the sum of the others
PARTS = 3  # rows, or categories, at least that a total adds up
COPIED = 8  # different numbers that two rows must share to be copies of each other
POWER = 2.0  # powers of ten by which a region differs from all others
COMPARED = 10  # sectors at least, for the level of a region to mean something
MANY = 25  # sectors at least, for the order of its intensities to mean something
BETTER = 0.25  # gain in correlation that says that emissions are shifted
GOOD = 0.5  # correlation of emissions in their right places
ABROAD = 5.0  # times what a region sells to itself
NEGATIVE = 0.1  # of a region's final demand
PER_HEAD = 300.0  # times the median of final demand per head


def pattern_findings(table: Table, effects: Effects) -> Iterator[Finding]:
    """Yield what shows only in comparison, check by check."""
    Z = table.Z
    yield from _totals(table, Z)
    yield from _total_categories(table)
    yield from _copied_rows(table, Z, effects)
    yield from _copied_emissions(table, effects)
    yield from _regional_levels(table, effects)
    yield from _shifted_emissions(table, effects)
    yield from _bought_abroad(table)
    yield from _negative_demand(table, effects)
    yield from _population(table, effects)


def _row(table: Table, at: int) -> tuple[str, str]:
    p = table.content
    return p.regions[p.region_codes[at]], p.sectors[p.sector_codes[at]]


def _by_region(table: Table, values: FloatArray) -> FloatArray:
    """Add up the rows (n, m) of each region: (R, m)."""
    sums = np.zeros((len(table.regions), values.shape[1]))
    np.add.at(sums, table.content.region_codes, values)
    return sums


# --- totals and copies ----------------------------------------------------------------------


def _totals(table: Table, Z: Any) -> Iterator[Finding]:
    """Report rows that are the sum of the region's other rows, and regions that are the world."""
    p, n = table.content, table.n
    R, probes = len(p.regions), np.random.default_rng(0).uniform(1.0, 2.0, (n + p.Y.shape[1], 2))
    # Two random weights per column: rows whose weighted sums agree are equal, but for chance.
    sums = Z @ probes[:n] + p.Y @ probes[n:]
    of_region = _by_region(table, sums)
    rows = np.bincount(p.region_codes, (np.abs(sums) > 0).any(axis=1), R)
    twice = np.abs(2 * sums - of_region[p.region_codes]) <= TOTAL * np.abs(sums)
    is_total = twice.all(axis=1) & (sums != 0).all(axis=1) & (rows > PARTS)[p.region_codes]
    for at in np.flatnonzero(is_total).tolist():
        region, sector = _row(table, at)
        message = (
            f"{region} {sector}: what it delivers is the sum of the region's other sectors; leave "
            "it out, or all is counted twice"
        )
        yield Finding(
            "total among sectors", "warning", region, sector, float(table.arrays.x[at]), message
        )
    world = of_region.sum(axis=0)
    whole = (np.abs(2 * of_region - world) <= TOTAL * np.abs(of_region)).all(axis=1)
    whole &= (of_region != 0).all(axis=1) & (R > PARTS)
    for name in (p.regions[at] for at in np.flatnonzero(whole)):
        message = (
            f"{name}: what it delivers is the sum of the other {R - 1} regions; leave it out, or "
            "all is counted twice"
        )
        yield Finding("total among regions", "warning", name, "", 1.0, message)


def _total_categories(table: Table) -> Iterator[Finding]:
    """Report categories of final demand that are the sum of a region's others."""
    p = table.content
    found: dict[str, list[str]] = {}
    for region, name in enumerate(p.regions):
        columns = np.flatnonzero(p.demand_codes == region)
        Y = p.Y[:, columns]
        full = np.flatnonzero((Y != 0).any(axis=0))
        if len(full) < PARTS:
            continue
        total = Y.sum(axis=1)
        for at in full.tolist():
            size = np.abs(Y[:, at]).max()
            if np.abs(2 * Y[:, at] - total).max() <= TOTAL * size:
                found.setdefault(p.categories[p.category_codes[columns[at]]], []).append(name)
    for category, regions in found.items():
        where = f"{regions[0]} and {len(regions) - 1} more" if len(regions) > 1 else regions[0]
        message = (
            f"{category} ({where}): the sum of the other categories; leave it out, or all demand "
            "is counted twice"
        )
        yield Finding(
            "total among categories", "warning", regions[0], "", float(len(regions)), message
        )


def _copied_rows(table: Table, Z: Any, effects: Effects) -> Iterator[Finding]:
    """Report rows of a region that deliver the same numbers to everybody."""
    p = table.content
    seen: dict[tuple[int, int], int] = {}
    for at in range(table.n):
        here = slice(Z.indptr[at], Z.indptr[at + 1])
        numbers = Z.data[here]
        bits = (numbers.tobytes(), Z.indices[here].tobytes(), p.Y[at].tobytes())
        first = seen.setdefault((int(p.region_codes[at]), hash(bits)), at)
        if first == at or len(np.unique(np.concatenate([numbers, p.Y[at]]))) < COPIED:
            continue
        region, sector = _row(table, at)
        message = f"{region} {sector}: delivers what {_row(table, first)[1]} does, cell by cell"
        output, unknown = float(table.arrays.x[at]), effects.unknown()
        yield Finding("copied row", "warning", region, sector, output, message, unknown)


def _copied_emissions(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report regions whose sectors emit, number by number, what those of another region do."""
    p, F = table.content, table.arrays.F
    for k, stressor in enumerate(p.stressors):
        seen: dict[bytes, int] = {}
        for region in range(len(p.regions)):
            numbers = F[k, p.region_codes == region]
            first = seen.setdefault(numbers.tobytes(), region)
            if first == region or len(np.unique(numbers[numbers != 0])) < COPIED:
                continue
            name, other = p.regions[region], p.regions[first]
            message = f"{name}: its sectors emit what those of {other} do of {stressor}, one by one"
            change = effects.nothing() if effects.weights[k] == 0 else effects.unknown()
            yield Finding(
                "copied emissions", "warning", name, "", float(numbers.sum()), message, change
            )


# --- a region beside the others -------------------------------------------------------------


def _compared(table: Table, effects: Effects) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Yield each region with logs of its intensities and of the sectors' medians, row by row.

    NaN where a sector does not emit, or fewer than FEWEST regions emit in it.
    """
    p, kinds = table.content, kinds_of(table.content)
    if not effects.name or not (effects.s > 0).any():
        return
    middle, _, counts = (one[0, kinds] for one in medians(effects.s[None], kinds))
    usable = (effects.s > 0) & (counts >= FEWEST)
    own, usual = (
        np.log10(values, out=np.full(table.n, np.nan), where=usable)
        for values in (effects.s, middle)
    )
    for region in range(len(p.regions)):
        rows = p.region_codes == region
        yield region, own[rows], usual[rows]


def _regional_levels(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report regions whose intensities are all off; the effect is that of taking that back."""
    p = table.content
    for region, own, usual in _compared(table, effects):
        beside = (own - usual)[np.isfinite(own)]
        if len(beside) < COMPARED or abs(np.median(beside)) < POWER:
            continue
        level = float(np.median(beside))
        name, rows = p.regions[region], p.region_codes == region
        message = (
            f"{name}: its sectors emit {10**level:,.3g} times the usual of {effects.name} (their "
            "median beside that of each sector); look at the units of its emissions and outputs"
        )
        change = (10.0**-level - 1) * (effects.s[rows] @ effects.outputs[rows])
        yield Finding("level of a region", "warning", name, "", 10**level, message, change)


def _shifted_emissions(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report regions whose emissions fit the neighbouring sectors better than their own."""
    for region, own, usual in _compared(table, effects):
        fits = {by: _fit(own, usual, by) for by in (0, -2, -1, 1, 2)}
        by = max(fits, key=fits.__getitem__)
        if fits[by] < GOOD or fits[by] < fits[0] + BETTER:
            continue
        name = table.regions[region]
        message = (
            f"{name}: its intensities fit those of other regions better when each is taken as that "
            f"of the sector {abs(by)} {'above' if by > 0 else 'below'} (correlation {fits[by]:.2f} "
            f"instead of {fits[0]:.2f}); are its emissions shifted?"
        )
        yield Finding(
            "shifted emissions", "warning", name, "", float(by), message, effects.unknown()
        )


def _fit(own: FloatArray, usual: FloatArray, by: int) -> float:
    """Return how the intensities `by` rows further down correlate with the medians here."""
    last = len(own) - abs(by)
    moved, here = (own[by:], usual[:last]) if by >= 0 else (own[:last], usual[-by:])
    both = np.isfinite(moved) & np.isfinite(here)
    if both.sum() < MANY or not np.ptp(moved[both]) or not np.ptp(here[both]):
        return -1.0
    return float(np.corrcoef(moved[both], here[both])[0, 1])


def _bought_abroad(table: Table) -> Iterator[Finding]:
    """Report regions whose final demand is met by one other region rather than by themselves."""
    p, R = table.content, len(table.regions)
    bought = np.zeros((R, R))
    np.add.at(bought.T, p.demand_codes, _by_region(table, np.abs(p.Y)).T)
    if R < PARTS or len(p.row_units) > 1:
        return
    for region, name in enumerate(p.regions):
        other = int(np.argmax(np.where(np.arange(R) == region, -1.0, bought[:, region])))
        own, much = bought[region, region], bought[other, region]
        if much <= ABROAD * own or not (p.region_codes == region).any():
            continue
        share = own / bought[:, region].sum()
        message = (
            f"{name}: {100 * share:.3g} % of its final demand is its own, "
            f"{100 * much / bought[:, region].sum():.3g} % is bought of {p.regions[other]}; do the "
            "columns of Y have the right regions?"
        )
        yield Finding("bought abroad", "warning", name, "", float(share), message)


def _negative_demand(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report categories that are negative as a whole; the effect is that of the other sign."""
    p = table.content
    totals, sizes = p.Y.sum(axis=0), np.abs(p.Y).sum(axis=0)
    of_region = np.bincount(p.demand_codes, sizes, len(p.regions))[p.demand_codes]
    for at in np.flatnonzero(totals < -NEGATIVE * of_region).tolist():
        region, category = table.demand[at]
        message = (
            f"{region} {category}: {totals[at]:.6g} in all, "
            f"{-100 * totals[at] / of_region[at]:.3g} % of the region's final demand; is its sign "
            "right?"
        )
        change = effects.nothing()
        change[p.demand_codes[at]] = -2 * float(effects.m @ p.Y[:, at])
        yield Finding("negative demand", "warning", region, "", float(totals[at]), message, change)


def _population(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report heads whose final demand per head is far from that of other regions."""
    p = table.content
    if p.population is None or len(p.row_units) > 1:
        return
    demand = np.bincount(p.demand_codes, p.Y.sum(axis=0), len(p.regions))
    known = (p.population > 0) & (demand > 0)
    if known.sum() < PARTS:
        return
    per_head = np.divide(demand, p.population, out=np.full(len(demand), np.nan), where=known)
    times = per_head / np.nanmedian(per_head)
    for region in np.flatnonzero((times > PER_HEAD) | (times < 1 / PER_HEAD)).tolist():
        name = p.regions[region]
        message = (
            f"{name}: {p.population[region]:.6g} heads make {times[region]:,.3g} times the median "
            "of final demand per head; are all populations in one unit?"
        )
        yield Finding(
            "population", "warning", name, "", float(times[region]), message, effects.nothing()
        )
