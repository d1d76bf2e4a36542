"""Writer of the EXIOBASE 3 / pymrio text layout: what it writes, the reader reads back equal."""

from __future__ import annotations

import contextlib
import json
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.files import appearing, check_new, given_path
from carbonflows_fast.errors import InputError
from carbonflows_fast.readers._into_table._stressor_names import bare_names
from carbonflows_fast.table import Table
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._table_argument import required_table

__all__ = ["write_exiobase"]

# Opens a file of the new table for writing, by its name in the table's folder.
Opener = Callable[[str], contextlib.AbstractContextManager[IO[bytes]]]

RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")  # device names on Windows
UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
LINE_BREAK = re.compile(r"[\r\n]")


def write_exiobase(table: Table, path: str | Path) -> None:
    """Write a table in the EXIOBASE 3 / pymrio text layout, so that reading it gives it back.

    Z and x are written where the table was made from Z, A and x otherwise (x only if it is
    known); F or S likewise. Numbers are written with as many digits as it takes to read the same
    bits. pymrio reads the result.

    Parameters
    ----------
    table : Table
    path : str or Path
        A new folder (or an empty one), or a new file ending in ".zip". It appears when all is
        written; after a failure nothing is left.

    Raises
    ------
    InputError
        If the target exists or cannot be written, an extension's name cannot be that of a
        folder, or a label holds a line break.

    Examples
    --------
    >>> import tempfile
    >>> from carbonflows_fast.readers import read
    >>> table = Table(Z=[[10.0]], Y=[[90.0]], F=[[5.0]], regions=["DE"], sectors=["all"],
    ...               stressors=["CO2"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_exiobase(table, f"{folder}/small.zip")
    ...     read(f"{folder}/small.zip", progress=False).equals(table)
    True
    """
    required_table("table", table)
    path = given_path("path", path)
    folders = _extension_folders(table.extensions)
    _check_labels(table.content)
    check_new(path, "path")
    with _new(path) as opener:
        _write_root(table, opener)
        for extension, rows in folders.items():
            _write_extension(table, extension, rows, opener)


# --- checks ---------------------------------------------------------------------------------


def _extension_folders(extensions: Sequence[str]) -> dict[str, list[int]]:
    """Return the rows of each extension; its name becomes that of a folder."""
    folders: dict[str, list[int]] = {}
    for row, extension in enumerate(extensions):
        folders.setdefault(extension, []).append(row)
    seen: dict[str, str] = {}
    for extension in folders:
        why = ""
        if not extension or extension[0] in ". " or extension[-1] in ". " or len(extension) > 120:
            why = "empty, too long, or with a dot or blank at an end"
        elif UNSAFE.search(extension) or extension == "__MACOSX":
            why = "with a character that file systems refuse"
        elif RESERVED.fullmatch(extension) or extension.lower().endswith((".txt", ".json")):
            why = "reserved for something else"
        elif extension.casefold() in seen:
            why = f"and {seen[extension.casefold()]!r}, one folder where case does not count"
        if why:
            raise InputError.about(
                "table",
                expected="extensions with names that folders can have",
                got=f"{extension!r}: {why}",
                remedy="make the table with other names in extensions=[…]",
            )
        seen[extension.casefold()] = extension
    return folders


def _check_labels(parts: Parts) -> None:
    labels = (
        *parts.regions,
        *parts.sectors,
        *parts.categories,
        *parts.stressors,
        *parts.stressor_units,
        *parts.row_units,
    )
    for label in labels:
        if LINE_BREAK.search(label):
            raise InputError.about(
                "table",
                expected="labels on one line",
                got=repr(label),
                remedy="a text table cannot hold it: rename it, or use cf.save",
            )


# --- the target -----------------------------------------------------------------------------


@contextmanager
def _new(path: Path) -> Iterator[Opener]:
    """Give what opens the new files; all appears under `path` at the end, or nothing does."""
    with appearing(path) as partial:
        if path.suffix.lower() == ".zip":
            with zipfile.ZipFile(partial, "x", zipfile.ZIP_DEFLATED) as archive:
                # At the top: pymrio reads a table below a prefix folder twice over.
                yield lambda name: archive.open(name, "w", force_zip64=True)
        else:
            partial.mkdir()
            yield lambda name: _open_below(partial, name)


def _open_below(folder: Path, name: str) -> IO[bytes]:
    target = folder / name
    target.parent.mkdir(exist_ok=True)
    return open(target, "wb")


# --- what is written ------------------------------------------------------------------------


def _write_root(table: Table, opener: Opener) -> None:
    parts = table.content
    rows = list(table.rows)
    files = {parts.kind: (2, 2), "Y": (2, 2), "unit": (2, 1)}
    matrix = parts.matrix
    if not isinstance(matrix, np.ndarray):
        matrix = matrix.tocsr() if sp.issparse(matrix) else table.A
    with opener(f"{parts.kind}.txt") as stream:
        _write_matrix(stream, ("region", "sector"), ("region", "sector"), rows, rows, matrix)
    with opener("Y.txt") as stream:
        names = ("region", "sector")
        _write_matrix(stream, ("region", "category"), names, list(table.demand), rows, parts.Y)
    with opener("unit.txt") as stream:
        units = [(parts.row_units[code],) for code in parts.row_unit_codes]
        _write_lines(stream, ("region", "sector", "unit"), rows, units)
    if parts.x is not None:
        files["x"] = (2, 1)
        with opener("x.txt") as stream:
            output = [(_number(value),) for value in parts.x.tolist()]
            _write_lines(stream, ("region", "sector", "indout"), rows, output)
    if parts.population is not None:
        files["population"] = (1, 1)
        heads = ["" if value != value else _number(value) for value in parts.population.tolist()]
        with opener("population.txt") as stream:
            _write_lines(stream, ("", *parts.regions), [("Population",)], [heads])
    _write_parameters(opener, "", files, {"systemtype": "IOSystem"})
    _write_json(opener, "metadata.json", _metadata(table))


def _metadata(table: Table) -> dict[str, Any]:
    """Return what pymrio expects, and what the layout has no place for."""
    return {
        "description": "Written by carbonflows_fast",
        "name": table.name,
        "system": None,
        "version": None,
        "year": table.year,
        "stressor_order": list(table.stressors),
        "history": [],
    }


def _write_extension(table: Table, extension: str, rows: list[int], opener: Opener) -> None:
    parts = table.content
    bare = bare_names(parts.stressors, parts.extensions)
    labels = [(bare[row],) for row in rows]
    files = {parts.emissions_kind: (1, 2), "unit": (1, 1)}
    with opener(f"{extension}/{parts.emissions_kind}.txt") as stream:
        values = parts.emissions[rows]
        names = ("region", "sector")
        _write_matrix(stream, names, ("stressor",), list(table.rows), labels, values)
    if parts.F_Y is not None:
        files["F_Y"] = (1, 2)
        with opener(f"{extension}/F_Y.txt") as stream:
            names = ("region", "category")
            columns = list(table.demand)
            _write_matrix(stream, names, ("stressor",), columns, labels, parts.F_Y[rows])
    with opener(f"{extension}/unit.txt") as stream:
        units = [(parts.stressor_units[row],) for row in rows]
        _write_lines(stream, ("stressor", "unit"), labels, units)
    about = {"systemtype": "Extension", "name": extension}
    _write_parameters(opener, f"{extension}/", files, about)


def _write_parameters(
    opener: Opener, prefix: str, files: dict[str, tuple[int, int]], about: dict[str, str]
) -> None:
    listed = {
        key: {"name": f"{key}.txt", "nr_index_col": str(labels), "nr_header": str(headers)}
        for key, (labels, headers) in files.items()
    }
    _write_json(opener, f"{prefix}file_parameters.json", {"files": listed, **about})


def _write_json(opener: Opener, name: str, content: dict[str, Any]) -> None:
    with opener(name) as stream:
        stream.write(json.dumps(content, indent=1, ensure_ascii=False).encode())


# --- lines ----------------------------------------------------------------------------------


def _quoted(label: str) -> str:
    """Quote a label that needs it, as pandas and csv do."""
    if '"' in label or "\t" in label:
        return '"' + label.replace('"', '""') + '"'
    return label


def _number(value: float) -> str:
    """Return the shortest text that is read back as the same bits."""
    return repr(value).removesuffix(".0")


def _write_lines(
    stream: IO[bytes],
    header: Sequence[str],
    labels: Iterable[Sequence[str]],
    cells: Iterable[Sequence[str]],
) -> None:
    """Write a header line, then labels and cells."""
    lines = ["\t".join(map(_quoted, header))]
    for label, texts in zip(labels, cells, strict=True):
        lines.append("\t".join(map(_quoted, (*label, *texts))))
    stream.write(("\n".join(lines) + "\n").encode())


def _write_matrix(
    stream: IO[bytes],
    levels: tuple[str, str],
    names: tuple[str, ...],
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[str]],
    matrix: FloatArray | Any,
) -> None:
    """Write two header lines, the names of the label columns, then a line for each row."""
    blank = [""] * (len(names) - 1)
    for level, name in enumerate(levels):
        header = [name, *blank, *(_quoted(column[level]) for column in columns)]
        stream.write(("\t".join(header) + "\n").encode())
    stream.write(("\t".join([*names, *[""] * len(columns)]) + "\n").encode())
    texts = _dense_rows(matrix) if isinstance(matrix, np.ndarray) else _sparse_rows(matrix)
    for label, text in zip(rows, texts, strict=True):
        prefix = "\t".join(map(_quoted, label))
        stream.write(f"{prefix}\t{text}\n".encode())


def _dense_rows(matrix: FloatArray) -> Iterator[str]:
    for row in matrix:
        text = "\t".join(map(repr, row.tolist()))
        yield text.replace(".0\t", "\t").removesuffix(".0")


def _sparse_rows(matrix: Any) -> Iterator[str]:
    zeros = ["0"] * matrix.shape[1]
    for first, last in zip(matrix.indptr, matrix.indptr[1:], strict=False):
        cells = zeros.copy()
        columns = matrix.indices[first:last].tolist()
        for column, value in zip(columns, matrix.data[first:last].tolist(), strict=True):
            cells[column] = _number(value)
        yield "\t".join(cells)
