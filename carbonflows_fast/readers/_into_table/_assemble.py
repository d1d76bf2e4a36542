"""The last step of every reader: a table of what it has read."""

from __future__ import annotations

from typing import Any

from carbonflows_fast.errors import FormatError, InputError, LabelError, nearest_are, passed_on
from carbonflows_fast.table import Table

__all__ = ["table_from"]


def table_from(where: str, *, exports: bool = False, **parts: Any) -> Table:
    """Make the table of a file or folder; `parts` are the arguments of `Table`.

    With `exports`, final demand may be of regions without rows, as in national tables. In a table
    of the whole world such a region is a damaged label.

    Raises
    ------
    FormatError
        If `Table` refuses it; the message then begins with the file.
    """
    try:
        table = Table(**parts)
        if not exports:
            _refuse_exports(table)
    except InputError as error:
        raise passed_on(error, FormatError, f"{where}: {error.argument}") from error
    return table


def _refuse_exports(table: Table) -> None:
    known = list(table.rows.unique("region"))
    for at, region in enumerate(table.demand.get_level_values("region")):
        if region not in known:
            raise LabelError.about(
                "demand",
                expected="regions of the table",
                got=f"{region!r} at position {at} (counted from 0)",
                remedy=nearest_are(region, known),
            )
