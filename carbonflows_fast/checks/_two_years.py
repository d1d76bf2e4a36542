"""Two tables side by side, usually two years: units that changed, regions and rows that jumped."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.checks._differences import copied_numbers, label_differences, population_jumps
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._report import Finding, Severity
from carbonflows_fast.checks._sales_jumps import demand_jumps, emission_jumps, sales_jumps
from carbonflows_fast.errors import CarbonFlowsError, Phrase
from carbonflows_fast.table import Table

__all__ = ["jumps"]

POWER = 2  # a median, or a region, that changed by 10² or more has not grown
NEAR = 0.3  # how far, in powers of ten, growth may have moved it in addition
FEWEST = 3  # rows for a median to mean something
JUMP = 3.0  # of one output, in powers of ten, relative to the table's
MATERIAL = 1e-4  # of the region's output, of the world's emissions
GONE = 1e-3  # of the world's emissions, for a region that emits nothing in one of the tables


def jumps(table: Table, other: Table, effects: Effects) -> Iterator[Finding]:
    """Yield what differs between two tables beyond what time explains.

    Only rows of one label, and stressors of one name, are compared.
    """
    yield from label_differences(table, other)
    yield from population_jumps(table, other, effects)
    here, there = _common(table.rows, other.rows)
    if not len(here):
        yield Finding(
            "other table",
            "warning",
            "",
            "",
            0.0,
            "no row has a label of the other table; nothing is compared",
        )
        return
    left = table.n - len(here), other.n - len(there)
    if any(left):
        message = (
            f"{left[0]} rows of this table and {left[1]} of the other have no like, or their "
            "label twice; they are not compared"
        )
        yield Finding("other table", "note", "", "", float(sum(left)), message)
    try:
        powers: dict[str, int] = {}
        yield from _stressors(table, other, here, there, effects, powers)
        yield from _outputs(table, other, here, there, effects)
        yield from sales_jumps(table, other, here, there, effects)
        yield from demand_jumps(table, other, effects)
        yield from emission_jumps(table, other, here, there, powers, effects)
        yield from copied_numbers(table, other, effects)
    except CarbonFlowsError as error:  # x was not given, and one of the two cannot be solved
        yield Finding("other table", "error", "", "", 1.0, Phrase.of("cannot be compared: ", error))


def _common(rows: Any, others: Any) -> tuple[Any, Any]:
    """Return the positions, in either table, of the labels that both have exactly once."""
    unique = np.flatnonzero(~rows.duplicated(keep=False))
    other_unique = np.flatnonzero(~others.duplicated(keep=False))
    at = others[other_unique].get_indexer(rows[unique])
    return unique[at >= 0], other_unique[at[at >= 0]]


def _power(numbers: FloatArray, others: FloatArray) -> int:
    """Return k if the median of positive numbers moved to 10^k of what it was, else 0.

    Powers that float64 does not reach are 0 as well.
    """
    both = (numbers > 0) & (others > 0)
    if both.sum() < FEWEST:
        return 0
    median = float(np.median(np.log10(numbers[both]) - np.log10(others[both])))
    power = round(median)
    return power if POWER <= abs(power) <= 300 and abs(median - power) <= NEAR else 0


def _times(power: int) -> str:
    return f"about 10^{power} times those of the other table"


def _stressors(
    table: Table, other: Table, here: Any, there: Any, effects: Effects, powers: dict[str, int]
) -> Iterator[Finding]:
    """Compare the amounts of each stressor, not its intensities, which move with money as well.

    Enters the power of ten by which all amounts moved in `powers`.
    """
    F, G = table.arrays.F, other.arrays.F
    position = {name: at for at, name in enumerate(other.stressors)}
    for k, name in enumerate(table.stressors):
        if name not in position:
            continue
        now, then = F[k, here], G[position[name], there]
        power = powers[name] = _power(now, then)
        unit = other.content.stressor_units[position[name]]
        yield from _units(table, k, unit, power, effects)
        yield from _regions(table, k, here, now, then * 10.0**power, effects)


def _units(table: Table, k: int, other: str, power: int, effects: Effects) -> Iterator[Finding]:
    """Report a stressor in another unit or size; the effect is that of taking the power out.

    A footprint is only wrong where the amounts moved and the unit did not.
    """
    unit = table.content.stressor_units[k]
    if unit == other and not power:
        return
    # A different unit with matching amounts is one change, and no mistake. A different unit alone
    # is a mistake, but it is unknown in which table.
    texts = [_unit_change(unit, other)] if unit != other else []
    severity: Severity = "note" if texts and power else "warning"
    change = effects.nothing() if texts else (10.0**-power - 1) * _part(table, k, effects)
    if texts and not power:
        change = effects.unknown()
    if power:
        texts.append(f"amounts are {_times(power)}")
    yield Finding(
        "unit of a stressor",
        severity,
        "",
        "",
        10.0**power,
        f"{table.stressors[k]}: {'; '.join(texts)}",
        change,
    )


def _regions(
    table: Table, k: int, here: Any, now: FloatArray, then: FloatArray, effects: Effects
) -> Iterator[Finding]:
    """Report regions whose emissions moved by 100 or more, the power of all taken out.

    The effect is that of bringing all that the region's sectors emit back.
    """
    p, size = table.content, len(table.regions)
    codes = p.region_codes[here]
    totals, before = np.bincount(codes, now, size), np.bincount(codes, then, size)
    small, large = np.minimum(totals, before), np.maximum(totals, before)
    world = np.maximum(np.abs(totals), np.abs(before)).sum()  # sinks count like sources
    # A region without emissions in one of the tables: only if they matter for the world.
    least = np.where(small == 0, GONE, MATERIAL) * world
    moved = (small >= 0) & (small * 10.0**POWER <= large) & (large > least)
    for region in np.flatnonzero(moved).tolist():
        name, unit = p.regions[region], p.stressor_units[k]
        times = float(totals[region] / before[region]) if before[region] else math.inf
        message = (
            f"{name}: its sectors emit {totals[region]:.6g}{f' {unit}' if unit else ''} of "
            f"{p.stressors[k]}, "
        )
        if small[region]:
            message += f"{times:,.6g} times what they do in the other table"
        else:
            message += f"in the other table {before[region]:.6g}"
        change = effects.unknown()
        if effects.name and times:
            rows = p.region_codes == region
            change = table.arrays.S[k, rows] @ effects.outputs[rows]
            change = effects.weights[k] * (1 / times - 1) * change
        yield Finding("region of a stressor", "warning", name, "", times, message, change)


def _unit_change(unit: str, other: str) -> str:
    return f"in {unit or '(no unit)'}, in the other table in {other or '(no unit)'}"


def _part(table: Table, k: int, effects: Effects) -> FloatArray:
    """Return what one stressor of the table contributes to every footprint, shape (R,)."""
    p, weight = table.content, float(effects.weights[k])
    if not weight or not effects.name:
        return effects.nothing()
    share: FloatArray = table.arrays.S[k] @ effects.outputs
    if p.F_Y is not None:
        share = share + np.bincount(p.demand_codes, p.F_Y[k], len(p.regions))
    return weight * share


def _outputs(
    table: Table, other: Table, here: Any, there: Any, effects: Effects
) -> Iterator[Finding]:
    """Report rows in another unit, and outputs that jumped against those of the other rows.

    The effect of a jump is that of taking it back in all that is bought of the row.
    """
    p, q = table.content, other.content
    x, before = table.arrays.x[here], other.arrays.x[there]
    power = _power(x, before)
    units = [
        (p.row_units[a], q.row_units[b])
        for a, b in zip(p.row_unit_codes[here], q.row_unit_codes[there], strict=True)
    ]
    changed = {pair: units.count(pair) for pair in dict.fromkeys(units) if pair[0] != pair[1]}
    texts = [f"{count} rows {_unit_change(*pair)}" for pair, count in changed.items()]
    if power:
        texts.append(f"outputs are {_times(power)}")
    if texts:
        yield Finding(
            "unit of rows", "warning", "", "", 10.0**power, "; ".join(texts), effects.nothing()
        )

    before = before * 10.0**power
    size = np.maximum(np.abs(x), np.abs(before))
    regions = p.region_codes[here]
    of_region = np.bincount(regions, size, len(p.regions))[regions]
    small = np.minimum(np.abs(x), np.abs(before))
    jumped = (size > MATERIAL * of_region) & (small * 10.0**JUMP <= size)
    for position in np.flatnonzero(jumped).tolist():
        at = int(here[position])
        region, sector = p.regions[p.region_codes[at]], p.sectors[p.sector_codes[at]]
        now, then = float(x[position]), float(before[position])
        unit = p.row_units[p.row_unit_codes[at]]
        change = (then / now - 1) * effects.m[at] * effects.outputs[at] if now else None
        yield Finding(
            "output jump",
            "warning",
            region,
            sector,
            now / then if then else math.inf,
            f"{region} {sector}: output is {now:.6g}, in the other table {then:.6g}"
            f"{f' {unit}' if unit else ''}",
            change,
        )
