"""Reader and writer of the EXIOBASE 3 / pymrio text layout, in a folder or a zip.

A root with Y.txt, Z.txt or A.txt, x.txt and unit.txt, and one sub-folder for each extension with
F.txt, F_Y.txt (F_hh.txt in releases before 3.8) and unit.txt. `file_parameters.json` may name
the files; it may be missing. Releases 3.4 to 3.7 have neither Z nor x: x is then solved from
(I − A) x = Y·1 when it is first asked for, as users of these releases do.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._parts import FloatArray
from carbonflows_fast._progress import progress_bar
from carbonflows_fast.errors import FormatError, InputError, wrong
from carbonflows_fast.readers._assemble import assemble
from carbonflows_fast.readers._choice import Candidate, Megabytes, year_in
from carbonflows_fast.readers._exiobase_extensions import Emissions, extension_files, read_emissions
from carbonflows_fast.readers._exiobase_write import write_exiobase
from carbonflows_fast.readers._files import Files
from carbonflows_fast.readers._parameters import FileParameters
from carbonflows_fast.readers._text import (
    Label,
    TextTable,
    check_same_labels,
    read_matrix,
    read_units,
    show,
)
from carbonflows_fast.table import Table

__all__ = ["LOOKED_FOR", "find_exiobase", "read_exiobase", "write_exiobase"]

logger = logging.getLogger(__name__)

MARKER = "Y.txt"
LOOKED_FOR = (
    "Y.txt, with Z.txt or A.txt beside it and sub-folders with F.txt: EXIOBASE 3 / pymrio text, "
    "at the top or below a prefix folder"
)
DEFAULT_CATEGORY = "final demand"  # where Y has one column for each region and no categories


@dataclass(frozen=True)
class _Core:
    """What stands in the root folder."""

    matrix: TextTable
    kind: str  # "Z" or "A"
    Y: TextTable
    x: FloatArray | None
    row_units: list[str] | None
    population: FloatArray | None


def find_exiobase(files: Files) -> list[Candidate]:
    """Return the folders that hold a table, those nearest to the top."""
    roots = [n.removesuffix(MARKER) for n in files.sizes if f"/{n}".endswith(f"/{MARKER}")]
    depth = min((root.count("/") for root in roots), default=0)
    highest = sorted(root for root in roots if root.count("/") == depth)
    return [Candidate(root, year_in(files.path.stem, root)) for root in highest]


def read_exiobase(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table in the EXIOBASE 3 / pymrio text layout.

    Z is read where both Z and A are there. Labels are taken as they are. Rows and columns must
    agree in order in all files. Empty cells count as zero; how many is logged as a warning. F is
    in the units of each extension's unit.txt, everything else in those of the root's. Stressors
    are named by their labels, joined with " | "; one that several extensions have gets the
    extension's folder name in front ("emissions: CO2"). The numbers of stressors that are not
    wanted are not parsed.

    Raises
    ------
    FormatError
        If a file is missing, damaged or cut short, a cell is no finite number, labels disagree,
        or a stressor stands twice in one extension; it names file and place.
    LabelError
        If a wanted stressor does not exist; it lists the nearest.
    """
    folder = files.below(table.name)
    parameters = FileParameters.read(folder, "")
    matrix_key = "Z" if parameters.find("Z", "Z.txt") else "A"
    extensions = extension_files(folder)
    names = [parameters.find(key, f"{key}.txt") for key in (matrix_key, "Y", "x", "unit")]
    names += [name for extension in extensions for name in extension.names]
    megabytes = sum(folder.sizes.get(name, 0) for name in names if name) // 1_000_000
    with progress_bar(f"Reading {files.path.name} (MB)", megabytes, progress) as bar:
        counted = folder.counting(Megabytes(bar.advance))
        core = _read_core(counted, parameters, matrix_key)
        emissions = read_emissions(
            counted, extensions, core.matrix.columns, core.Y.columns, stressors
        )
    metadata = folder.json("metadata.json")
    return _table(folder, core, emissions, metadata)


# --- the root folder ------------------------------------------------------------------------


def _read_core(folder: Files, parameters: FileParameters, kind: str) -> _Core:
    name = parameters.find(kind, f"{kind}.txt")
    if name is None:
        raise FormatError(
            wrong(
                folder.where("Z.txt"),
                expected="Z.txt or A.txt beside Y.txt",
                got="neither",
                remedy="restore one of them",
            )
        )
    matrix = _read(folder, parameters, kind, name, sparse=True)
    where = matrix.where
    if len(matrix.columns[0]) != 2 or (matrix.rows and len(matrix.rows[0]) != 2):
        raise FormatError(
            wrong(
                where,
                expected="region and sector as labels of rows and columns",
                got=f"row {show(matrix.rows[0] if matrix.rows else ())}, "
                f"column {show(matrix.columns[0])}",
                remedy="correct nr_index_col and nr_header in file_parameters.json, both 2",
            )
        )
    check_same_labels(f"{where}, rows", matrix.rows, "its columns", matrix.columns)
    Y = _read(folder, parameters, "Y", parameters.find("Y", MARKER) or MARKER)
    check_same_labels(f"{Y.where}, rows", Y.rows, f"the rows of {where}", matrix.rows)
    return _Core(
        matrix,
        kind,
        Y,
        _read_output(folder, parameters, matrix),
        _read_row_units(folder, parameters, matrix),
        _read_population(folder, parameters, matrix),
    )


def _read(
    folder: Files, parameters: FileParameters, key: str, name: str, **options: Any
) -> TextTable:
    label_columns, header_lines = parameters.shape(key)
    return read_matrix(
        folder, name, label_columns=label_columns, header_lines=header_lines or 2, **options
    )


def _read_output(folder: Files, parameters: FileParameters, matrix: TextTable) -> FloatArray | None:
    """Return x, None where there is no such file."""
    name = parameters.find("x", "x.txt")
    if name is None:
        return None
    x = read_matrix(folder, name, label_columns=2, header_lines=1)
    check_same_labels(f"{x.where}, rows", x.rows, f"the rows of {matrix.where}", matrix.rows)
    if len(x.columns) != 1:
        raise FormatError(
            wrong(
                x.where,
                expected="one column of numbers",
                got=str(len(x.columns)),
                remedy="keep region, sector and output",
            )
        )
    values: FloatArray = x.values[:, 0]
    return values


def _read_row_units(
    folder: Files, parameters: FileParameters, matrix: TextTable
) -> list[str] | None:
    name = parameters.find("unit", "unit.txt")
    if name is None:
        logger.warning("%s: no unit.txt; the units of rows are unknown", folder.where(""))
        return None
    labels, units = read_units(folder, name, 2)
    where = folder.where(name)
    check_same_labels(f"{where}, rows", labels, f"the rows of {matrix.where}", matrix.rows)
    return units


def _read_population(
    folder: Files, parameters: FileParameters, matrix: TextTable
) -> FloatArray | None:
    """Return heads by region in order of first appearance, NaN where unknown."""
    name = parameters.find("population", "population.txt")
    if name is None:
        return None
    heads = read_matrix(folder, name, label_columns=1, header_lines=1, empty_value=np.nan)
    regions = list(dict.fromkeys(region for region, _ in matrix.rows))
    columns = [label[0] for label in heads.columns]
    unknown = sorted(set(columns) - set(regions))
    if unknown or len(heads.rows) != 1 or len(set(columns)) != len(columns):
        raise FormatError(
            wrong(
                heads.where,
                expected="one row with one column for each region",
                got=f"{len(heads.rows)} row(s), {len(columns)} column(s)"
                + (f", among them {unknown[0]!r}" if unknown else ""),
                remedy="restore the file, or delete it: the reader does without",
            )
        )
    by_region = dict(zip(columns, heads.values[0].tolist(), strict=True))
    return np.array([by_region.get(region, np.nan) for region in regions])


# --- the table ------------------------------------------------------------------------------


def _table(folder: Files, core: _Core, emissions: Emissions, metadata: dict[str, Any]) -> Table:
    order = _stressor_order(emissions.names, metadata)
    if core.kind == "A" and core.x is None:
        logger.info("%s: A without x; x is solved from A and Y when asked for", folder.where(""))
    try:
        return assemble(
            kind=core.kind,
            matrix=core.matrix.values,
            x=core.x,
            Y=core.Y.values,
            **{emissions.kind: emissions.values[order]},
            F_Y=None if emissions.F_Y is None else emissions.F_Y[order],
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
    except InputError as error:
        raise FormatError(f"{folder.where('')}: {error}") from error


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
        return folder.root.rstrip("/").rsplit("/", 1)[-1] or folder.path.stem
    return " ".join(str(part) for part in parts if part)


def _year(folder: Files, metadata: dict[str, Any]) -> int | None:
    """Return the year in the metadata, else in the name of the zip or folder, if it has one."""
    if "year" in metadata:
        year = metadata["year"]
        return int(year) if str(year).isdecimal() else None
    return year_in(folder.path.stem, folder.root)
