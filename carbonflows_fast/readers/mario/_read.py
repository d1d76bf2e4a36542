"""Reads a table that MARIO saved by `to_txt`, `to_parquet` or `to_excel`.

One file for each matrix: Z, Y, V, E, EY, VY and X of flows, or z, Y, v, e, EY and VY of
coefficients, or the flows of supply and use (see `_supply_use`). Labels have three levels, Region,
Level ("Sector") and Item. Tried on what mariopy 1.3.2 writes.
"""

from __future__ import annotations

from collections.abc import Sequence

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.mario._find import home_of, saved
from carbonflows_fast.readers.mario._levels import SAVE_ANEW, no_coefficients
from carbonflows_fast.readers.mario._parts import Parts
from carbonflows_fast.readers.mario._supply_use import read_pair
from carbonflows_fast.readers.mario._table import read_flows
from carbonflows_fast.readers.mario._workbook import read_workbook
from carbonflows_fast.table import Table

__all__ = ["read_mario"]


def read_mario(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table of flows, or of coefficients, whose output is solved when first asked for.

    Supply and use are read as the pair of industries and products, without a model.
    V and VY become stressors in the extension "primary inputs", E and EY in "satellite account".
    Units are looked up by label, because `units` may have another order than the matrices. A level
    of regions in the rows of V or E is joined to the name with " | ".

    Raises
    ------
    FormatError
        If the folder holds coefficients of supply and use or records, if a file is missing or
        damaged, a number or a label is wrong, or labels disagree.
    LabelError
        If a wanted stressor does not exist.
    """
    if table.name in files:
        return read_workbook(files, table, stressors, progress)
    folder = files.below(table.name)
    suffix, kind = _kind(files, table.name)
    flows = kind == "flows"
    home, title = home_of(files, table.name)
    title = _own_name(files, home) or title
    with reading(folder, list(folder.sizes), progress, title) as counted:
        parts = Parts(folder, counted, suffix)
        units = parts.units()
        if kind == "supply and use":
            return read_pair(folder.where(""), parts, units, stressors, table.year, title)
        return read_flows(folder.where(""), parts, units, stressors, table.year, title, flows)


def _kind(files: Files, root: str) -> tuple[str, str]:
    """Return the suffix of all files, and what they hold."""
    found = saved(files, root)
    folder = files.below(root)
    if found is None or found.kind == "part":
        raise FormatError.about(
            folder.where(""),
            expected="the files Z, Y, V, E and units of MARIO, or z, Y, v, e and units",
            got=shorten(sorted(folder.sizes), 9) or "nothing",
            remedy=SAVE_ANEW,
        )
    if found.kind == "supply and use coefficients":
        raise no_coefficients(folder.where(""))
    if found.kind == "flat":
        raise FormatError.about(
            folder.where(""),
            expected="one file for each matrix, as MARIO saves",
            got=f"records (data{found.suffix})",
            remedy="save it anew with MARIO's flat=False",
        )
    return found.suffix, found.kind


def _own_name(files: Files, home: str | None) -> str:
    """Return the name of a table in MARIO's notes."""
    name = None if home is None else files.json(f"{home}metadata.json").get("name")
    return name.strip() if isinstance(name, str) else ""
