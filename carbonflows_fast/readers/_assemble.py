"""The last step of all readers: a table of what was read."""

from __future__ import annotations

from typing import Any

from carbonflows_fast.errors import FormatError, InputError
from carbonflows_fast.table import Table

__all__ = ["table_from"]


def table_from(where: str, **parts: Any) -> Table:
    """Make the table of a file or folder; `parts` are the arguments of `Table`.

    Raises
    ------
    FormatError
        If `Table` refuses it; the message then begins with the file.
    """
    try:
        return Table(**parts)
    except InputError as error:
        raise FormatError(f"{where}: {error}") from error
