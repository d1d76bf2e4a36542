"""Repairs of what `check` finds: each asked for by name, each change in a ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of, share
from carbonflows_fast._base.arrays import locked
from carbonflows_fast.checks._check import table_of
from carbonflows_fast.checks._ledger import LEDGER, entries, merged_entries
from carbonflows_fast.checks._repair_steps import SPREAD, STEPS
from carbonflows_fast.errors import InputError, LabelError, nearest_are
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import table_from

__all__ = ["repair"]


def repair(
    table: Table | str | Path,
    *,
    duplicates: bool = False,
    balance: bool = False,
    negative_output: bool = False,
    purchases_without_output: str | None = None,
    emissions_without_output: str | None = None,
    implausible_intensities: str | None = None,
    column_sums: float | None = None,
    negatives: float | None = None,
) -> tuple[Table, pd.DataFrame]:
    """Make the named repairs of a table, and no others.

    Repairs run in the order of the arguments, because one may reveal the need for another. No
    repair changes the emissions of a region or of the world (except `negatives`), or a label.

    Parameters
    ----------
    table : Table, str or Path
        A table, which stays unchanged; or a saved store, or what `read` accepts.
    duplicates : bool
        Add up rows of one (region, sector), and columns of final demand of one (region, category).
    balance : bool
        Set x to Z·1 + Y·1; Z, Y and F stay.
    negative_output : bool
        If output is negative, remove the row's negative deliveries from Z and Y; x becomes the
        rest.
    purchases_without_output, emissions_without_output : str, optional
        Give the purchases, or emissions, of sectors without output to the sector of this name in
        their region, or with "spread" to all sectors of their region in proportion to output.
    implausible_intensities : str, optional
        Give a sector with an implausible intensity the intensity it is compared with (such as the
        median of the sector). The rest of its emissions go to the sector of this name in its
        region, or with "spread" to all other sectors in proportion to output.
    column_sums : float, optional
        If inputs are worth the output or more, scale them down to this part of it, below 1. Other
        sectors of the region buy the rest, in proportion to the room that their own inputs leave.
    negatives : float, optional
        Set negative numbers to 0 if their absolute value is at most this part of the largest in
        their row: in Z and Y together, where x rises by the same amount, and in F and F_Y.

    Returns
    -------
    table : Table
        Held as Z, x and F. The given table itself if there was nothing to repair.
    ledger : DataFrame
        A row for each number that changed, in the order of the changes: `repair`; `what` ("Z",
        "Y", "x", "F", "F_Y"); where: `region` and `sector`, `buyer_region` and `buyer` (of Z, and
        of Y and F_Y with the category), `stressor`; `before`, `after` and `unit`. Written into the
        given table, its rows give the returned table, number by number. Duplicates are counted
        (`what` is "rows" or "demand columns"), not listed; they come first, and
        `table.aggregate()` adds them up.

    Raises
    ------
    InputError
        If it is neither a table nor an existing path; if no repair is named, an option is wrong,
        or a repair cannot be made: no sector of the region can take what is moved.
    LabelError
        If the table has no such sector.
    FormatError, StoreError
        If the path cannot be read as a table.

    Examples
    --------
    >>> table = Table(Z=[[2.0, 0.0], [0.0, 0.0]], Y=[[8.0], [0.0]], F=[[5.0, 1.0]], x=[10.0, 0.0],
    ...               regions="DE", sectors=["goods", "none"], stressors=["CO2"],
    ...               stressor_units=["kt"], demand=[("DE", "all")])
    >>> repaired, ledger = repair(table, emissions_without_output="spread")
    >>> repaired.F.loc["CO2"].tolist()
    [6.0, 0.0]
    >>> ledger[["what", "sector", "stressor", "before", "after", "unit"]]
      what sector stressor  before  after unit
    0    F  goods      CO2     5.0    6.0   kt
    1    F   none      CO2     1.0    0.0   kt
    """
    table = table_of("table", table)
    given = {
        "duplicates": _switch("duplicates", duplicates),
        "balance": _switch("balance", balance),
        "negative_output": _switch("negative_output", negative_output),
        "purchases_without_output": _receiver(
            "purchases_without_output", purchases_without_output, table
        ),
        "emissions_without_output": _receiver(
            "emissions_without_output", emissions_without_output, table
        ),
        "implausible_intensities": _receiver(
            "implausible_intensities", implausible_intensities, table
        ),
        "column_sums": _part("column_sums", column_sums),
        "negatives": _part("negatives", negatives),
    }
    options = {name: option for name, option in given.items() if option is not None}
    if not options:
        raise InputError.about(
            "repair",
            expected="the name of at least one repair",
            got="none",
            remedy=f"choose from {', '.join(STEPS)}",
        )
    state = replace(
        table.content,
        matrix=table.Z,
        kind="Z",
        x=locked(table.arrays.x),
        emissions=table.arrays.F,
        emissions_kind="F",
    )
    books = []
    for name, step in STEPS.items():
        if name in options:
            repaired = step(state, options[name])
            if repaired is not state:
                if name == "duplicates":
                    books.append(merged_entries(name, state))
                else:
                    books.append(entries(name, state, repaired))
            state = repaired
    books = [book for book in books if len(book)]
    if not books:
        return table, pd.DataFrame({column: pd.Series(dtype=_kind(column)) for column in LEDGER})
    return table_from(state), pd.concat(books, ignore_index=True)


def _kind(column: str) -> str:
    return "float64" if column in ("before", "after") else "str"


# --- options --------------------------------------------------------------------------------


def _switch(argument: str, value: Any) -> bool | None:
    """Return True, or None for a repair that is not wanted."""
    value = bool(value) if isinstance(value, np.bool_) else value
    return one_of(argument, value, (True, False), remedy="give True to repair") or None


def _receiver(argument: str, value: Any, table: Table) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and (value == SPREAD or value in table.content.sectors):
        return value
    if not isinstance(value, str):
        raise InputError.about(
            argument,
            expected=f"'{SPREAD}' or the name of a sector",
            got=repr(value),
            remedy=f"'{SPREAD}' gives it to all sectors of the region by their output",
        )
    known = [*table.content.sectors, SPREAD]
    raise LabelError.about(
        argument,
        expected=f"a sector of the table, or '{SPREAD}'",
        got=repr(value),
        remedy=nearest_are(value, known),
    )


def _part(argument: str, value: Any) -> float | None:
    """Return a number between 0 and 1, or None."""
    remedy = f"give e.g. {'0.99' if argument == 'column_sums' else '1e-9'}"
    return None if value is None else share(argument, value, remedy=remedy)
