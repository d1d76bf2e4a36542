"""Emissions per unit of output that no other region's sector of that name comes near."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from carbonflows_fast._check_report import Finding
from carbonflows_fast._effects import Effects
from carbonflows_fast._parts import CodeArray, FloatArray
from carbonflows_fast.table import Table

__all__ = ["intensity_findings"]

TIMES = 1000.0  # the median of the sector across regions
FEWEST = 5  # regions in which a sector emits, for a median to mean something
MATERIAL = 1e-3  # of what the region's sectors emit
BLOCK = 16  # stressors at a time


def intensity_findings(table: Table, effects: Effects) -> Iterator[Finding]:
    """Yield intensities far above the sector's median, and regions that emit nothing."""
    kinds = _kinds(table)
    yield from _outliers(table, kinds, effects)
    yield from _nothing_emitted(table, kinds, effects)


def _kinds(table: Table) -> CodeArray:
    """Return one code per row for its sector and its unit, together."""
    p = table._parts
    pairs = p.sector_codes.astype(np.int64) * len(p.row_units) + p.row_unit_codes
    codes: CodeArray = np.unique(pairs, return_inverse=True)[1].astype(np.int32)
    return codes


def _medians(S: FloatArray, kinds: CodeArray) -> tuple[FloatArray, FloatArray]:
    """Return the median of the positive intensities of each kind, and how many there are.

    S (k, n); both (k, kinds), the median NaN where none is positive.
    """
    size = int(kinds.max(initial=-1)) + 1
    medians, counts = np.full((len(S), size), np.nan), np.zeros((len(S), size))
    order = np.argsort(kinds, kind="stable")
    bounds = np.searchsorted(kinds[order], np.arange(size + 1))
    for kind in range(size):
        rows = order[bounds[kind] : bounds[kind + 1]]
        block = np.sort(np.where(S[:, rows] > 0, S[:, rows], np.inf), axis=1)
        count = np.isfinite(block).sum(axis=1)
        some = np.flatnonzero(count)
        low, high = block[some, (count[some] - 1) // 2], block[some, count[some] // 2]
        medians[some, kind] = low / 2 + high / 2
        counts[:, kind] = count
    return medians, counts


def _outliers(table: Table, kinds: CodeArray, effects: Effects) -> Iterator[Finding]:
    """Report intensities of 1000 times the median; the effect is that of the median instead."""
    p, S, F = table._parts, table._S, table._F
    for first in range(0, len(S), BLOCK):
        here = slice(first, first + BLOCK)
        medians, counts = _medians(S[here], kinds)
        usual = np.where(counts >= FEWEST, medians, np.inf)[:, kinds]
        by_region = np.stack([
            np.bincount(p.region_codes, np.maximum(row, 0.0), len(p.regions)) for row in F[here]
        ])  # fmt: skip
        large = F[here] >= MATERIAL * by_region[:, p.region_codes]
        for k, at in np.argwhere((S[here] > TIMES * usual) & large).tolist():
            intensity, median = float(S[first + k, at]), float(usual[k, at])
            region, sector = p.regions[p.region_codes[at]], p.sectors[p.sector_codes[at]]
            name, unit = p.stressors[first + k], p.stressor_units[first + k]
            per = p.row_units[p.row_unit_codes[at]]
            message = (
                f"{region} {sector}: {intensity:.4g} {f'{unit} ' if unit else ''}of {name} per "
                f"{per or 'unit of output'}, {intensity / median:,.0f} times the median of the "
                "sector"
            )
            change = effects.weights[first + k] * (median - intensity) * effects.outputs[at]
            yield Finding("implausible intensity", "warning", region, sector, intensity / median,
                          message, change)  # fmt: skip


def _nothing_emitted(table: Table, kinds: CodeArray, effects: Effects) -> Iterator[Finding]:
    """Report regions whose sectors emit none of the stressor that footprints are about.

    The effect is that of the median intensity of every sector.
    """
    p = table._parts
    if not effects.name or not (effects.s != 0).any():
        return
    usual = np.nan_to_num(_medians(effects.s[None], kinds)[0][0])[kinds]
    for region, name in enumerate(p.regions):
        rows = (p.region_codes == region) & (table._x > 0)
        if rows.any() and not effects.s[rows].any():
            message = f"{name}: its sectors have output, but none emits {effects.name}"
            change = usual[rows] @ effects.outputs[rows]
            yield Finding("no emissions", "warning", name, "", float(table._x[rows].sum()), message,
                          change)  # fmt: skip
