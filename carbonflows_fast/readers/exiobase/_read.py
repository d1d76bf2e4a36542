"""Reader and writer of EXIOBASE 3 and of what pymrio saves, in a folder or a zip.

A root with Y.txt, Z.txt or A.txt, x.txt and unit.txt, and one sub-folder for each extension with
F.txt, F_Y.txt (F_hh.txt in releases before 3.8) and unit.txt. `file_parameters.json` may name
the files; it may be missing. pymrio saves Parquet in the same layout. Releases 3.4 to 3.7 have
neither Z nor x: x is then solved from (I − A) x = Y·1 when it is first asked for, as users of
these releases do. Accounts that are saved as well (S, M, D_cba, …) are not read. Release 3.10.2
has empty cells in air_emissions, which are zero where `blanks="zero"` says so.

Tried on real tables in this layout and one real extension; on the releases themselves, whose
folders and defects tests imitate, not yet. Supply and use tables go to `_supply_use`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._layouts._text import Label, TextTable, check_same_labels, show
from carbonflows_fast.readers._sources._candidates import Candidate, Format, folder_year, outermost
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.exiobase._extensions import (
    Emissions,
    extension_files,
    read_emissions,
    rows_of,
)
from carbonflows_fast.readers.exiobase._file_parameters import PARAMETERS, FileParameters
from carbonflows_fast.readers.exiobase._files import (
    PARQUET,
    PICKLE,
    TEXT,
    read_numbers,
    read_unit_column,
)
from carbonflows_fast.readers.exiobase._supply_use import MRSUT, read_supply_use
from carbonflows_fast.readers.mario._find import is_mario
from carbonflows_fast.table import Table

__all__ = ["FORMAT"]

logger = logging.getLogger(__name__)

MARKER = "Y.txt"
OPTIONAL = ("x", "unit", "population")
EXPORTS = "Exports: Total (fob)"
DEFAULT_CATEGORY = "final demand"  # where Y has one column for each region and no categories


@dataclass(frozen=True)
class _Core:
    """What is in the root folder."""

    matrix: TextTable
    kind: str  # "Z" or "A"
    Y: TextTable
    x: FloatArray | None
    row_units: list[str] | None
    population: FloatArray | None


def find_exiobase(files: Files) -> list[Candidate]:
    """Return the folders that hold a table, but for those inside another one.

    Folders that MARIO wrote are none. Supply and use tables are there where nothing else is.
    """
    split = [name.rpartition("/") for name in files.sizes]
    folders = [(f"{head}{slash}", tail) for head, slash, tail in split]
    roots = {root for root, name in folders if _marks_table(files, root, name)}
    roots = {root for root in roots if not is_mario(files, root)}
    if not roots:
        supply = {root for root, name in folders if name == MRSUT[0]}
        roots = {root for root in supply if all(root + name in files for name in MRSUT)}
    # Of a folder that is listed in part the extensions would be lost.
    outer = [root for root in outermost(roots) if files.is_whole(root)]
    return [Candidate(root, folder_year(files.below(root))) for root in outer]


def _marks_table(files: Files, root: str, name: str) -> bool:
    """Return whether a file is the Y of a table; other names than Y.txt are pymrio's alone."""
    stem, dot, suffix = name.partition(".")
    known = stem == "Y" and dot + suffix in (*TEXT, *PARQUET, *PICKLE)
    return name == MARKER or (known and root + PARAMETERS in files)


def read_exiobase(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table in the layout of EXIOBASE 3 and pymrio.

    Z is read where both Z and A are there. Labels are taken as they are, but for the three-letter
    region codes in some years of release 3.4, where all 49 are recognised. Rows and columns must
    agree in order in all files. Empty cells are refused, or count as zero if `files.blanks` says
    so: release 3.10.2 has some in air_emissions/F, in 2015 a whole column, which is a fault of the
    release and no way to write zero. Logged as warnings are how many counted as zero, final users'
    emissions that some extensions lack, and exports that are not zero. F is
    in the units of each extension's unit.txt, everything else in those of the root's. Stressors
    are named by their labels, joined with " | "; one that several extensions have gets the
    extension's folder name in front ("emissions: CO2"). The numbers of stressors that are not
    wanted are not parsed.

    Raises
    ------
    FormatError
        If a file is missing, misnamed, damaged or cut short, a cell is no finite number, labels
        disagree, or a stressor occurs twice in one extension; it names file and place.
    LabelError
        If a wanted stressor does not exist; it lists the nearest.
    """
    folder = files.below(table.name)
    if _is_supply_use(folder):
        return read_supply_use(folder, stressors=stressors, progress=progress)
    parameters = FileParameters.read(folder, "")
    matrix_key = "Z" if parameters.find("Z") else "A"
    extensions = extension_files(folder)
    parameters.refuse_misnamed(*(key for key in OPTIONAL if parameters.find(key) is None))
    names = [parameters.find(key) for key in (matrix_key, "Y", "x", "unit")]
    names += [name for extension in extensions for name in extension.names]
    with reading(folder, names, progress) as counted:
        core = _read_core(counted, parameters, matrix_key)
        emissions = read_emissions(
            counted, extensions, core.matrix.columns, core.Y.columns, stressors
        )
    metadata = folder.json("metadata.json")
    return _table(folder, core, emissions, metadata)


def _is_supply_use(folder: Files) -> bool:
    return MRSUT[0] in folder and not any(_marks_table(folder, "", name) for name in folder.sizes)


# --- the root folder ------------------------------------------------------------------------


def _read_core(folder: Files, parameters: FileParameters, kind: str) -> _Core:
    name = parameters.find(kind)
    if name is None:
        raise FormatError.about(
            folder.where("Z.txt"),
            expected="Z.txt or A.txt beside Y.txt",
            got="neither",
            remedy="restore one of them",
        )
    matrix = _read(folder, parameters, kind, name, sparse=True)
    where = matrix.where
    if len(matrix.columns[0]) != 2 or (matrix.rows and len(matrix.rows[0]) != 2):
        raise FormatError.about(
            where,
            expected="region and sector as labels of rows and columns",
            got=f"row {show(matrix.rows[0] if matrix.rows else ())}, "
            f"column {show(matrix.columns[0])}",
            remedy="correct nr_index_col and nr_header in file_parameters.json, both 2",
        )
    check_same_labels(f"{where}, rows", matrix.rows, "its columns", matrix.columns)
    Y = _read(folder, parameters, "Y", parameters.find("Y") or MARKER, most_rows=len(matrix.rows))
    check_same_labels(f"{Y.where}, rows", Y.rows, f"the rows of {where}", matrix.rows)
    _warn_of_exports(Y)
    return _Core(
        matrix,
        kind,
        Y,
        _read_output(folder, parameters, matrix),
        _read_row_units(folder, parameters, matrix),
        _read_population(folder, parameters, [*matrix.rows, *Y.columns]),
    )


def _warn_of_exports(Y: TextTable) -> None:
    """Log exports that are not zero: Z and Y already contain trade, as purchases."""
    columns = [at for at, label in enumerate(Y.columns) if label[-1] == EXPORTS]
    exports = Y.values[:, columns]
    if exports.any():
        logger.warning(
            "%s: %d cells of %r are not zero, %.6g in sum; they count as final demand",
            Y.where,
            np.count_nonzero(exports),
            EXPORTS,
            exports.sum(),
        )


def _read(
    folder: Files, parameters: FileParameters, key: str, name: str, **options: Any
) -> TextTable:
    label_columns, header_lines = parameters.shape(key)
    return read_numbers(
        folder, name, label_columns=label_columns, header_lines=header_lines, **options
    )


def _read_output(folder: Files, parameters: FileParameters, matrix: TextTable) -> FloatArray | None:
    """Return x, None where there is no such file."""
    name = parameters.find("x")
    if name is None:
        return None
    x = read_numbers(folder, name, label_columns=2, header_lines=1, most_rows=len(matrix.rows))
    check_same_labels(f"{x.where}, rows", x.rows, f"the rows of {matrix.where}", matrix.rows)
    if len(x.columns) != 1:
        raise FormatError.about(
            x.where,
            expected="one column of numbers",
            got=str(len(x.columns)),
            remedy="keep region, sector and output",
        )
    values: FloatArray = x.values[:, 0]
    return values


def _read_row_units(
    folder: Files, parameters: FileParameters, matrix: TextTable
) -> list[str] | None:
    name = parameters.find("unit")
    if name is None:
        logger.warning("%s: no unit.txt; the units of rows are unknown", folder.where(""))
        return None
    labels, units = read_unit_column(folder, name, 2)
    where = folder.where(name)
    check_same_labels(f"{where}, rows", labels, f"the rows of {matrix.where}", matrix.rows)
    return units


def _read_population(
    folder: Files, parameters: FileParameters, labels: Sequence[Label]
) -> FloatArray | None:
    """Return heads by region in order of first appearance, NaN where unknown."""
    name = parameters.find("population")
    if name is None:
        return None
    heads = read_numbers(folder, name, label_columns=1, header_lines=1, empty_value=np.nan)
    regions = list(dict.fromkeys(label[0] for label in labels))
    columns = [label[0] for label in heads.columns]
    unknown = sorted(set(columns) - set(regions))
    if unknown or len(heads.rows) != 1 or len(set(columns)) != len(columns):
        raise FormatError.about(
            heads.where,
            expected="one row with one column for each region",
            got=f"{len(heads.rows)} row(s), {len(columns)} column(s)"
            + (f", among them {unknown[0]!r}" if unknown else ""),
            remedy="restore the file, or delete it: the reader does without",
        )
    by_region = dict(zip(columns, heads.values[0].tolist(), strict=True))
    return np.array([by_region.get(region, np.nan) for region in regions])


# --- the table ------------------------------------------------------------------------------


def _table(folder: Files, core: _Core, emissions: Emissions, metadata: dict[str, Any]) -> Table:
    order = _stressor_order(emissions.names, metadata)
    if core.kind == "A" and core.x is None:
        logger.info("%s: A without x; x is solved from A and Y when asked for", folder.where(""))
    return table_from(
        folder.where(""),
        exports=True,
        **{core.kind: core.matrix.values},
        x=core.x,
        Y=core.Y.values,
        **{emissions.kind: rows_of(emissions.values, order)},
        F_Y=None if emissions.F_Y is None else rows_of(emissions.F_Y, order),
        regions=[region for region, _ in core.matrix.rows],
        sectors=[sector for _, sector in core.matrix.rows],
        demand=[_demand(label) for label in core.Y.columns],
        stressors=[emissions.names[at] for at in order],
        extensions=[emissions.extensions[at] for at in order],
        stressor_units=[emissions.units[at] for at in order],
        row_units=core.row_units,
        population=core.population,
        year=_year(folder, metadata),
        name=_name(folder, metadata),
    )


def _demand(label: Label) -> tuple[str, str]:
    return (label[0], label[1]) if len(label) > 1 else (label[0], DEFAULT_CATEGORY)


def _stressor_order(names: Sequence[str], metadata: dict[str, Any]) -> list[int]:
    """Return the order that `write_exiobase` noted; folders alone would come alphabetically."""
    noted = metadata.get("stressor_order")
    places = {name: at for at, name in enumerate(noted)} if isinstance(noted, list) else {}
    return sorted(range(len(names)), key=lambda at: places.get(names[at], len(places)))


def _name(folder: Files, metadata: dict[str, Any]) -> str:
    parts = [metadata.get(key) for key in ("name", "system", "version")]
    if all(part is None for part in parts):
        return folder.title
    return " ".join(str(part) for part in parts if part)


def _year(folder: Files, metadata: dict[str, Any]) -> int | None:
    """Return the year in the metadata, else in the name of the zip or folder, if it has one."""
    if "year" in metadata:
        year = metadata["year"]
        return int(year) if str(year).isdecimal() else None
    return folder_year(folder)


FORMAT = Format(
    find_exiobase,
    read_exiobase,
    "Y.txt, with Z.txt or A.txt beside it and sub-folders with F.txt: EXIOBASE 3, or what pymrio "
    "saves as text or Parquet; or supply.csv, use.csv, final_demand.csv and value_added.csv; "
    "at the top or below a prefix folder",
)
