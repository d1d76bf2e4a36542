"""Reader of WIOD, release 2013: 41 regions, 35 sectors, 1995 to 2011, million USD.

One workbook a year (wiot09_row_sep12.xlsx), and beside it the environmental accounts, in folders
or zips with one workbook for each region (USA_AIR_May12.xls) and in it one sheet for each year.
The socio-economic accounts (WIOD_SEA) are not read: their money is national currency. Neither
are tables in prices of the previous year. Tried on small files in these layouts (of the accounts,
AIR and lan) and on fixtures, never on an original file.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._layouts._text import check_same_labels
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.wiod._accounts import (
    AccountNumbers,
    CodedRows,
    coded_rows,
    region_key,
)
from carbonflows_fast.readers.wiod._matrix import WIOD2013, World, is_filled, read_world, wiod_table
from carbonflows_fast.table import Table

__all__ = ["read_wiod2013"]

logger = logging.getLogger(__name__)

ACCOUNTS = r"(?P<region>[A-Z]{3})_(?P<account>AIR|CO2|EM|EU|LAN|MAT|WAT)_\w+\.xlsx?"
EXTENSIONS = {"LAN": "lan", "MAT": "mat", "WAT": "wat"}  # as their zips are called
UNITS = {"CO2": "Gg", "EM": "TJ", "EU": "TJ"}  # no file says them; other accounts do, in A1
TONNES = "t"  # AIR, but for CO2


def read_wiod2013(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year, with the environmental accounts among the files.

    Sectors are called by their ISIC codes, final demand by its numbers (c37 …), and x is the
    row r69. The rows below the transactions are stressors of the extension "primary inputs",
    but for totals. Stressors of the accounts are in extensions AIR, CO2, EM, EU, lan, mat and wat,
    where they are there; emissions of households are those of c37. Totals and secQ are left out.
    An account that ends before the year is left out, with a warning. Empty cells are zero where
    WIOD leaves them free: in the accounts, and for primary inputs of final demand; how many is
    logged.

    Raises
    ------
    FormatError
        If a file is damaged, a cell is empty or no number, years disagree, or an account has not
        all regions and sectors of the table.
    LabelError
        If a wanted stressor does not exist.
    """
    accounts = _account_files(files)
    names = [table.name, *(name for one in accounts.values() for name in one.values())]
    title = f"WIOD 2013 {PurePosixPath(table.name).stem}"
    with reading(files, names, progress, title) as files:
        world = _read_sheet(files, table)
        sheet = str(table.year)
        found = [_account(files, name, where, world, sheet) for name, where in accounts.items()]
        return wiod_table(
            world,
            [account for account in found if account is not None],
            stressors=stressors,
            year=table.year,
            name=title,
        )


def _read_sheet(files: Files, table: Candidate) -> World:
    book = Workbook(files, table.name)
    sheet = book.first
    title = next(book.stream(sheet), [""])[0]
    for text in (sheet, cell_text(title)):
        said = re.search(r"((?:19|20)\d\d)\s*$", text)
        if said and int(said[1]) != table.year:
            raise FormatError.about(
                book.where(sheet),
                expected=f"the table of {table.year}, as in its name",
                got=repr(text),
                remedy="give the file its proper name",
            )
    return read_world(book, sheet, WIOD2013)


# --- accounts -------------------------------------------------------------------------------


def _account_files(files: Files) -> dict[str, dict[str, str]]:
    """Return the file of each region (by its key) for each account."""
    found: dict[str, dict[str, str]] = {}
    for name, match in files.matching(ACCOUNTS):
        account = match["account"].upper()
        homes = found.setdefault(EXTENSIONS.get(account, account), {})
        key = region_key(match["region"])
        if key in homes:
            raise FormatError.about(
                files.where(name),
                expected=f"one {account} file of {match['region']}",
                got=f"another as well ({homes[key]})",
                remedy="move one of them away",
            )
        homes[key] = name
    return found


def _account(
    files: Files, extension: str, names: dict[str, str], world: World, sheet: str
) -> StressorBlock | None:
    """Return an account before its numbers are read, None if it is not of this year."""
    where = f"{files.where('')}, account {extension}"
    keys = {region_key(region): region for region in world.regions}
    missing = [region for key, region in keys.items() if key not in names]
    unknown = [name for key, name in names.items() if key not in keys]
    if missing or unknown:
        got = f"none of {shorten(missing)}" if missing else f"others ({shorten(unknown)})"
        raise FormatError.about(
            where,
            got=got,
            expected=f"a workbook for each of the table's {len(keys)} regions and no others",
            remedy="complete the account, or move all its files away",
        )
    region = world.regions[0]
    book = Workbook(files, names[region_key(region)])
    if sheet not in book.names:
        logger.warning("%s: no sheet %s, account %s is left out", book.file, sheet, extension)
        return None
    first = coded_rows(book, sheet, world.sectors_of(region))
    columns = _stressor_columns(book, sheet, first)
    stressors = [first.header[at] for at in columns]
    units = [_unit(book, sheet, extension, name, first) for name in stressors]

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray]:
        numbers = AccountNumbers(where, world, len(chosen))
        for region in world.regions:
            book = Workbook(files, names[region_key(region)])
            rows = coded_rows(book, sheet, world.sectors_of(region))
            columns = _stressor_columns(book, sheet, rows)
            check_same_labels(
                f"{book.where(sheet)}, stressors",
                [(rows.header[at],) for at in columns],
                f"the account of {world.regions[0]}",
                [(name,) for name in stressors],
            )
            numbers.add(book, sheet, region, rows, [columns[at] for at in chosen])
        return numbers.result()

    return StressorBlock(stressors, [extension] * len(stressors), units, read)


def _stressor_columns(book: Workbook, sheet: str, account: CodedRows) -> list[int]:
    """Return the columns with a stressor in the header; other columns are no account."""
    columns = range(account.column + 1, len(account.header))
    named = [at for at in columns if account.header[at].strip()]
    for row, cells in account.rows.values():
        for at in set(columns) - set(named):
            if is_filled(cells[at]):
                raise FormatError.about(
                    book.where(sheet, row, at),
                    expected="a stressor in the header above it",
                    got="none",
                    remedy="restore the header",
                )
    return named


def _unit(book: Workbook, sheet: str, extension: str, stressor: str, account: CodedRows) -> str:
    if extension == "AIR":
        return UNITS["CO2"] if stressor == "CO2" else TONNES
    unit = UNITS.get(extension, account.header[account.column])
    if not unit.strip():
        raise FormatError.about(
            book.where(sheet),
            expected="the unit in the header of the codes",
            got="an empty cell",
            remedy="write the unit there",
        )
    return unit
