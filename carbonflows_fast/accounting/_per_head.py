"""Accounts for each head of a region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.errors import InputError, Phrase

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["asked_per_head", "for_each_head"]


def asked_per_head(value: Any) -> bool:
    """Return whether accounts are to be divided by heads.

    Raises
    ------
    InputError
        If it is neither True nor False.
    """
    asked: bool = one_of("per_head", value, (False, True), remedy="leave it out, or give True")
    return asked


def for_each_head(table: Table, frame: pd.DataFrame, shares: Sequence[str] = ()) -> pd.DataFrame:
    """Return accounts by region over heads, but for columns that are shares.

    NaN where a region's heads are unknown or none. The unit gets "per head", and the bound is that
    of the region with the fewest heads.

    Raises
    ------
    InputError
        If the table has no population.
    """
    if table.population is None:
        raise InputError.about(
            "per_head",
            expected="a table with heads by region",
            got="one without",
            remedy=Phrase.of(
                "give them with table.with_changes(population=…), or leave ", "per_head", " out"
            ),
        )
    heads = table.population.to_numpy()
    known = np.where(heads > 0.0, heads, np.nan)
    made = frame.copy()
    for column in frame.columns:
        if column not in shares:
            made[column] = frame[column].to_numpy() / known
    fewest = float(np.nanmin(known)) if np.isfinite(known).any() else np.nan
    made.attrs = frame.attrs | {
        "unit": f"{frame.attrs['unit']} per head".strip(),
        "error_bound": frame.attrs["error_bound"] / fewest * (1 + 2.0**-50),
    }
    return made
