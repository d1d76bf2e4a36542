"""Intensities far from those of comparable sectors: what `check` reports and `repair` fixes.

k stressors, n rows. A kind is a sector with its unit, across regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast.table._content import Parts

__all__ = [
    "FEWEST",
    "MATERIAL",
    "NEAR",
    "NOTED",
    "TIMES",
    "Outlier",
    "kinds_of",
    "medians",
    "outliers",
]

TIMES = 1000.0  # the median of the sector across regions
FEWEST = 5  # regions in which a sector emits, for a median to mean something
MATERIAL = 1e-3  # of what the region's sectors emit
# Less certain: below MATERIAL, or with fewer regions, where the largest elsewhere is compared.
NOTED = 1e4
NEAR = 100.0  # times the largest other intensity of the region, which a note must also exceed
TINY = 1e-6  # of a region's output: sectors this small are no measure for others
BLOCK = 16  # stressors at a time

Reference = Literal["median", "elsewhere", "region"]


class Outlier(NamedTuple):
    """One implausible intensity."""

    stressor: int
    row: int
    intensity: float
    usual: float
    """What it is compared with."""
    reference: Reference
    """The sector's median, its largest elsewhere, or the region's largest other intensity."""
    certain: bool


def kinds_of(p: Parts) -> CodeArray:
    """Return one code per row for its sector and its unit, together."""
    pairs = p.sector_codes.astype(np.int64) * len(p.row_units) + p.row_unit_codes
    codes: CodeArray = np.unique(pairs, return_inverse=True)[1].astype(np.int32)
    return codes


def _sorted_kinds(S: FloatArray, kinds: CodeArray) -> Iterator[tuple[int, FloatArray, FloatArray]]:
    """Yield each kind, its positive intensities sorted (k, rows), inf last, and how many."""
    order = np.argsort(kinds, kind="stable")
    bounds = np.searchsorted(kinds[order], np.arange(int(kinds.max(initial=-1)) + 2))
    for kind, (first, last) in enumerate(pairwise(bounds)):
        rows = order[first:last]
        block = np.sort(np.where(S[:, rows] > 0, S[:, rows], np.inf), axis=1)
        yield kind, block, np.isfinite(block).sum(axis=1)


def medians(S: FloatArray, kinds: CodeArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return what is usual for each kind.

    Returns
    -------
    middle, second, counts : ndarray, shape (k, kinds)
        The median and the second largest of the positive intensities, NaN where there is none, and
        how many there are.
    """
    size = int(kinds.max(initial=-1)) + 1
    middle, second = np.full((len(S), size), np.nan), np.full((len(S), size), np.nan)
    counts = np.zeros((len(S), size))
    for kind, block, count in _sorted_kinds(S, kinds):
        some, several = np.flatnonzero(count), np.flatnonzero(count > 1)
        low, high = block[some, (count[some] - 1) // 2], block[some, count[some] // 2]
        middle[some, kind] = low / 2 + high / 2
        second[several, kind] = block[several, count[several] - 2]
        counts[:, kind] = count
    return middle, second, counts


def _others_of_region(S: FloatArray, x: FloatArray, p: Parts) -> FloatArray:
    """Return, (k, n), the largest intensity of the region's other sectors of the same unit.

    Sectors with next to no output do not count. NaN where no other emits.
    """
    groups = p.region_codes.astype(np.int64) * len(p.row_units) + p.row_unit_codes
    output = np.bincount(groups, np.abs(x))[groups]
    others = np.full(S.shape, np.nan)
    for group in np.unique(groups).tolist():
        rows = np.flatnonzero(groups == group)
        block = np.where((np.abs(x) >= TINY * output)[rows] & (S[:, rows] > 0), S[:, rows], 0.0)
        order = np.sort(block, axis=1)
        second = order[:, -2] if len(rows) > 1 else np.zeros(len(S))
        best = np.where(block == order[:, -1:], second[:, None], order[:, -1:])
        others[:, rows] = np.where(best > 0, best, np.nan)
    return others


def outliers(S: FloatArray, F: FloatArray, x: FloatArray, p: Parts) -> Iterator[Outlier]:
    """Yield intensities that are implausible.

    Certain are those above TIMES the median of the sector, where FEWEST regions emit it, in a
    sector that emits MATERIAL of its region's total. The others must exceed NOTED times the median
    (or with fewer regions the largest elsewhere), and NEAR times the largest other intensity of
    their region; a sector that only one region has, NOTED times the latter.
    """
    kinds = kinds_of(p)
    for first in range(0, len(S), BLOCK):
        here = slice(first, first + BLOCK)
        middle, second, counts = (one[:, kinds] for one in medians(S[here], kinds))
        by_region = np.stack(
            [np.bincount(p.region_codes, np.maximum(row, 0.0), len(p.regions)) for row in F[here]]
        )
        large = F[here] >= MATERIAL * by_region[:, p.region_codes]
        others = _others_of_region(S[here], x, p)
        many, alone = counts >= FEWEST, counts <= 1
        usual = np.where(many, middle, np.where(alone, others, second))
        certain = many & large & (S[here] > TIMES * middle)
        nothing_near = alone | (S[here] > NEAR * others)
        noted = (S[here] > NOTED * usual) & nothing_near & ~certain
        for k, at in np.argwhere(certain | noted).tolist():
            reference: Reference = "elsewhere"
            if many[k, at] or alone[k, at]:
                reference = "median" if many[k, at] else "region"
            yield Outlier(
                first + k,
                at,
                float(S[first + k, at]),
                float(usual[k, at]),
                reference,
                bool(certain[k, at]),
            )
