"""Readers of Eora: Eora26, with 26 sectors in every country, and full Eora.

Both are blocks of numbers alone: transactions T, final demand (FD or Y), primary inputs (VA or V)
and satellite accounts Q, in thousands of current USD, with their labels in other files. Eora26 is
tab-separated, with the emissions of final users in a block QY. Full Eora is comma-separated, with
the columns of final demand at the right of Q; its sectors differ by country, and some countries
have industries and commodities.

The last row and column, region ROW, sector TOTAL, hold what could not be balanced. They are kept
as a region: outputs are then the full sums of rows, and nothing is lost. Others drop them, or move
them to primary inputs and final demand. Their size is logged. Where the output of ROW is almost
zero while it buys, no system can be solved; `carbonflows_fast.check` then says so.

Eora26 was tried on a small table in its layout, never on an original file. Full Eora was tried on
fixtures alone; its files go by what their names are likely to be, see `_find`. The sheets of
trade, transport, taxes and subsidies are not read, nor tables of a single country.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._number_files import nearest_file
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.eora._find import Sheet, sheets_of, with_indices
from carbonflows_fast.readers.eora._labels import (
    index_items,
    index_regions,
    text_items,
    text_regions,
)
from carbonflows_fast.readers.eora._table import Blocks, eora_table, primary_inputs, satellites
from carbonflows_fast.table import Table

__all__ = ["read_eora", "read_eora26"]


def read_eora26(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year of Eora26.

    x is the sum of a row. Primary inputs are stressors, so that they can be followed like
    emissions; they and the satellite accounts are named "group | item". If that occurs twice
    among the labels, their lines distinguish the stressors: "group | item | line 12". This is
    logged. So are sectors that occur twice in a region, which stay separate under one name.

    Raises
    ------
    FormatError
        If a file is missing or damaged, or has not one row or column for each label.
    LabelError
        If a wanted stressor does not exist.
    """
    home = table.name
    with _around(files) as around, with_indices(around) as places:
        FD, VA, Q, QY = (
            re.sub(r"_T(?=\.txt$)", f"_{block}", home, flags=re.IGNORECASE)
            for block in ("FD", "VA", "Q", "QY")
        )
        blocks = Blocks(
            files=around,
            delimiter="\t",
            T=home,
            Y=FD,
            rows=text_regions(places, "T", home),
            demand=text_regions(places, "FD", home),
            accounts=[
                primary_inputs(VA, text_items(places, "VA", home)),
                satellites(Q, text_items(places, "Q", home), demand=QY),
            ],
        )
        return eora_table(
            blocks,
            stressors=stressors,
            progress=progress,
            year=table.year,
            name=PurePosixPath(home).stem[:-2].replace("_", " "),
        )


@contextmanager
def _around(files: Files) -> Iterator[Files]:
    """Yield the files, or all of the folder where the path is one block."""
    if files.path.is_dir() or files.archives:
        yield files
        return
    with open_files(files.path.parent) as around:
        yield around


def read_eora(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year of full Eora in basic prices.

    Like `read_eora26`. If a country has a sector both as an industry and as a commodity, these
    words come first: "Industries | Wheat". Primary inputs are distinguished by country, as in the
    files: "AUS | Primary Inputs | Compensation of employees D.1".

    Raises
    ------
    FormatError
        If a file is missing or damaged, or has not one row or column for each label.
    LabelError
        If a wanted stressor does not exist.
    """
    home = table.name
    with with_indices(files) as places:
        Q = _block_beside(files, "Q", home)
        blocks = Blocks(
            files=files,
            delimiter=",",
            T=home,
            Y=_block_beside(files, "Y", home),
            rows=index_regions(places, "t", home),
            demand=index_regions(places, "y", home),
            accounts=[
                primary_inputs(_block_beside(files, "V", home), index_regions(places, "v", home)),
                satellites(Q, index_items(places, "q", home), demand=Q),
            ],
        )
        return eora_table(
            blocks,
            stressors=stressors,
            progress=progress,
            year=table.year,
            name="Eora" if table.year is None else f"Eora {table.year}",
        )


def _block_beside(files: Files, block: str, home: str) -> str:
    """Return the file of a block in basic prices, of the same year as T, nearest to it."""
    sheets = sheets_of(files)
    wanted = Sheet(block, sheets[home].year, basic=True)
    found = nearest_file(files, [name for name in sheets if sheets[name] == wanted], home)
    if found is None:
        there = sorted(name for name in files.sizes if name.lower().endswith(".csv"))
        raise FormatError.about(
            files.where(home),
            expected=f"a file of block {block} beside it, in basic prices",
            got=shorten(there),
            remedy=f"add it, or name it as T is named, with {block}",
        )
    return found
