"""Reader of your own tables: DataFrames that pandas wrote, in one folder or one workbook.

Each file, or sheet, has the name of the `Table` argument that it holds, and is written by
`to_csv`, `to_parquet` or `to_excel`: Z.csv or A.csv, Y.csv, F.csv or S.csv, and if there is one x,
F_Y, row_units, stressor_units, extensions, population. docs/bring_your_own_table.md shows how.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, LabelError, passed_on, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_names import find_stressors, join_levels
from carbonflows_fast.readers._layouts._csv_frame import open_frame
from carbonflows_fast.readers._layouts._sheet_frame import SheetFrame, sheet_names
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    check_once,
    check_same_labels,
)
from carbonflows_fast.readers._sources._candidates import (
    Candidate,
    Format,
    folder_year,
    outermost,
    year_in,
)
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers._sources._unknown import refuse_misnamed
from carbonflows_fast.readers.mario._find import is_mario
from carbonflows_fast.table import Table
from carbonflows_fast.table._labels_given import refuse_misnamed_consumers

__all__ = ["FORMAT"]

logger = logging.getLogger(__name__)

OPTIONAL = ("x", "F_Y", "row_units", "stressor_units", "extensions", "population")
KEYS = ("Z", "A", "Y", "F", "S", *OPTIONAL)
SUFFIXES = (".csv", ".parquet")
WORKBOOK = r"(?!~\$).*\.xls[xm]"  # what begins so is a mark that Excel has one open
TWO_LEVELS = ("Z", "A", "Y", "x", "row_units")  # whose rows have regions and sectors
NOT_PLAIN = "file_parameters.json"  # pymrio's folders have it

ROWS, DEMAND = ("region", "sector"), ("region", "category")
UNIT_LEVELS = ("unit", "units")


def find_plain(files: Files) -> list[Candidate]:
    """Return the folders that hold a table, but for those inside another one, and workbooks."""
    roots = {
        name.removesuffix(f"Y{suffix}")
        for name in files.sizes
        for suffix in SUFFIXES
        if f"/{name}".endswith(f"/Y{suffix}")
    }
    found = [
        root
        for root in roots
        if f"{root}{NOT_PLAIN}" not in files
        and not is_mario(files, root)
        and any(f"{root}{key}{suffix}" in files for key in "ZA" for suffix in SUFFIXES)
    ]
    books = [name for name, _ in files.matching(WORKBOOK) if _is_table(sheet_names(files, name))]
    return [
        *(Candidate(root, folder_year(files.below(root))) for root in outermost(found)),
        *(Candidate(name, year_in(*reversed(name.split("/")))) for name in books),
    ]


def _is_table(sheets: Sequence[str]) -> bool:
    return "Y" in sheets and ("Z" in sheets or "A" in sheets)


def read_plain(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table from DataFrames in one folder, all as CSV or all as Parquet, or one workbook.

    - Z or A, rows and columns (region, sector);
    - Y, rows (region, sector), columns (region, category);
    - F or S, rows stressors (several levels are joined with " | "), columns (region, sector);
    - F_Y, if there is one, rows as F, columns as Y;
    - x, one column, rows (region, sector). Without it x = Z·1 + Y·1, or with A x is solved from
      (I − A) x = Y·1 when it is first asked for;
    - row_units and stressor_units, one column of texts, rows as Z and as F; else units are
      unknown, which is logged;
    - extensions, the same for the extension of each stressor;
    - population, one column of heads (empty or NaN: unknown), rows the regions, those that have
      columns of Y alone last.

    Labels are used as they are. They must have the same order in all files, and none may occur
    twice. The first line of a CSV file decides whether commas, semicolons or tabs delimit. Numbers
    have a decimal point; text is UTF-8; a label may have a line break. An empty cell, which pandas
    writes for a missing number, is refused, in Parquet too. If `files.blanks` says so, it counts as
    zero, and a warning in the log gives the number of empty cells. The year and the name
    are those of the folder, zip or workbook. Numbers of stressors that are not wanted are not
    parsed. In a workbook, each sheet is one DataFrame; labels may be merged cells.

    Raises
    ------
    FormatError
        If a file is missing, misnamed, damaged or one too many, a number or a label is wrong, or
        labels disagree; it names file and place.
    LabelError
        If a wanted stressor does not exist; it lists the nearest.
    """
    if table.name in files:
        return _read_workbook(files, table, stressors, progress)
    folder = files.below(table.name)
    names = _layout(folder)
    with reading(folder, names.values(), progress) as counted:

        def opened(key: str, header_lines: int) -> AbstractContextManager[Any]:
            return open_frame(counted, names[key], header_lines)

        arguments = _arguments(opened, names, stressors)
    return table_from(
        folder.where(""), exports=True, **arguments, year=table.year, name=folder.title
    )


def _read_workbook(
    files: Files, table: Candidate, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table from a workbook with one sheet for each DataFrame."""
    title = PurePosixPath(table.name).stem
    with reading(files, [table.name], progress, title) as counted:
        book = Workbook(counted, table.name)
        names = {key: key for key in KEYS if key in book.names}
        _check_one_of_two(lambda sheet: book.where(sheet), names, "")
        sheets = Files(files.path, "", dict.fromkeys(book.names, 0))
        refuse_misnamed(sheets, [key for key in OPTIONAL if key not in names])
        _warn_of_unused(book.file, set(book.names) - set(names))

        def opened(key: str, header_lines: int) -> AbstractContextManager[Any]:
            width = 2 if key in TWO_LEVELS else None
            return nullcontext(SheetFrame(book, key, header_lines, width))

        arguments = _arguments(opened, names, stressors)
    return table_from(book.file, exports=True, **arguments, year=table.year, name=title)


def _layout(folder: Files) -> dict[str, str]:
    """Return the file of each key.

    Raises
    ------
    FormatError
        If CSV and Parquet are mixed, or of two files that say the same both or none are there, or
        one is misnamed.
    """
    there = {(key, suffix): f"{key}{suffix}" for key in KEYS for suffix in SUFFIXES}
    there = {place: name for place, name in there.items() if name in folder}
    suffixes = {suffix for _, suffix in there}
    if len(suffixes) > 1:
        raise FormatError.about(
            folder.where(""),
            expected="all files as CSV or all as Parquet",
            got=shorten(there.values(), len(KEYS)),
            remedy="take one kind away",
        )
    suffix = suffixes.pop()
    names = {key: name for (key, _), name in there.items()}
    _check_one_of_two(folder.where, names, suffix)
    refuse_misnamed(folder, [f"{key}{suffix}" for key in OPTIONAL if key not in names])
    unused = {n for n in folder.sizes if "/" not in n and n.lower().endswith(suffix)}
    _warn_of_unused(folder.where(""), unused - set(names.values()))
    return names


def _check_one_of_two(where: Callable[[str], str], names: dict[str, str], suffix: str) -> None:
    """Raise where of two parts that say the same both or none are there."""
    for first, second in (("Z", "A"), ("F", "S")):
        if (first in names) == (second in names):
            got = "both" if first in names else "neither"
            raise FormatError.about(
                where(f"{first}{suffix}"),
                got=got,
                expected=f"{first}{suffix} or {second}{suffix}",
                remedy=f"keep one: {second} follows from {first} and x"
                if got == "both"
                else "write one of them: there is no table without emissions",
            )


def _warn_of_unused(where: str, unused: set[str]) -> None:
    if unused:
        logger.warning(
            "%s: not read, since no part of a table is called so: %s",
            where,
            shorten(sorted(unused)),
        )


# --- what the files say ---------------------------------------------------------------------

# A key and its header lines, to an open frame.
Opener = Callable[[str, int], AbstractContextManager[Any]]


def _arguments(
    opened: Opener, names: dict[str, str], wanted: Sequence[str] | None
) -> dict[str, Any]:
    """Return the arguments of `Table`."""
    kind = "Z" if "Z" in names else "A"
    with opened(kind, 2) as frame:
        matrix = _two_level(frame, ROWS, ROWS).matrix(sparse=True)
    with opened("Y", 2) as frame:
        Y = _two_level(frame, ROWS, DEMAND).matrix(most_rows=len(matrix.rows))
    check_same_labels(f"{matrix.where}, rows", matrix.rows, "its columns", matrix.columns)
    check_once(matrix.where, "row", matrix.rows)
    _check_as(Y, "rows", Y.rows, matrix, "rows", matrix.rows)
    check_once(Y.where, "column", Y.columns)
    _refuse_misnamed(Y, [region for region, _ in matrix.rows])
    x = _column(opened("x", 1), matrix, matrix.rows) if "x" in names else None
    units = _texts(opened("row_units", 1), matrix, matrix.rows) if "row_units" in names else None
    if units is None:
        logger.warning("%s: no row_units beside it; the units of rows are unknown", matrix.where)
    population = None
    if "population" in names:
        labels = [*matrix.rows, *Y.columns]
        regions = [(region,) for region in dict.fromkeys(region for region, _ in labels)]
        population = _column(opened("population", 1), matrix, regions, np.nan)
    return {
        kind: matrix.values,
        "x": x,
        "Y": Y.values,
        "regions": [region for region, _ in matrix.rows],
        "sectors": [sector for _, sector in matrix.rows],
        "demand": Y.columns,
        "row_units": units,
        "population": population,
        **_emissions(opened, names, matrix, Y, wanted),
    }


def _emissions(
    opened: Opener,
    names: dict[str, str],
    matrix: TextTable,
    Y: TextTable,
    wanted: Sequence[str] | None,
) -> dict[str, Any]:
    kind = "F" if "F" in names else "S"
    some = None if wanted is None else frozenset(wanted)

    def keep(label: Label) -> bool:
        return some is None or join_levels(label) in some

    with opened(kind, 2) as frame:
        main = _stressors(_not_transposed(frame, matrix)).matrix(keep=keep)
    _check_as(main, "columns", main.columns, matrix, "rows", matrix.rows)
    stressors = [join_levels(label) for label in main.rows]
    check_once(main.where, "stressor", [(name,) for name in stressors])
    if wanted is not None:
        find_stressors(wanted, stressors, stressors)  # raises for an unknown one
    F_Y = None
    if "F_Y" in names:
        with opened("F_Y", 2) as frame:
            direct = _stressors(frame).matrix(keep=keep, most_rows=len(main.rows))
        _check_as(direct, "rows", direct.rows, main, "rows", main.rows)
        _check_as(direct, "columns", direct.columns, Y, "columns", Y.columns)
        F_Y = direct.values
    arguments = {kind: main.values, "F_Y": F_Y, "stressors": [stressors[at] for at in main.kept]}
    for key in ("stressor_units", "extensions"):
        if key in names:
            texts = _texts(opened(key, 1), main, [(name,) for name in stressors])
            arguments[key] = [texts[at] for at in main.kept]
        elif key == "stressor_units":
            logger.warning(
                "%s: no %s beside it; the units of stressors are unknown", main.where, key
            )
    return arguments


def _two_level(frame: Any, rows: tuple[str, str], columns: tuple[str, str]) -> Any:
    """Return the frame if its labels have two levels, not in the wrong order."""
    for what, names, expected in (("rows", frame.index, rows), ("columns", frame.levels, columns)):
        if len(names) != 2 or names == [expected[1], expected[0]]:
            got = f"{len(names)}" if len(names) != 2 else f"{names[0]}, {names[1]}"
            raise FormatError.about(
                f"{frame.where}, labels of {what}",
                got=got,
                expected=f"the two levels {expected[0]}, {expected[1]}",
                remedy="write a DataFrame with a MultiIndex of these two",
            )
    return frame


def _not_transposed(frame: Any, matrix: TextTable) -> Any:
    """Return the frame if its rows are stressors, not the rows of the table."""
    rows = [name.strip().lower() for name in frame.index] == list(ROWS)
    if not rows and len(frame.levels) == 2 and frame.columns:
        # One level of columns takes one line, so that the second is a row, or names the rows.
        second = (frame.levels[1], frame.columns[0][1])
        named = not any(label[1].strip() for label in frame.columns)
        rows = second == matrix.rows[0] or (named and second[0].strip().lower() == ROWS[0])
    if rows:
        raise FormatError.about(
            f"{frame.where}, labels of rows",
            expected="the names of stressors",
            got="regions and sectors",
            remedy="it is transposed: write its transpose, .T",
        )
    return frame


def _stressors(frame: Any) -> Any:
    """Return the frame if no level of its index holds units."""
    if any(name.strip().lower() in UNIT_LEVELS for name in frame.index):
        raise FormatError.about(
            f"{frame.where}, labels of rows",
            expected="the names of stressors alone",
            got=f"a level {frame.index[-1]!r}",
            remedy="put the units into a file stressor_units of their own",
        )
    return frame


def _column(
    opened: AbstractContextManager[Any],
    table: TextTable,
    rows: Sequence[Label],
    empty_value: float = 0.0,
) -> FloatArray:
    """Return the numbers of a frame with one column, whose rows are those of the table."""
    levels = len(rows[0])
    with opened as frame:
        if (len(frame.index), len(frame.columns)) != (levels, 1):
            raise FormatError.about(
                frame.where,
                remedy="keep the labels and this column",
                expected=f"{levels} level(s) of labels and one column of numbers",
                got=f"{len(frame.index)} level(s) and {len(frame.columns)} column(s)",
            )
        column = frame.matrix(empty_value=empty_value, most_rows=len(rows))
    _check_as(column, "rows", column.rows, table, "labels", rows)
    values: FloatArray = column.values[:, 0]
    return values


def _texts(
    opened: AbstractContextManager[Any], table: TextTable, rows: Sequence[Label]
) -> list[str]:
    """Return the texts of a frame; its rows are those of the table, joined or in levels."""
    with opened as frame:
        if len(frame.columns) != 1:
            raise FormatError.about(
                frame.where,
                expected="one column",
                got=str(len(frame.columns)),
                remedy="write one column of texts",
            )
        labels, texts = frame.texts()
    if rows and len(rows[0]) == 1:
        labels = [(join_levels(label),) for label in labels]
    check_same_labels(f"{frame.where}, rows", labels, f"the rows of {table.where}", rows)
    return list(texts)


def _check_as(
    table: TextTable,
    what: str,
    labels: Sequence[Label],
    other: TextTable,
    whose: str,
    expected: Sequence[Label],
) -> None:
    reference = f"the {whose} of {other.where}"
    check_same_labels(f"{table.where}, {what}", labels, reference, expected)


def _refuse_misnamed(Y: TextTable, regions: Sequence[str]) -> None:
    """Refuse columns of Y whose region has rows under another name."""
    where, consumers = f"{Y.where}, columns", [region for region, _ in Y.columns]
    try:
        refuse_misnamed_consumers(where, consumers, list(dict.fromkeys(regions)), first=1)
    except LabelError as error:
        raise passed_on(error, FormatError, error.argument) from error


FORMAT = Format(
    find_plain,
    read_plain,
    "Y.csv or Y.parquet, with Z or A beside it, or a workbook (xlsx) with these sheets: one's own",
)
