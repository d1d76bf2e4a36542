"""The limits of a path search (top, threshold, share, coverage), checked once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import Any

from carbonflows_fast._base.arguments import positive, share, whole
from carbonflows_fast.errors import InputError

__all__ = ["MOST_PATHS", "SearchLimits", "search_limits"]

MOST_PATHS = 10_000_000
"""Paths that a search may find where the caller sets no limit."""

MOST_WANTED = 100_000_000
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
        top=_limit("top", top, 1),
        threshold=_size(partial(positive, infinite=False), "threshold", threshold),
        min_share=_size(partial(share, all_of_it=True), "min_share", min_share),
        coverage=_size(share, "coverage", coverage),
        max_paths=_limit("max_paths", max_paths, 1),
        max_stage=_limit("max_stage", max_stage, 0),
    )


def _limit(argument: str, value: Any, least: int) -> int | None:
    if value is None:
        return None
    return whole(argument, value, least, MOST_WANTED, remedy="leave it out for the default")


def _size(check: Callable[..., float], argument: str, value: Any) -> float | None:
    nothing = isinstance(value, Real) and value == 0
    remedy = "there is no end to all paths" if nothing else "leave it out for the top 1,000"
    return None if value is None else check(argument, value, remedy=remedy)
