"""Reader of WIOD, release 2016: 44 regions, 56 sectors, 2000 to 2014, million USD.

One workbook a year (WIOT2014_Nov16_ROW.xlsb, or the same saved as xlsx), and beside it the CO2
accounts of the Joint Research Centre (CO2 emissions.xlsx), with one sheet for each region and the
years across. The table may also be data of R (WIOT2014_October16_ROW.RData). Tables in prices of
the previous year are not read, nor Stata files.
The accounts are tried on an original file, tables on fixtures of their layout alone.

References
----------
Corsatea et al. (2019), World Input-Output Database Environmental Accounts, doi 10.2760/024036.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import PurePosixPath

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.wiod._accounts import (
    AccountNumbers,
    CodedRows,
    coded_rows,
    region_key,
)
from carbonflows_fast.readers.wiod._matrix import WIOD2016, World, read_world, wiod_table
from carbonflows_fast.readers.wiod._rdata import Frame
from carbonflows_fast.table import Table

__all__ = ["read_wiod2016"]

logger = logging.getLogger(__name__)

ACCOUNT = r"CO2[ _]emissions\.xlsx"
NOTES = "notes"
STRESSOR, UNIT = "CO2", "kt"


def read_wiod2016(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year, with the CO2 accounts if they are among the files.

    x is the row GO. The rows below the transactions are stressors of the extension "primary
    inputs", but for totals; CO2 is the one stressor of the extension "CO2", and emissions of
    households are those of CONS_h. Empty cells are zero where WIOD leaves them free: in the
    account, and for primary inputs of final demand; how many is logged.

    Raises
    ------
    FormatError
        If a file is damaged, a cell is empty or no number, years disagree, or the account has not
        all regions and sectors of the table.
    InputError
        If the table is data of R, and the package rdata is not installed.
    LabelError
        If a wanted stressor does not exist.
    """
    accounts = [name for name, _ in files.matching(ACCOUNT)]
    if len(accounts) > 1:
        raise FormatError.about(
            str(files.path),
            expected="one CO2 account",
            got=shorten(accounts),
            remedy="move the others away",
        )
    title = f"WIOD 2016 {PurePosixPath(table.name).stem}"
    with reading(files, [table.name, *accounts], progress, title) as files:
        world = _world(files, table)
        found = [_account(Workbook(files, name), world, str(table.year)) for name in accounts]
        return wiod_table(
            world,
            [account for account in found if account is not None],
            stressors=stressors,
            year=table.year,
            name=title,
        )


def _world(files: Files, table: Candidate) -> World:
    if table.name.lower().endswith(".rdata"):
        return read_world(Frame(files, table.name, table.year), str(table.year), WIOD2016)
    book = Workbook(files, table.name)
    if book.first != str(table.year):
        raise FormatError.about(
            book.file,
            expected=f"a first sheet {str(table.year)!r}, as in its name",
            got=repr(book.first),
            remedy="give the file its proper name",
        )
    return read_world(book, book.first, WIOD2016)


def _account(book: Workbook, world: World, year: str) -> StressorBlock | None:
    """Return the account before its numbers are read, None if it is not of this year."""
    sheets = {region_key(sheet): sheet for sheet in book.names if sheet.lower() != NOTES}
    regions = {region_key(region): region for region in world.regions}
    missing = [region for key, region in regions.items() if key not in sheets]
    if missing:
        raise FormatError.about(
            book.file,
            expected=f"a sheet for each of the table's {len(regions)} regions",
            got=f"none of {shorten(missing)}",
            remedy="restore the file, or move it away",
        )
    others = [sheet for key, sheet in sheets.items() if key not in regions]
    if others:
        logger.warning("%s: sheets of no region are left out: %s", book.file, shorten(others))
    region = world.regions[0]
    first = coded_rows(book, sheets[region_key(region)], world.sectors_of(region))
    if year not in first.header:
        logger.warning("%s: no year %s, the account is left out", book.file, year)
        return None

    def read(_: list[int]) -> tuple[FloatArray, FloatArray]:
        numbers = AccountNumbers(book.file, world, 1)
        for key, region in regions.items():
            rows = coded_rows(book, sheets[key], world.sectors_of(region))
            numbers.add(book, sheets[key], region, rows, [_column(book, sheets[key], rows, year)])
        return numbers.result()

    return StressorBlock([STRESSOR], [STRESSOR], [UNIT], read)


def _column(book: Workbook, sheet: str, account: CodedRows, year: str) -> int:
    if account.header.count(year) != 1:
        raise FormatError.about(
            book.where(sheet),
            expected=f"one column {year}",
            got=f"{account.header.count(year)} among {shorten(account.header)}",
            remedy="restore the header",
        )
    return account.header.index(year)
