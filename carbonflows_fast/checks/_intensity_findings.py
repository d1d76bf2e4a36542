"""Intensities far from those of comparable sectors, and regions without emissions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._outliers import Outlier, kinds_of, medians, outliers
from carbonflows_fast.checks._report import Finding
from carbonflows_fast.table import Table

__all__ = ["SILENT", "intensity_findings"]

SILENT = 0.2  # of the regions: if so few have no household emissions, it is a gap, not a choice

COMPARED = {
    "median": "times the median of the sector",
    "elsewhere": "times the largest of the sector in other regions",
    "region": "times the largest of the region's other sectors",
}


def intensity_findings(table: Table, effects: Effects) -> Iterator[Finding]:
    """Yield implausible intensities, and regions that emit nothing."""
    for found in outliers(table.arrays.S, table.arrays.F, table.arrays.x, table.content):
        yield _implausible(table, found, effects)
    yield from _nothing_emitted(table, effects)
    yield from _households_without_emissions(table, effects)


def _implausible(table: Table, found: Outlier, effects: Effects) -> Finding:
    """Report one intensity; the effect is that of what is usual instead."""
    p, k, at = table.content, found.stressor, found.row
    region, sector = p.regions[p.region_codes[at]], p.sectors[p.sector_codes[at]]
    unit = f"{p.stressor_units[k]} " if p.stressor_units[k] else ""
    times = found.intensity / found.usual
    message = (
        f"{region} {sector}: {found.intensity:.4g} {unit}of {p.stressors[k]} per "
        f"{p.row_units[p.row_unit_codes[at]] or 'unit of output'}, {times:,.0f} "
        f"{COMPARED[found.reference]}"
    )
    if not found.certain:
        message += f"; output {table.arrays.x[at]:.3g}, emissions {table.arrays.F[k, at]:.3g}"
    change = effects.weights[k] * (found.usual - found.intensity) * effects.outputs[at] + 0.0
    return Finding(
        "implausible intensity",
        "warning" if found.certain else "note",
        region,
        sector,
        times,
        message,
        change,
    )


def _nothing_emitted(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report regions whose sectors emit none of the stressor that footprints are about.

    The effect is that of the median intensity of every sector.
    """
    p, kinds, x = table.content, kinds_of(table.content), table.arrays.x
    if not effects.name or not (effects.s != 0).any():
        return
    usual = np.nan_to_num(medians(effects.s[None], kinds)[0][0])[kinds]
    for region, name in enumerate(p.regions):
        rows = (p.region_codes == region) & (x > 0)
        if rows.any() and not effects.s[rows].any():
            message = f"{name}: its sectors have output, but none emits {effects.name}"
            change = usual[rows] @ effects.outputs[rows]
            output = float(x[rows].sum())
            yield Finding("no emissions", "warning", name, "", output, message, change)


def _households_without_emissions(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report regions whose households emit nothing where nearly all others' do."""
    p = table.content
    if not effects.name or p.F_Y is None:
        return
    direct = np.bincount(p.demand_codes, np.abs(effects.weights @ p.F_Y), len(p.regions))
    demanding = np.bincount(p.demand_codes, np.abs(p.Y).sum(axis=0), len(p.regions)) > 0
    silent = demanding & (direct == 0)
    if not 0 < silent.sum() <= SILENT * demanding.sum():
        return
    for region in np.flatnonzero(silent).tolist():
        name = p.regions[region]
        message = f"{name}: its households emit none of {effects.name}, those of most regions do"
        yield Finding("no household emissions", "note", name, "", 0.0, message, effects.unknown())
