"""What is asked of a panel about errors, checked before anything is started."""

from __future__ import annotations

import pickle
from typing import Any

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties import Errors
from carbonflows_fast.uncertainties._correlation import checked_correlation, require_drawable
from carbonflows_fast.uncertainties._drawing._draw_all import DrawsWanted
from carbonflows_fast.uncertainties._uncertainty import checked_question

__all__ = ["checked"]

HEAVIEST = 16_000_000
"""Bytes of errors that are sent with every task."""


def checked(
    stressor: Any, errors: Any, of: Any, draws: Any, seed: Any, correlation: Any
) -> tuple[Errors, dict[str, Any], int | None]:
    """Return errors, options of the question, and the number of draws.

    Raises
    ------
    InputError
        If one cannot be, or the errors are too large to be sent to workers.
    """
    one_of("of", of, ("accounts", "flows"), remedy="leave it out for accounts")
    errors = checked_question(of, stressor, errors)
    wanted, rho = DrawsWanted.checked(draws, seed, None, None), checked_correlation(correlation)
    size = len(pickle.dumps(errors))
    if size > HEAVIEST:
        raise InputError.about(
            "errors",
            expected=f"at most {HEAVIEST / 1e6:.0f} MB, which every task takes along",
            got=f"{size / 1e6:.0f} MB of numbers for single cells",
            remedy="give numbers by label or BySize, or ask cf.uncertainty of one year after the "
            "other",
        )
    asked = {"of": of, "correlation": rho}
    if wanted is None:
        return errors, asked, None
    require_drawable(rho, errors.distribution, 1)  # every table of a panel has a year
    return errors, asked | {"seed": wanted.seed}, wanted.most
