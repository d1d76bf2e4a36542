"""The last step of all readers: a table of what was read, whose output may be unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from carbonflows_fast.errors import FormatError, InputError
from carbonflows_fast.table import Table

__all__ = ["assemble", "table_from"]


def assemble(**parts: Any) -> Table:
    """Return a table; where A comes without x, x is solved when it is first asked for.

    `Table` itself asks for x beside A, so that nobody leaves it out by mistake. Releases that
    publish A and Y alone leave no choice: x solves (I − A) x = Y·1.

    Parameters
    ----------
    **parts
        The arguments of `Table`.
    """
    if "A" not in parts or parts.get("x") is not None:
        return Table(**parts)
    # A placeholder passes the checks, and is taken out again.
    table = Table(**{**parts, "x": np.ones(parts["A"].shape[0])})
    return Table._from_parts(replace(table._parts, x=None))


def table_from(where: str, **parts: Any) -> Table:
    """Assemble the table of a file or folder.

    Raises
    ------
    FormatError
        If `Table` refuses it; the message then begins with the file.
    """
    try:
        return assemble(**parts)
    except InputError as error:
        raise FormatError(f"{where}: {error}") from error
