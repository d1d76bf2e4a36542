"""How alike the own errors of a cell are in two years."""

from __future__ import annotations

from typing import Any

from carbonflows_fast._base.arguments import real
from carbonflows_fast.errors import InputError, Phrase
from carbonflows_fast.uncertainties._error_model._forms import got_of

__all__ = ["checked_correlation", "require_drawable", "require_draws"]

REMEDY = "leave it out for errors that are independent"


def checked_correlation(given: Any) -> float:
    """Return a correlation from 0 to 1."""
    rho = real(given)
    if not 0.0 <= rho <= 1.0:
        raise InputError.about(
            "correlation", expected="a number from 0 to 1", got=got_of(given), remedy=REMEDY
        )
    return rho


def require_draws(rho: float) -> None:
    """Refuse a correlation where one table is asked about without draws: it changes nothing."""
    if rho != 0.0:
        raise InputError.about(
            "correlation",
            expected="draws",
            got="none",
            remedy=Phrase(
                "add e.g. draws=50, or ask for a difference",
                ("add e.g. ", "draws", " 50, or ask for a difference"),
            ),
        )


def require_drawable(rho: float, distribution: str, year: int | None) -> None:
    """Refuse a correlation that no draw can have.

    The product of two lognormal factors, one common to all years, is lognormal again; for the
    other distributions that is not so.
    """
    if rho in (0.0, 1.0):
        return
    if distribution != "lognormal":
        raise InputError.about(
            "correlation",
            expected=f"0 or 1 for draws of a {distribution} distribution",
            got=f"{rho:g}",
            remedy='use distribution="lognormal", which takes any',
        )
    if year is None:
        raise InputError.about(
            "correlation",
            expected="a table with a year",
            got="one without",
            remedy="set it: table.with_changes(year=…), or leave correlation out",
        )
