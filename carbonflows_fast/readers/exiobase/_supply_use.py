"""Reads EXIOBASE's supply and use tables (MRSUT) as the pair of industries and products.

supply.csv, use.csv and final_demand.csv have products in rows, value_added.csv has inputs; all are
separated by tabs despite their names, with two header lines. They hold no emissions: those of
industries are in `satellite` of IOT_<year>_ixi of the same release, a folder that may be put beside
these files.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, InputError, passed_on
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._text import (
    Label,
    TextTable,
    check_once,
    check_same_labels,
    show,
)
from carbonflows_fast.readers._sources._candidates import folder_year
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.exiobase._extensions import (
    Emissions,
    ExtensionFiles,
    extension_files,
    read_emissions,
)
from carbonflows_fast.readers.exiobase._file_parameters import FileParameters
from carbonflows_fast.readers.exiobase._files import read_numbers
from carbonflows_fast.supply_use import from_supply_use
from carbonflows_fast.table import Table

__all__ = ["MRSUT", "read_supply_use"]

logger = logging.getLogger(__name__)

SUPPLY, USE, DEMAND, ADDED = MRSUT = (
    "supply.csv",
    "use.csv",
    "final_demand.csv",
    "value_added.csv",
)
UNIT = "M.EUR"
MONEY = ("Taxes ", "Other net taxes ", "Compensation of employees", "Operating surplus")
"""How value added begins; other rows of that file have an unknown unit."""
BESIDE = "satellite"  # the extension of an F.txt that lies beside the tables


def read_supply_use(
    folder: Files, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read supply and use tables as the pair that they are, industries and products.

    No model is assumed: multipliers of products are those of industry technology (B), multipliers
    of industries those of fixed product sales (D). For a square table take IOT_<year>_pxp or _ixi.

    Raises
    ------
    FormatError
        If a file is damaged, labels disagree, or an industry supplies products of other regions.
    LabelError
        If a wanted stressor does not exist.
    """
    extensions = extension_files(folder) + _beside(folder)
    names = [*MRSUT, *(name for extension in extensions for name in extension.names)]
    with reading(folder, names, progress) as counted:
        supply = read_numbers(counted, SUPPLY, label_columns=2, header_lines=2, sparse=True)
        use = read_numbers(counted, USE, label_columns=2, header_lines=2, sparse=True)
        Y = read_numbers(counted, DEMAND, label_columns=2, header_lines=2)
        for other, what in ((use, "rows"), (Y, "rows"), (use, "columns")):
            ours, theirs = getattr(other, what), getattr(supply, what)
            check_same_labels(
                f"{other.where}, {what}", ours, f"the {what} of {supply.where}", theirs
            )
        check_once(supply.where, "row", supply.rows)
        check_once(supply.where, "column", supply.columns)
        _require_pairs(supply, supply.columns)
        _require_pairs(Y, Y.columns)
        added = read_numbers(counted, ADDED, label_columns=1, header_lines=2)
        check_same_labels(
            f"{added.where}, columns", added.columns, f"the columns of {supply.where}", use.columns
        )
        check_once(added.where, "row", added.rows)
        # Which rows are wanted is known once all names are.
        emissions = read_emissions(counted, extensions, supply.columns, Y.columns, None)
    return _table(
        folder, (supply, use, Y), [_inputs(added), _emitted(emissions, supply)], stressors
    )


def _beside(folder: Files) -> list[ExtensionFiles]:
    """Return the emissions that lie in the folder itself."""
    parameters = FileParameters.read(folder, "")
    if F := parameters.find("F"):
        return [ExtensionFiles(BESIDE, parameters, "F", F, parameters.find("F_Y"), "F_Y", None)]
    return []


def _require_pairs(table: TextTable, columns: Sequence[Label]) -> None:
    if columns and len(columns[0]) != 2:
        raise FormatError.about(
            f"{table.where}, columns",
            expected="a region and a name in two header lines",
            got=show(columns[0]),
            remedy="restore the file",
        )


def _inputs(added: TextTable) -> StressorBlock:
    names = [join_levels(label) for label in added.rows]
    units = [UNIT if name.startswith(MONEY) else "" for name in names]
    return StressorBlock(
        names, [PRIMARY_INPUTS] * len(names), units, lambda chosen: (added.values[chosen], None)
    )


def _emitted(emissions: Emissions, supply: TextTable) -> StressorBlock:
    """Return what industries emit; of coefficients, times output."""
    prefix = {f"{home}: " for home in emissions.extensions}
    bare = [
        next((name.removeprefix(p) for p in prefix if name.startswith(p)), name)
        for name in emissions.names
    ]

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        values = emissions.values[chosen]
        if emissions.kind == "S":
            values = values * np.asarray(supply.values.sum(axis=0)).ravel()
        return values, None if emissions.F_Y is None else emissions.F_Y[chosen]

    return StressorBlock(bare, emissions.extensions, emissions.units, read)


def _table(
    folder: Files,
    tables: tuple[TextTable, TextTable, TextTable],
    blocks: list[StressorBlock],
    stressors: Sequence[str] | None,
) -> Table:
    supply, use, Y = tables
    if not blocks[1].names:
        logger.warning(
            "%s: no emissions; put the folder satellite of IOT_<year>_ixi of the same release "
            "beside these files",
            folder.where(SUPPLY),
        )
    made = read_stressors(blocks, stressors, (len(supply.columns), len(Y.columns)))
    arguments: dict[str, Any] = {
        "model": None,
        "industries": supply.columns,
        "products": supply.rows,
        "demand": Y.columns,
        "row_units": UNIT,
        "year": folder_year(folder),
        "name": folder.title,
    }
    try:
        return from_supply_use(
            supply.values.T.tocsr(), use.values, Y.values, made.pop("F"), **made, **arguments
        )
    except InputError as error:
        raise passed_on(error, FormatError, f"{folder.where('')}: {error.argument}") from error
