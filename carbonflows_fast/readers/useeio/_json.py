"""Reads a model from a folder of JSON files.

A.json with sectors.json and q.json; indicators in D.json, flows in B.json; final demand in
demands/, listed in demands.json. Matrices may be in a folder of their own, matrix/, as in
ModelEarth/io. Tried on USEEIO v2.0.1-411, GAEEIO v1.0 and others of that collection.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.useeio._find import matrix_file
from carbonflows_fast.readers.useeio._model import Model, model_table
from carbonflows_fast.table import Table

__all__ = ["read_json"]


class _Extension(NamedTuple):
    """Intensities by sector: their file, and the list that names its rows."""

    name: str
    matrix: str
    list: str
    label: str  # the key of a row's name


EXTENSIONS = (
    _Extension("indicators", "D.json", "indicators.json", "code"),
    _Extension("flows", "B.json", "flows.json", "id"),
)


def read_json(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a model: A, the output of commodities q for x, and D and B for S.

    Regions are the locations. Sectors are called by their names, or by their codes where a
    location has one name twice. Stressors are the indicators, called by their codes ("GHG"), and
    where B.json is there the flows, called by their ids ("Carbon dioxide/emission/air/kg"), in
    the extensions "indicators" and "flows". Units are the published ones per USD, so F = S x̂ has
    them without it.

    q is what the model's demand of type Production calls for, all locations together: L·y = q to
    1e-5 of its sum in both models. That is Consumption, plus exports, less imports, plus changes
    of inventories. So each location has two columns in Y, "Consumption" as published and
    "Production - Consumption" for the rest. The table balances with both; with
    `demand=[(location, "Consumption"), …]` a question is about the published vectors alone, which
    differ from production by a tenth. Imports count as made at home, as A of the complete system
    has them. The vectors of the domestic system belong to an A that is not there, and are left
    out.

    Raises
    ------
    FormatError
        If a file is missing or damaged, or a number, a label or a vector of demand is wrong.
    LabelError
        If a wanted stressor does not exist.
    """
    folder = files.below(table.name)
    matrices = ["A.json", *(extension.matrix for extension in EXTENSIONS)]
    with reading(folder, [matrix_file(folder, name) for name in matrices], progress) as folder:
        sectors = _in_order(folder, "sectors.json", "id", "name", "code", "location")
        n = len(sectors)
        A = _matrix(folder, "A.json", n, n)
        q = _matrix(folder, "q.json", n, 1)
        model = Model(
            where=folder.where(""),
            demands=folder.where("demands.json"),
            sectors=sectors,
            A=A,
            x=q[:, 0],
            listed=_records(folder, "demands.json", ["id", "type", "system", "location"], ["year"]),
            vector=lambda name: _vector(folder, f"demands/{name}.json", sectors),
            blocks=_stressor_blocks(folder, n),
        )
        return model_table(model, stressors=stressors, year=table.year, name=folder.title)


# --- emissions and demand -------------------------------------------------------------------


def _stressor_blocks(folder: Files, n: int) -> list[StressorBlock]:
    """Return indicators and flows, those that are there."""
    there = [
        extension for extension in EXTENSIONS if matrix_file(folder, extension.matrix) in folder
    ]
    if not there:
        raise FormatError.about(
            folder.where("D.json"),
            expected="D.json, B.json or both",
            got="neither",
            remedy="restore them: they hold what an output of one USD causes",
        )
    return [_stressor_block(folder, extension, n) for extension in there]


def _stressor_block(folder: Files, extension: _Extension, n: int) -> StressorBlock:
    rows = _in_order(folder, extension.list, extension.label, "unit")
    return StressorBlock(
        [row[extension.label] for row in rows],
        [extension.name] * len(rows),
        [row["unit"] for row in rows],
        lambda chosen: (_matrix(folder, extension.matrix, len(rows), n)[chosen], None),
    )


def _vector(folder: Files, name: str, sectors: Sequence[dict[str, Any]]) -> FloatArray:
    """Return the amounts of a demand in the order of the sectors."""
    entries = _records(folder, name, ["sector"])
    given = [entry["sector"] for entry in entries]
    ids = [sector["id"] for sector in sectors]
    if sorted(given) != sorted(ids):
        odd = (set(given) ^ set(ids)) or {one for one in given if given.count(one) > 1}
        raise FormatError.about(
            folder.where(name),
            expected=f"each of the {len(ids)} sectors once",
            got=f"{len(given)} entries, of which do not fit {shorten(sorted(odd))}",
            remedy="restore the file",
        )
    cells = [[entry.get("amount")] for entry in entries]
    amounts = _numbers(folder.where(name), cells, "amount of entry {}")
    position = {sector: at for at, sector in enumerate(given)}
    ordered: FloatArray = amounts[[position[sector] for sector in ids], 0]
    return ordered


# --- JSON -----------------------------------------------------------------------------------


def _required(folder: Files, name: str, cells: int | None = None) -> list[Any]:
    if name not in folder:
        folder.open(name)  # raises
    content: list[Any] = folder.json(name, list, cells)
    return content


def _records(
    folder: Files, name: str, texts: Sequence[str], whole_numbers: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """Return a list of objects that have these keys, with texts or whole numbers as values."""
    records = _required(folder, name)
    kinds = {**dict.fromkeys(texts, str), **dict.fromkeys(whole_numbers, int)}
    for at, record in enumerate(records, start=1):
        for key, kind in kinds.items():
            value = record.get(key) if isinstance(record, dict) else record
            if type(value) is not kind:
                what = "a text" if kind is str else "a whole number"
                raise FormatError.about(
                    f"{folder.where(name)}, entry {at}",
                    expected=f"{what} for {key!r}",
                    got=repr(value)[:80],
                    remedy="restore the file",
                )
    return records


def _in_order(folder: Files, name: str, *texts: str) -> list[dict[str, Any]]:
    """Return the objects by their index, which counts the rows of matrices."""
    records = sorted(_records(folder, name, texts, ["index"]), key=lambda one: one["index"])
    for at, record in enumerate(records):
        if record["index"] != at:
            raise FormatError.about(
                folder.where(name),
                expected=f"every index from 0 to {len(records) - 1} once",
                got=f"{record['index']} in place of {at}",
                remedy="restore the file",
            )
    return records


def _matrix(folder: Files, name: str, rows: int, columns: int) -> FloatArray:
    """Return a list of rows as an array (rows, columns)."""
    name = matrix_file(folder, name)
    where = folder.where(name)
    content = _required(folder, name, cells=rows * columns)
    if len(content) != rows:
        raise FormatError.about(
            where,
            expected=f"{rows} rows",
            got=str(len(content)),
            remedy="the file is cut short or belongs to another model: restore it",
        )
    for at, row in enumerate(content, start=1):
        if not isinstance(row, list) or len(row) != columns:
            got = f"{len(row)}" if isinstance(row, list) else repr(row)[:80]
            raise FormatError.about(
                f"{where}, row {at}",
                expected=f"a list of {columns} numbers",
                got=got,
                remedy="the file is damaged or belongs to another model: restore it",
            )
    return _numbers(where, content).reshape(rows, columns)


def _numbers(where: str, rows: Sequence[list[Any]], place: str = "row {}, column {}") -> FloatArray:
    """Return rows of one length as an array; text, true, null, NaN and infinity are refused."""
    try:
        if set(map(type, chain.from_iterable(rows))) <= {int, float}:
            array = np.array(rows, dtype=np.float64)
            if np.isfinite(array).all():
                return array
    except OverflowError:  # a whole number beyond float64
        pass
    at, column, cell = next(
        (at, column, cell)
        for at, row in enumerate(rows, start=1)
        for column, cell in enumerate(row, start=1)
        if not (type(cell) in (int, float) and abs(cell) <= sys.float_info.max)
    )
    raise FormatError.about(
        f"{where}, {place.format(at, column)}",
        expected="a finite number",
        got=repr(cell)[:80],
        remedy="restore the file",
    )
