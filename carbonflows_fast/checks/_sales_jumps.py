"""Two tables of different years: parts that collapse or jump although the rest does not.

Everything is compared in proportion: what a row sells to its output, a category to the region's
output, households to what the region emits. Growth and other currencies drop out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray, row_sums
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._report import Finding, Severity
from carbonflows_fast.table import Table

__all__ = ["demand_jumps", "emission_jumps", "sales_jumps"]

COLLAPSE = 100.0  # times: a part that moved this much relative to the rest
PART = 0.05  # of a row's output, that final demand, intermediate sales or exports make up
MATERIAL = 1e-4  # of the region's output
SHARE = 0.01  # of a region's output or emissions, for its categories, households and sectors
REVERSED = 0.1  # of a region's output, for a category whose sign changed
LEVEL = 1.25  # times: final demand as a whole relative to output
HOUSEHOLDS = 1.5  # times: households as a whole relative to sectors
TOGETHER = 5  # regions in which one product moved make one finding
BLOCK = 256  # rows at a time


def _moved(now: FloatArray, then: FloatArray, least: Any) -> Any:
    """Return where the larger of two sizes is `least` or more, and COLLAPSE times the other."""
    large = np.maximum(np.abs(now), np.abs(then))
    small = np.minimum(np.abs(now), np.abs(then))
    return (large >= least) & (large > 0) & (small * COLLAPSE <= large)


# --- what a row sells -----------------------------------------------------------------------


def _sales(table: Table) -> dict[str, FloatArray]:
    """Return what each row sells: to final demand, to sectors, to other regions."""
    p, Z = table.content, table.Z
    home = np.where(p.region_codes[:, None] == p.demand_codes[None], p.Y, 0.0).sum(axis=1)
    for first in range(0, table.n, BLOCK):
        block = Z[first : first + BLOCK]
        rows = first + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        own = p.region_codes[rows] == p.region_codes[block.indices]
        home += np.bincount(rows[own], block.data[own], table.n)
    final, between = p.Y.sum(axis=1), row_sums(Z)
    return {"final demand": final, "intermediate sales": between, "exports": final + between - home}


def sales_jumps(
    table: Table, other: Table, here: Any, there: Any, effects: Effects
) -> Iterator[Finding]:
    """Yield rows whose sales of one kind collapsed or jumped relative to output."""
    p, x, z = table.content, table.arrays.x[here], other.arrays.x[there]
    regions = p.region_codes[here]
    of_region = np.bincount(regions, np.abs(x), len(p.regions))[regions]
    compared = (x > MATERIAL * of_region) & (z > 0)
    then_of = _sales(other)
    for kind, amounts in _sales(table).items():
        now = np.divide(amounts[here], x, out=np.zeros_like(x), where=compared)
        then = np.divide(then_of[kind][there], z, out=np.zeros_like(x), where=compared)
        material = np.maximum(np.abs(now), np.abs(then)) * x > MATERIAL * of_region
        moved = np.flatnonzero(compared & material & _moved(now, then, PART))
        severity: Severity = "warning" if kind == "final demand" else "note"
        by_sector = np.bincount(p.sector_codes[here[moved]], minlength=len(p.sectors))
        for sector in np.flatnonzero(by_sector >= TOGETHER).tolist():
            rows = moved[p.sector_codes[here[moved]] == sector]
            yield _product(table, kind, severity, sector, rows, here, now, then, x, z)
        for at in moved[by_sector[p.sector_codes[here[moved]]] < TOGETHER].tolist():
            change = effects.unknown()
            if kind == "final demand":
                change = _demand_as_before(table, other, int(here[at]), int(there[at]), effects)
            region, name = p.regions[regions[at]], p.sectors[p.sector_codes[here[at]]]
            message = (
                f"{region} {name}: {kind} {_percent(now[at])} of its output, in the other table "
                f"{_percent(then[at])}"
            )
            yield Finding(
                f"{kind} jump", severity, region, name, _times(now[at], then[at]), message, change
            )


def _product(
    table: Table,
    kind: str,
    severity: Severity,
    sector: int,
    rows: Any,
    here: Any,
    now: FloatArray,
    then: FloatArray,
    x: FloatArray,
    z: FloatArray,
) -> Finding:
    """Report a product that moved in many regions as one finding."""
    p = table.content
    share, before = float(now[rows] @ x[rows] / x[rows].sum()), float(then[rows] @ z[rows])
    before /= float(z[rows].sum())
    message = (
        f"{p.sectors[sector]}: {kind} {_percent(share)} of its output in {len(rows)} regions, in "
        f"the other table {_percent(before)}"
    )
    return Finding(f"{kind} jump", severity, "", p.sectors[sector], _times(share, before), message)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _times(now: float, then: float) -> float:
    return float(now / then) if then else math.inf


def _demand_as_before(
    table: Table, other: Table, at: int, there: int, effects: Effects
) -> FloatArray:
    """Return ΔC where a row sells to final demand the part of its output that it did."""
    p, q, R = table.content, other.content, len(table.regions)
    if p.regions != q.regions:
        return effects.unknown()
    now = np.bincount(p.demand_codes, p.Y[at], R)
    then = np.bincount(q.demand_codes, q.Y[there], R) * (table.arrays.x[at] / other.arrays.x[there])
    change: FloatArray = effects.m[at] * (then - now)
    return change


# --- final demand as a whole ----------------------------------------------------------------


def _demand_totals(table: Table) -> tuple[dict[tuple[str, str], float], float]:
    """Return each (region, category) total relative to the region's output, and that of all."""
    p, x = table.content, table.arrays.x
    output = np.bincount(p.region_codes, np.abs(x), len(p.regions))
    totals: dict[tuple[str, str], float] = {}
    for at, value in enumerate(p.Y.sum(axis=0).tolist()):
        region = int(p.demand_codes[at])
        if output[region] > 0:
            label = p.regions[region], p.categories[p.category_codes[at]]
            totals[label] = totals.get(label, 0.0) + value / float(output[region])
    return totals, float(p.Y.sum() / output.sum()) if output.any() else 0.0


def demand_jumps(table: Table, other: Table, effects: Effects) -> Iterator[Finding]:
    """Yield categories of a region, and final demand of all, that moved relative to output."""
    if len(table.row_units.unique()) > 1 or len(other.row_units.unique()) > 1:
        return  # sums of different units say nothing
    ours, level = _demand_totals(table)
    theirs, before = _demand_totals(other)
    p = table.content
    for label in (label for label in ours if label in theirs):
        now, then = ours[label], theirs[label]
        reversed_sign = now * then < 0 and min(abs(now), abs(then)) >= REVERSED
        if not reversed_sign and not _moved(np.array(now), np.array(then), SHARE):
            continue
        region, category = label
        change = effects.unknown()
        code = p.regions.index(region)
        if now and effects.name:
            columns = (p.demand_codes == code) & (p.category_codes == p.categories.index(category))
            change = effects.nothing()
            change[code] = (then / now - 1) * float(effects.m @ p.Y[:, columns].sum(axis=1))
        message = (
            f"{region} {category}: {_percent(now)} of the region's output, in the other table "
            f"{_percent(then)}"
        )
        yield Finding("category jump", "warning", region, "", _times(now, then), message, change)
    if min(level, before) > 0 and max(level, before) > LEVEL * min(level, before):
        message = (
            f"final demand is {_percent(level)} of all output, in the other table "
            f"{_percent(before)}; is a part of it there twice, or missing?"
        )
        yield Finding("level of final demand", "warning", "", "", level / before, message)


# --- emissions ------------------------------------------------------------------------------


def emission_jumps(
    table: Table, other: Table, here: Any, there: Any, powers: dict[str, int], effects: Effects
) -> Iterator[Finding]:
    """Yield stressors, households and sectors whose emissions moved though the rest did not.

    `powers` has, for each stressor that both have, the power of ten by which all amounts moved.
    """
    q = other.content
    place = {name: at for at, name in enumerate(q.stressors)}
    for k, name in enumerate(table.stressors):
        if name not in place:
            continue
        scale, j = 10.0 ** powers.get(name, 0), place[name]
        now, then = table.arrays.F[k, here], other.arrays.F[j, there] * scale
        direct, before = _households(table, k), _households(other, j) * scale
        whole = _whole(table, k, now, then, direct, before)
        if whole is not None:
            yield whole
            continue
        yield from _household_jumps(table, other, k, direct, before, now, then, effects)
        if effects.weights[k]:
            yield from _sector_jumps(table, k, here, now, then, other.arrays.x[there], effects)


def _households(table: Table, k: int) -> FloatArray:
    p, R = table.content, len(table.regions)
    direct = np.zeros(R)
    if p.F_Y is not None:
        np.add.at(direct, p.demand_codes, p.F_Y[k])
    return direct


def _whole(
    table: Table, k: int, now: FloatArray, then: FloatArray, direct: FloatArray, before: FloatArray
) -> Finding | None:
    """Report a stressor that only one table emits, or that too few emit for a median."""
    sums = [float(np.abs(a).sum() + np.abs(b).sum()) for a, b in ((now, direct), (then, before))]
    few = np.count_nonzero((now > 0) & (then > 0)) < 3
    if not few or not bool(_moved(np.array(sums[0]), np.array(sums[1]), 0.0)):
        return None
    p = table.content
    unit = f" {p.stressor_units[k]}" if p.stressor_units[k] else ""
    message = f"{p.stressors[k]}: {sums[0]:.6g}{unit} in all, in the other table {sums[1]:.6g}"
    return Finding("stressor jump", "warning", "", "", _times(*sums), message)


def _household_jumps(
    table: Table,
    other: Table,
    k: int,
    direct: FloatArray,
    before: FloatArray,
    now: FloatArray,
    then: FloatArray,
    effects: Effects,
) -> Iterator[Finding]:
    """Report households of a region, or of all, whose emissions moved."""
    p, name = table.content, table.stressors[k]
    sums = np.array([np.abs(direct).sum(), np.abs(before).sum()])
    sectors = np.array([np.abs(now).sum(), np.abs(then).sum()])
    levels = np.divide(sums, sectors, out=np.zeros(2), where=sectors > 0)
    if levels.max() >= SHARE and levels.max() > HOUSEHOLDS * levels.min():
        message = (
            f"households emit {_percent(levels[0])} of what sectors do of {name}, in the other "
            f"table {_percent(levels[1])}"
        )
        yield Finding("level of households", "warning", "", "", _times(*levels), message)
        if not levels.min():
            return
    place = {region: at for at, region in enumerate(other.regions)}
    sizes = np.abs(table.arrays.F[k])
    emitted = np.bincount(p.region_codes, sizes, len(p.regions)) + np.abs(direct)
    for region, label in enumerate(p.regions):
        if label not in place:
            continue
        amount, was = float(direct[region]), float(before[place[label]])
        if not _moved(np.array(amount), np.array(was), SHARE * emitted[region]):
            continue
        unit = f" {p.stressor_units[k]}" if p.stressor_units[k] else ""
        message = (
            f"{label}: households emit {amount:.6g}{unit} of {name}, in the other table {was:.6g}"
        )
        change = effects.nothing()
        change[region] = effects.weights[k] * (was - amount)
        yield Finding("households jump", "warning", label, "", _times(amount, was), message, change)


def _sector_jumps(
    table: Table,
    k: int,
    here: Any,
    now: FloatArray,
    then: FloatArray,
    z: FloatArray,
    effects: Effects,
) -> Iterator[Finding]:
    """Report sectors whose emissions moved relative to their output and to the region."""
    p, x, R = table.content, table.arrays.x[here], len(table.regions)
    codes = p.region_codes[here]
    sums, before = (np.bincount(codes, np.abs(one), R)[codes] for one in (now, then))
    compared = (x > 0) & (z > 0) & (sums > 0) & (before > 0)
    share = np.divide(now, sums, out=np.zeros_like(x), where=compared)
    was = np.divide(then, before, out=np.zeros_like(x), where=compared)
    grown = np.divide(x, z, out=np.ones_like(x), where=compared)
    both = compared & (np.abs(np.log10(grown, out=np.zeros_like(x), where=grown > 0)) < 1)
    moved = both & _moved(share, was, SHARE) & _moved(share, was * grown, 0.0)
    for at in np.flatnonzero(moved).tolist():
        row = int(here[at])
        region, sector = p.regions[p.region_codes[row]], p.sectors[p.sector_codes[row]]
        unit = f" {p.stressor_units[k]}" if p.stressor_units[k] else ""
        message = (
            f"{region} {sector}: {now[at]:.6g}{unit} of {p.stressors[k]}, in the other table "
            f"{then[at]:.6g}, with outputs of {x[at]:.6g} and {z[at]:.6g}"
        )
        change = effects.unknown()
        if x[at]:
            more = then[at] / z[at] - now[at] / x[at]
            change = effects.weights[k] * more * effects.outputs[row]
        yield Finding(
            "emissions jump", "note", region, sector, _times(now[at], then[at]), message, change
        )
