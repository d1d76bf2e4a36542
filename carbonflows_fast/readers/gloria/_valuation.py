"""What is paid for the products of GLORIA: basic prices, margins, taxes and subsidies.

Each is a sheet of valuation, with files T and Y like those of basic prices (Markup001). The ReadMe
says which number is which. Subsidies are below zero. Rows are summed as they are read, so that no
more than some rows of a file are in memory. Never tried on original files of numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.classification import regions_in
from carbonflows_fast.errors import FormatError, LabelError, nearest_are, shorten
from carbonflows_fast.readers._layouts._number_files import labelled_rows
from carbonflows_fast.readers._layouts._number_parser import Label, Numbers, Row
from carbonflows_fast.readers._sources._candidates import Candidate, choose_table
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.gloria._find import ALL_SHEETS
from carbonflows_fast.readers.gloria._labels import (
    Labels,
    find_read_me,
    read_labels,
    read_valuations,
)
from carbonflows_fast.readers.gloria._numbers import COMMA, UNIT, check_size, empty

__all__ = ["SHEETS", "Paid", "has_sheets", "read_paid"]

SHEETS = (
    "Basic prices",
    "Trade margins",
    "Transport margins",
    "Taxes on products",
    "Subsidies on products",
)
INVENTORIES = "inventories"  # what leaves a stock is no purchase
CELLS_AT_ONCE = 1 << 22


class Paid(NamedTuple):
    """What some users pay for each product, by sheet.

    rows : n pairs of region and sector; values : (n, 5), the sheets in the order of SHEETS.
    """

    name: str
    year: int
    unit: str
    rows: list[Label]
    values: FloatArray


def has_sheets(files: Files) -> bool:
    """Whether there are files of GLORIA's transactions or final demand, of any sheet."""
    return any(match["part"].upper() in ("T", "Y") for _, match in files.matching(ALL_SHEETS))


def read_paid(
    files: Files, users: str | Sequence[str], buyer: str | None, year: int | None, progress: Any
) -> Paid:
    """Read what users pay for each product, all sheets.

    Parameters
    ----------
    files : Files
    users : {"final", "industries", "all"} or sequence of str
        Final users but for changes in inventories, industries, or both; or categories of demand.
    buyer : str, optional
        The region whose users they are, or a group.
    year : int, optional
    progress : bool, optional

    Raises
    ------
    FormatError
        If a file or a sheet is missing or damaged, or numbers stand where GLORIA has none.
    LabelError
        If a category or a region is unknown.
    """
    parts = {"industries": ("T",), "all": ("Y", "T")}.get(str(users), ("Y",))
    table, release = _release(files, parts, year)
    read_me = find_read_me(files, int(release), table.name)
    labels, names = read_labels(files, read_me), {}
    for number, sheet in _numbered(files, read_me):
        for part in parts:
            name = _file(files, part, str(table.year), release, number, sheet)
            check_size(files, name, *labels.shapes[part], labels.where)
            names[sheet, part] = name
    chosen = {"Y": _categories(labels, users), "T": labels.is_industry}
    if buyer is not None:
        here = np.array(regions_in(labels.regions, buyer, "buyer", year=table.year))
        chosen["Y"] = chosen["Y"] & np.repeat(here, len(labels.categories))
        chosen["T"] = chosen["T"] & np.repeat(here, 2 * len(labels.sectors))
    values = np.zeros((labels.n_cells // 2, len(SHEETS)))
    title = f"GLORIA {release} {table.year}"
    with reading(files, names.values(), progress, title) as counted:
        for (sheet, part), name in names.items():
            supply = (sheet, part) == (SHEETS[0], "T")
            sums = _row_sums(counted, name, part, chosen[part], labels, supply=supply)
            values[:, SHEETS.index(sheet)] += sums
    _refuse_positive_subsidies(files, names, values[:, -1])
    rows: list[Label] = [(region, sector) for region, _, sector in labels.at(labels.products)]
    assert table.year is not None  # every file has one
    return Paid(title, table.year, UNIT, rows, values)


# --- which files ----------------------------------------------------------------------------


def _release(files: Files, parts: Sequence[str], year: int | None) -> tuple[Candidate, str]:
    """Return the year and release, by one of its files."""
    found: dict[tuple[str, str], str] = {}
    for name, match in files.matching(ALL_SHEETS):
        if match["part"].upper() in parts:
            found.setdefault((match["year"], match["release"]), name)
    if not found:
        raise FormatError.about(
            str(files.path),
            expected=f"files …_{parts[0]}-Results_…_Markup001(full).csv to Markup005",
            got="none",
            remedy="put them beside the others, or ask for other users",
        )
    releases = {name: release for (_, release), name in found.items()}
    table = choose_table(files, [Candidate(n, int(y)) for (y, _), n in found.items()], year)
    return table, releases[table.name]


def _numbered(files: Files, read_me: str) -> list[tuple[int, str]]:
    """Return the sheets by the numbers that the ReadMe gives them."""
    numbers = read_valuations(files, read_me)
    lacking = [sheet for sheet in SHEETS if not numbers.get(sheet.casefold())]
    if lacking:
        raise FormatError.about(
            f"{files.where(read_me)}, sheet 'Valuations'",
            expected=f"a number for {shorten(lacking)}",
            got=shorten(map(repr, numbers)),
            remedy="restore the workbook as it was published",
        )
    return [(numbers[sheet.casefold()], sheet) for sheet in SHEETS]


def _file(files: Files, part: str, year: str, release: str, number: int, sheet: str) -> str:
    key = (part, year, release, f"{number:03d}")
    mine = [
        name
        for name, match in files.matching(ALL_SHEETS)
        if (match["part"].upper(), match["year"], match["release"], match["sheet"]) == key
    ]
    if len(mine) != 1:
        raise FormatError.about(
            str(files.path),
            got=shorten(mine) or "none",
            expected=f"one file …_{part}-Results_{year}_{release}_Markup{number:03d}(full).csv, "
            f"{sheet.lower()}",
            remedy="put it beside the other sheets, each file once",
        )
    return mine[0]


def _categories(labels: Labels, users: str | Sequence[str]) -> BoolArray:
    """Return which columns of Y count."""
    names = labels.categories
    if users in ("final", "all", "industries"):
        wanted = [name for name in names if INVENTORIES not in name.casefold()]
    else:
        wanted = [users] if isinstance(users, str) else list(users)
        for name in wanted:
            if name not in names:
                raise LabelError.about(
                    "users",
                    expected="'final', 'industries', 'all' or categories of final demand",
                    got=repr(name),
                    remedy=nearest_are(name, names),
                )
    return np.tile(np.array([name in wanted for name in names]), len(labels.regions))


# --- their numbers --------------------------------------------------------------------------


def _row_sums(
    files: Files, name: str, part: str, chosen: BoolArray, labels: Labels, *, supply: bool
) -> FloatArray:
    """Return the sums of the rows of products over chosen columns, (n,).

    Elsewhere there are no numbers, but for the supply table in T at basic prices.
    """
    columns = labels.demand if part == "Y" else labels.cells
    unused = np.zeros(len(columns), np.bool_) if part == "Y" else ~labels.is_industry
    rows = labelled_rows(files, name, labels.cells, len(columns), by=labels.where, delimiter=COMMA)
    where, sums, at = files.where(name), np.zeros(labels.n_cells), 0
    for some in _batches(rows, max(1, CELLS_AT_ONCE // len(columns))):
        here, at = slice(at, at + len(some)), at + len(some)
        is_industry = labels.is_industry[here]
        read = ~is_industry if supply else np.ones(len(some), np.bool_)
        of_use = [row for row, wanted in zip(some, read, strict=True) if wanted]
        with Numbers(where, columns, COMMA, blanks=files.blanks) as numbers:
            for row in of_use:
                numbers.add(row)
            values = numbers.result()[0].reshape(-1, len(columns))
        sums[here][read] = values[:, chosen].sum(axis=1)
        made = is_industry[read]
        if values[made].any() or (unused.any() and values[:, unused].any()):
            stray = np.where(made[:, None] | unused[None, :], values, 0.0)
            empty(where, sp.csr_array(stray), [row.label for row in of_use], columns)
    found: FloatArray = sums[labels.products]
    return found


def _batches(rows: Iterator[Row], count: int) -> Iterator[list[Row]]:
    while some := list(islice(rows, count)):
        yield some


def _refuse_positive_subsidies(files: Files, names: Any, subsidies: FloatArray) -> None:
    if subsidies.sum() > 0.0:
        where = next(name for (sheet, _), name in names.items() if sheet == SHEETS[-1])
        raise FormatError.about(
            files.where(where),
            expected="subsidies below zero, as GLORIA has them",
            got=f"a sum of {subsidies.sum():.6g} {UNIT}",
            remedy="restore the file, or change its signs",
        )
