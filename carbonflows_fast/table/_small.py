"""Emissions per unit of output that are too small or too large for float64."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import InputError, Phrase
from carbonflows_fast.table._views import Views

__all__ = ["SMALLEST", "require_normal"]

SMALLEST = 1e-280
"""Size of a right-hand side below which products and bounds leave float64."""
LARGEST_INTENSITY = 1e200
"""Size above which sums of S x may overflow."""
SMALLEST_NORMAL = float(np.finfo(np.float64).tiny)
"""Below it float64 has fewer digits."""


def require_normal(
    table: Views, positions: Sequence[int], factors: FloatArray | None = None
) -> None:
    """Refuse stressors whose S = F / x is too small for float64 to be right to its last digit.

    No bound relative to S holds where it rounds to a few digits or to 0, and none where sums of S x
    overflow.

    Parameters
    ----------
    table : Views
        A table.
    positions : sequence of int
        Of the stressors.
    factors : ndarray, shape (len(positions),), optional
        Weights, of which the same is true.

    Raises
    ------
    InputError
        If F is not zero and S is below 2.2e-308, if all of a stressor's S are below 1e-280, or if
        one is above 1e200.
    """
    given = table.content.emissions_kind
    x = table.arrays.x
    # Where all outputs are tiny, the right-hand sides are refused, which says more.
    most = LARGEST_INTENSITY if np.abs(x).max(initial=0.0) >= SMALLEST else np.inf
    for at, position in enumerate(positions):
        s, factor = np.abs(table.arrays.S[position]), 1.0 if factors is None else abs(factors[at])
        there = (s if given == "S" else table.arrays.F[position]) != 0.0
        there &= (x != 0.0) | (given == "S")
        if factor == 0.0 or not there.any():
            continue
        s = s * factor
        least, largest = float(s[there].min()), float(s.max())
        lost = least < SMALLEST_NORMAL and (given == "F" or factor != 1.0)
        if not lost and SMALLEST <= largest <= most:
            continue
        got = least if lost else largest
        limit = f"at least {SMALLEST_NORMAL if lost else SMALLEST:.1e}, or 0"
        if got > LARGEST_INTENSITY:
            limit = f"at most {LARGEST_INTENSITY:.0e}"
        row = int(np.flatnonzero(there & (s == got))[0])
        region, sector = table.rows[row]
        raise InputError.about(
            given,
            expected=f"{'F / x' if given == 'F' else 'S'} of {limit}",
            got=f"{got:.1e} of {table.stressors[position]!r} at {region}: {sector}",
            remedy=Phrase.in_python(
                "give F, or Z and Y, in another unit, or set such values to 0, with "
                "table.with_changes(...)"
            ),
        )
