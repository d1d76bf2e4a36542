"""Reader of hybrid EXIOBASE (3.3.18): flows in tonnes, terajoules and million EUR.

Flows between products and activities, and final demand, are comma-separated text, with four lines
of column labels (region, name, code, code) and five columns of row labels (region, name, code,
code, unit). Extensions are in a workbook. The text was never at hand: its layout is that which
several published programs read (docs/reference/formats.md).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from itertools import islice

import numpy as np

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock, read_stressors
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    check_once,
    check_same_labels,
    read_matrix,
    split_cells,
)
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.exiobase_hybrid._find import NAMES
from carbonflows_fast.readers.exiobase_hybrid._sheets import extension_blocks
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import with_notes

__all__ = ["read_hybrid"]

logger = logging.getLogger(__name__)

DELIMITER, LABELS, HEADER = ",", 5, 4
DEMAND, PRODUCTION = "FD.csv", "principal_production.csv"
EXTENSIONS = ("extensions.xlsx", "extensions.xlsb", "extensions_together.xlsx")
PRINCIPAL = 4  # lines of the principal products, below those of activities
TAKEN_IN_ORDER = (
    "Activities are taken to be in the order of the products that are their principal ones, since "
    f"{PRODUCTION} was not beside the table."
)


def read_hybrid(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table by product technology, product by product, each row in its own unit.

    Output is what is sold, Z·1 + Y·1. A column is of an activity and belongs to the product in the
    same place, which the file of principal production confirms where it is there. Sectors without
    output that buy or emit are noted: no product has that.

    Raises
    ------
    FormatError
        If a file is missing or damaged, a cell is empty or no number, or labels disagree.
    LabelError
        If a wanted stressor does not exist.
    """
    match = re.fullmatch(NAMES, table.name.rpartition("/")[2], re.IGNORECASE)
    version = "" if match is None else match["version"].replace("_", ".")
    demand = _beside(files, table, [DEMAND]) or _called(table, DEMAND)
    production, workbook = (_beside(files, table, n) for n in ([PRODUCTION], EXTENSIONS))
    with reading(
        files, [table.name, demand, production, workbook], progress, table.name
    ) as counted:
        flows = read_matrix(
            counted,
            table.name,
            label_columns=LABELS,
            header_lines=HEADER,
            delimiter=DELIMITER,
            sparse=True,
        )
        Y = read_matrix(
            counted,
            demand,
            label_columns=LABELS,
            header_lines=HEADER,
            delimiter=DELIMITER,
            most_rows=len(flows.rows),
        )
        _check(flows, Y)
        if production is not None:
            _check_principal(counted, production, flows)
        blocks = _blocks(counted, workbook, flows, Y)
        parts = read_stressors(blocks, stressors, Y.values.shape)
    made = table_from(
        flows.where,
        Z=flows.values,
        Y=Y.values,
        regions=[label[0] for label in flows.rows],
        sectors=[label[1] for label in flows.rows],
        demand=[(region, name) for region, name, _, _ in Y.columns],
        row_units=[label[4] for label in flows.rows],
        year=table.year,
        name=f"EXIOBASE hybrid {version} {table.year}",
        **parts,
    )
    notes = [TAKEN_IN_ORDER] * (production is None) + _idle(made, flows)
    for note in notes:
        logger.warning("%s: %s", flows.where, note)
    return with_notes(made, *notes) if notes else made


def _called(table: Candidate, part: str) -> str:
    """Return what a file beside the table is called."""
    return f"{table.name[: -len('by_product_technology.csv')]}{part}"


def _beside(files: Files, table: Candidate, parts: Sequence[str]) -> str | None:
    """Return the first of these files that is there, in any case of letters."""
    known = {name.lower(): name for name in files.sizes}
    there = (known.get(_called(table, part).lower()) for part in parts)
    return next((name for name in there if name is not None), None)


# --- labels -----------------------------------------------------------------------------------


def _coded(labels: Sequence[Label]) -> list[Label]:
    """Return region and last code of labels, by which files and sheets are compared."""
    return [(label[0], label[3]) for label in labels]


def _check(flows: TextTable, Y: TextTable) -> None:
    """Raise unless rows are products once, the same in both files, and as many as activities."""
    check_once(flows.where, "row", flows.rows)
    check_once(flows.where, "column", flows.columns)
    check_once(Y.where, "column", Y.columns)
    rows = f"the rows of {flows.where}"
    check_same_labels(f"{Y.where}, rows", _coded(Y.rows), rows, _coded(flows.rows))
    regions = [[(label[0],) for label in labels] for labels in (flows.columns, flows.rows)]
    check_same_labels(f"{flows.where}, regions of columns", regions[0], "its rows", regions[1])


def _check_principal(files: Files, name: str, flows: TextTable) -> None:
    """Raise unless the principal product of each activity is the row in its place."""
    n, where = len(flows.columns), files.where(name)
    lines = [
        split_cells(where, line, raw, DELIMITER)
        for line, raw in islice(files.lines(name, DELIMITER), HEADER + PRINCIPAL)
    ]
    widths = {len(cells) for cells in lines}
    if len(lines) < HEADER + PRINCIPAL or len(widths) != 1 or min(widths) < n:
        raise FormatError.about(
            where,
            expected=f"{HEADER} lines of activities and {PRINCIPAL} of products, {n} cells each",
            got=f"{len(lines)} line(s) of {shorten(map(str, sorted(widths)))} cells",
            remedy="restore the file, or take it out of the folder: the reader does without",
        )
    labels = list(zip(*(cells[-n:] for cells in lines), strict=True))
    columns = f"the columns of {flows.where}"
    made = [(label[0], label[3]) for label in labels]
    check_same_labels(f"{where}, activities", made, columns, _coded(flows.columns))
    products = [(label[0], label[6]) for label in labels]
    check_same_labels(
        f"{where}, products", products, f"the rows of {flows.where}", _coded(flows.rows)
    )


# --- extensions -------------------------------------------------------------------------------


def _blocks(
    files: Files, workbook: str | None, flows: TextTable, Y: TextTable
) -> list[StressorBlock]:
    if workbook is None:
        logger.warning("%s: no extensions; put MR_HIOT_…_%s beside it", flows.where, EXTENSIONS[0])
        return []
    return extension_blocks(
        Workbook(files, workbook),
        (f"the columns of {flows.where}", _coded(flows.columns)),
        (f"the columns of {Y.where}", _coded(Y.columns)),
    )


def _idle(table: Table, flows: TextTable) -> list[str]:
    """Return a note on sectors without output that buy or emit, if there are any."""
    buys = np.bincount(flows.values.indices, np.abs(flows.values.data), len(flows.columns)) > 0.0
    emits = np.abs(table.arrays.F).sum(axis=0) > 0.0
    idle = np.flatnonzero((table.arrays.x == 0.0) & (buys | emits)).tolist()
    if not idle:
        return []
    names = shorten([f"{flows.rows[at][0]} {flows.rows[at][1]}" for at in idle], 3)
    return [f"{len(idle)} sectors without output buy or emit, which no product has: {names}."]
