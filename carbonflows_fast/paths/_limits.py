"""The limits of a path search (top, threshold, share, coverage), checked once."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast.errors import InputError

__all__ = ["MOST_PATHS", "SearchLimits", "search_limits"]

MOST_PATHS = 10_000_000
"""Paths that a search may find where the caller sets no limit."""

MOST_WANTED = 100_000_000
LARGEST = float(np.finfo(np.float64).max)
MODES = ("top", "threshold", "min_share", "coverage")


@dataclass(frozen=True, slots=True)
class SearchLimits:
    """One of four ways to say how much, and two limits; what was not asked for is None."""

    top: int | None
    threshold: float | None
    min_share: float | None
    coverage: float | None
    max_paths: int | None
    max_stage: int | None

    @property
    def mode(self) -> str:
        """The argument that says how much."""
        return next(name for name in MODES if getattr(self, name) is not None)

    @property
    def most(self) -> int | None:
        """The most paths to return, None for no limit but the memory's."""
        limits = [limit for limit in (self.top, self.max_paths) if limit is not None]
        return min(limits, default=None)


def search_limits(
    top: Any,
    threshold: Any,
    min_share: Any,
    coverage: Any,
    max_paths: Any,
    max_stage: Any,
    modes: tuple[str, ...] = MODES,
) -> SearchLimits:
    """Check the arguments; without any of `modes`, the top 1,000 are wanted.

    Raises
    ------
    InputError
        If two of the modes are given, or one has a value it cannot have.
    """
    values = (top, threshold, min_share, coverage)
    given = [name for name, value in zip(MODES, values) if value is not None]
    if len(given) > 1:
        raise InputError.about(
            given[1],
            expected=f"only one of {', '.join(modes)}",
            got=f"{given[0]} as well",
            remedy="leave all but one out; max_paths limits each of them",
        )
    if not given:
        top = 1000
    return SearchLimits(
        top=_whole("top", top, 1),
        threshold=_real("threshold", threshold, "a positive number", lambda x: 0 < x < math.inf),
        min_share=_real("min_share", min_share, "a share in (0, 1]", lambda x: 0 < x <= 1),
        coverage=_real("coverage", coverage, "a share above 0, below 1", lambda x: 0 < x < 1),
        max_paths=_whole("max_paths", max_paths, 1),
        max_stage=_whole("max_stage", max_stage, 0),
    )


def _whole(name: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or not least <= value <= MOST_WANTED:
        raise InputError.about(
            name,
            expected=f"a whole number from {least:,} to {MOST_WANTED:,}",
            got=repr(value),
            remedy="leave it out for the default",
        )
    return int(value)


def _real(name: str, value: Any, expected: str, fits: Any) -> float | None:
    if value is None:
        return None
    real = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    if not real or not fits(value) or value > LARGEST:
        nothing = real and value == 0
        remedy = "there is no end to all paths" if nothing else "leave it out for the top 1,000"
        raise InputError.about(name, expected=expected, got=repr(value), remedy=remedy)
    return float(value)
