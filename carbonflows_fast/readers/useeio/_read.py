"""Reads a model from whichever of its layouts is there."""

from __future__ import annotations

from collections.abc import Sequence

from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.useeio._json import read_json
from carbonflows_fast.readers.useeio._workbook import read_workbook
from carbonflows_fast.table import Table

__all__ = ["read_useeio"]


def read_useeio(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a model: a folder of JSON files, or a workbook.

    Raises
    ------
    FormatError
        If something is missing or damaged, or a number, a label or a vector of demand is wrong.
    LabelError
        If a wanted stressor does not exist.
    """
    is_folder = table.name == "" or table.name.endswith("/")
    read = read_json if is_folder else read_workbook
    return read(files, table, stressors=stressors, progress=progress)
