"""The checks of one table: unusual numbers, their place, size and effect.

The findings are those that published tables are known for: zero and negative outputs, negative
inventory changes, columns of A that add up to 1 or more, rows that do not balance. Each finding has
the change of every region's footprint that its repair would make, by `_footprint_effects`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._intensity_findings import intensity_findings
from carbonflows_fast.checks._label_findings import label_findings
from carbonflows_fast.checks._measures import (
    column_totals,
    full_columns,
    handed_on,
    repeated,
    room_for_inputs,
    unbalanced,
)
from carbonflows_fast.checks._negative_findings import (
    negative_emissions,
    negative_matrices,
    without_deliveries,
)
from carbonflows_fast.checks._pattern_findings import pattern_findings
from carbonflows_fast.checks._report import Finding
from carbonflows_fast.errors import CarbonFlowsError, InputError, NotProductiveError, Phrase
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._right_hand_sides import check_size
from carbonflows_fast.table import Table
from carbonflows_fast.table._selection import select_demand

__all__ = ["findings_of"]

# If the whole table is further off than this, its parts come from different tables.
BALANCE_TOTAL = 0.01
# Outputs and columns: primary inputs are rounded more, and often estimated separately.
COLUMN_BALANCE = 1e-3
PRIMARY = ("primary inputs", "factor_inputs")  # the extensions that hold them
MENDED_SUM = 0.99  # the repair of a full column scales inputs down to this
CANCELLED = 0.1  # of a row's gross deliveries: if less is left, no effect is estimated
OTHERS = 3  # sectors of the same name elsewhere, as a reference


class _Looked:
    """A table with what several checks need."""

    def __init__(self, table: Table, effects: Effects) -> None:
        self.table, self.effects = table, effects
        self.parts, self.x, self.Z = table.content, table.arrays.x, table.Z

    @cached_property
    def bought(self) -> FloatArray:
        """Emissions of all that each sector buys, m'Z, shape (n,)."""
        return np.asarray(self.effects.m @ self.Z)

    @cached_property
    def embodied(self) -> FloatArray:
        """Emissions of each sector and of all that it buys, shape (n,): m x where x ≠ 0."""
        return self.effects.embodied(self.table)


def findings_of(table: Table, effects: Effects) -> Iterator[Finding]:
    """Yield the findings of a table, check by check."""
    yield from label_findings(table)
    yield from _duplicates(table, effects)
    yield from _empty(table, effects)
    yield from _magnitude(table)
    try:
        A = table.A
    except CarbonFlowsError as error:  # an output too small to divide by
        yield Finding("output", "error", "", "", 1.0, Phrase.of(error))
        return
    yield from negative_matrices(table, A, effects)
    yield from negative_emissions(table, effects)
    yield from _column_sums(table, A, effects)
    try:
        system(table).require_productive()
    except NotProductiveError as error:
        yield Finding("not productive", "error", "", "", 1.0, Phrase.of(error))
    try:
        looked = _Looked(table, effects)
    except CarbonFlowsError as error:  # x was not given, and the table cannot be solved
        yield Finding("output", "error", "", "", 1.0, Phrase.of("x cannot be solved: ", error))
        return
    yield from _outputs(looked)
    yield from _without_output(looked)
    yield from _without_inputs(looked)
    yield from _balance(looked)
    yield from _column_balance(looked)
    yield from pattern_findings(table, effects)
    try:
        yield from intensity_findings(table, effects)
    except CarbonFlowsError as error:  # emissions too large for the output they are divided by
        yield Finding("output", "error", "", "", 1.0, Phrase.of(error))


def _row(table: Table, at: int) -> tuple[str, str]:
    parts = table.content
    return parts.regions[parts.region_codes[at]], parts.sectors[parts.sector_codes[at]]


def _unit(table: Table, at: int) -> str:
    parts = table.content
    unit = parts.row_units[parts.row_unit_codes[at]]
    return f" {unit}" if unit else ""


# --- labels and empty places ----------------------------------------------------------------


def _duplicates(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report labels that are there twice; the effect is that of adding their rows up."""
    p = table.content
    for at, count in repeated(p.region_codes, p.sector_codes):
        region, sector = _row(table, at)
        rows = np.flatnonzero(
            (p.region_codes == p.region_codes[at]) & (p.sector_codes == p.sector_codes[at])
        )
        m, outputs = effects.m[rows], effects.outputs[rows]
        called = outputs.sum(axis=1)
        total, gross = float(called.sum()), float(np.abs(called).sum())
        mean = float(m @ called) / total if total else 0.0
        change = (mean - m) @ outputs
        if abs(total) < CANCELLED * gross:  # far beyond the first order
            change = effects.unknown()
        message = f"{region} {sector}: {count} rows; table.aggregate() adds them up"
        message = Phrase(message, f"{message} in Python, or carbonflows-fast repair --duplicates")
        yield Finding("duplicate row", "warning", region, sector, float(count), message, change)
    for at, count in repeated(p.demand_codes, p.category_codes):
        region, category = table.demand[at]
        message = f"{region} {category}: {count} columns of final demand"
        yield Finding(
            "duplicate demand column", "note", region, "", float(count), message, effects.nothing()
        )


def _empty(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report regions that demand nothing or have no rows, and stressors that nobody emits."""
    p = table.content
    for name in p.regions[len(np.unique(p.region_codes)) :]:
        message = f"{name}: final demand without rows, so it consumes, and produces nothing"
        yield Finding("no rows", "note", name, "", 0.0, message, effects.nothing())
    demanding = np.bincount(p.demand_codes, np.abs(p.Y).sum(axis=0), len(p.regions))
    for region in np.flatnonzero(demanding == 0).tolist():
        name = p.regions[region]
        message = f"{name}: no final demand, so no footprint but that of its households"
        yield Finding("no final demand", "note", name, "", 0.0, message)
    emitted = (p.emissions != 0).any(axis=1)
    if p.F_Y is not None:
        emitted |= (p.F_Y != 0).any(axis=1)
    for k in np.flatnonzero(~emitted).tolist():
        yield Finding(
            "zero stressor",
            "note",
            "",
            "",
            0.0,
            f"{p.stressors[k]}: zero everywhere",
            effects.nothing(),
        )


def _magnitude(table: Table) -> Iterator[Finding]:
    """Report final demand so large or small that no account of it can be solved for."""
    try:
        check_size("Y", select_demand(table, None).values)
    except InputError as error:
        yield Finding("magnitude", "error", "", "", 1.0, Phrase.of(error))


# --- columns of A ---------------------------------------------------------------------------


def _column_sums(table: Table, A: Any, effects: Effects) -> Iterator[Finding]:
    """Report columns of A that add up to 1 or more: inputs worth the output, or more.

    The effect is that of moving what is above 0.99 to where the region has room below that.
    """
    parts = table.content
    if len(parts.row_units) > 1:
        return  # a sum of different units says nothing
    sums = column_totals(A)
    full = full_columns(sums)
    full = full[~handed_on(A, parts.Y, sums)[full]]
    for at in full.tolist():
        region, sector = _row(table, at)
        worth = f"{sums[at]:.6g}"
        worth = "its whole output" if worth == "1" else f"{worth} times its output"
        message = f"{region} {sector}: inputs are worth {worth}"
        change = effects.unknown()
        if effects.name:  # and x is known
            room = room_for_inputs(table.arrays.x, sums * table.arrays.x, full, MENDED_SUM)
            change = _bought_elsewhere(table, at, 1 - MENDED_SUM / sums[at], room, effects)
        yield Finding("column sum", "warning", region, sector, float(sums[at]), message, change)


def _bought_elsewhere(
    table: Table, at: int, part: float, room: FloatArray, effects: Effects
) -> FloatArray:
    """Return ΔC where sectors with room buy a part of what another of their region buys."""
    codes = table.content.region_codes
    rows = np.flatnonzero((codes == codes[at]) & (room > 0))
    if not len(rows):
        return effects.unknown()
    less = part * (effects.m[at] - effects.s[at]) * effects.outputs[at]
    shares = room[rows] / room[rows].sum() / table.arrays.x[rows]
    change: FloatArray = less.sum() * (shares @ effects.outputs[rows]) - less
    return change


def _column_balance(looked: _Looked) -> Iterator[Finding]:
    """Compare x with what a sector buys and its primary inputs, where the table has them."""
    table, p, x = looked.table, looked.parts, looked.x
    if len(p.row_units) > 1:
        return
    rows = [
        k
        for k, (name, unit) in enumerate(zip(p.extensions, p.stressor_units, strict=True))
        if name in PRIMARY and unit == p.row_units[0]
    ]
    if not rows:
        return
    paid = column_totals(looked.Z) + table.arrays.F[rows].sum(axis=0)
    scale = np.maximum(np.abs(x), np.abs(paid))
    relative = np.divide(np.abs(x - paid), scale, out=np.zeros_like(x), where=scale > 0)
    for at in np.flatnonzero(relative > COLUMN_BALANCE).tolist():
        region, sector = _row(table, at)
        message = (
            f"{region} {sector}: output {x[at]:.10g}, but inputs and primary inputs of "
            f"{paid[at]:.10g}{_unit(table, at)} ({relative[at]:.2g} of it)"
        )
        # Its repair changes primary inputs, which affect no footprint.
        yield Finding(
            "column balance",
            "warning",
            region,
            sector,
            float(relative[at]),
            message,
            looked.effects.nothing(),
        )


# --- outputs --------------------------------------------------------------------------------


def _outputs(looked: _Looked) -> Iterator[Finding]:
    table, x, effects = looked.table, looked.x, looked.effects
    for at in np.flatnonzero(x < 0).tolist():
        region, sector = _row(table, at)
        message = f"{region} {sector}: output is {x[at]:.6g}{_unit(table, at)}"
        yield Finding(
            "negative output",
            "warning",
            region,
            sector,
            float(x[at]),
            message,
            _deliveries_kept(looked, at),
        )
    for at in np.flatnonzero(x == 0).tolist():
        region, sector = _row(table, at)
        yield Finding(
            "zero output",
            "note",
            region,
            sector,
            0.0,
            f"{region} {sector}: no output",
            effects.nothing(),
        )


def _deliveries_kept(looked: _Looked, at: int) -> FloatArray:
    """Return ΔC if a row loses its negative deliveries and its output is the rest."""
    Z, Y = looked.Z[[at]], looked.parts.Y[[at]]
    output = np.array([Z.maximum(0.0).sum() + np.maximum(Y, 0.0).sum()])
    return without_deliveries(
        looked.table, looked.effects, [at], Z.minimum(0.0), np.minimum(Y, 0.0), output
    )


def _without_output(looked: _Looked) -> Iterator[Finding]:
    """Report sectors without output that buy or emit: no intensity can say so.

    The effect is that of giving it to the sectors of the region, in proportion to their output.
    """
    table, parts, effects = looked.table, looked.parts, looked.effects
    zero = np.flatnonzero(looked.x == 0)
    if not len(zero):
        return
    if parts.kind == "Z":
        bought = column_totals(abs(looked.Z))
        for at in zero[bought[zero] > 0].tolist():
            region, sector = _row(table, at)
            message = f"{region} {sector}: buys {bought[at]:.6g}, but has no output"
            change = effects.spread(parts.region_codes[at], float(looked.bought[at]))
            yield Finding(
                "purchases without output",
                "warning",
                region,
                sector,
                float(bought[at]),
                message,
                change,
            )
    if parts.emissions_kind == "F":
        for k, position in np.argwhere(parts.emissions[:, zero] != 0).tolist():
            at = int(zero[position])
            region, sector = _row(table, at)
            value = float(parts.emissions[k, at])
            unit = f" {parts.stressor_units[k]}" if parts.stressor_units[k] else ""
            message = (
                f"{region} {sector}: {value:.6g}{unit} of {parts.stressors[k]}, but no output; "
                "no account by consumption holds it"
            )
            weight = float(effects.weights[k])
            change = effects.spread(parts.region_codes[at], weight * value)
            if weight == 0:  # also if the region has no output
                change = effects.nothing()
            yield Finding(
                "emissions without output", "warning", region, sector, value, message, change
            )


def _without_inputs(looked: _Looked) -> Iterator[Finding]:
    """Report sectors that others buy from, and that buy nothing themselves.

    The effect is that of the median multiplier of the sector elsewhere.
    """
    table, p, effects, Z = looked.table, looked.parts, looked.effects, looked.Z
    buying = column_totals(abs(Z)) > 0
    selling = np.diff(Z.indptr) > 0
    for at in np.flatnonzero((looked.x > 0) & selling & ~buying).tolist():
        region, sector = _row(table, at)
        same = (p.sector_codes == p.sector_codes[at]) & buying & (looked.x > 0)
        usual = np.median(effects.m[same]) if same.sum() >= OTHERS else float("nan")
        message = f"{region} {sector}: others buy from it, but it buys nothing"
        yield Finding(
            "no inputs",
            "note",
            region,
            sector,
            float(looked.x[at]),
            message,
            (usual - effects.m[at]) * effects.outputs[at],
        )


def _balance(looked: _Looked) -> Iterator[Finding]:
    """Compare x with Z·1 + Y·1, row by row and in all; the effect is that of x being the sum."""
    table, x, effects = looked.table, looked.x, looked.effects
    rows, delivered, relative = unbalanced(looked.Z, looked.parts.Y, x)
    gross = column_totals(np.abs(looked.Z[rows]).T) + np.abs(looked.parts.Y[rows]).sum(axis=1)
    for at, size in zip(rows.tolist(), gross.tolist(), strict=True):
        region, sector = _row(table, at)
        message = (
            f"{region} {sector}: output {x[at]:.10g}, but {delivered[at]:.10g}"
            f"{_unit(table, at)} delivered ({relative[at]:.2g} of it)"
        )
        repaired = looked.embodied[at] / delivered[at] if delivered[at] else 0.0
        change = (repaired - effects.m[at]) * effects.outputs[at]
        if 0 < abs(delivered[at]) < CANCELLED * size:  # far beyond the first order
            change = effects.unknown()
        yield Finding("balance", "warning", region, sector, float(relative[at]), message, change)
    scale = np.maximum(np.abs(x), np.abs(delivered)).sum()
    total = float(np.abs(x - delivered).sum() / scale) if scale else 0.0
    if total > BALANCE_TOTAL:
        message = (
            f"outputs and deliveries differ by {total:.2g} in all; do Z, Y and x belong to one "
            "table?"
        )
        yield Finding("balance of the table", "error", "", "", total, message)
