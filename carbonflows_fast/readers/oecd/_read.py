"""Reader of the OECD's inter-country input-output tables (ICIO), editions 2016 to 2025.

One comma-separated file a year, with one header line and one label column: transactions, final
demand at the right, taxes and value added below. Emissions are in files of their own. Tried on
the labels of the original ReadMes of 2018, 2023 and 2025, on small files in the layouts of 2016 and
2018, and on fixtures of all editions; never on original numbers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._separate_accounts import add_account
from carbonflows_fast.readers._layouts._number_parser import Label
from carbonflows_fast.readers._layouts._square import (
    Square,
    read_square,
    region_and_sector,
    square_table,
)
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.oecd._emissions import emission_files, read_emissions
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import with_notes

__all__ = ["read_oecd"]

logger = logging.getLogger(__name__)

UNIT = "million USD"
TOTALS = {"OUT", "OUTPUT", "TOTAL"}
DISCREPANCY = ("DISC",)
PARTS = {"CHN": r"CN\d", "MEX": r"MX\d"}  # of countries whose industries are split


def read_oecd(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year.

    Industries that the OECD splits (CN1, CN2, MX1 …) keep rows and columns of their own, under the
    label of China or Mexico, to which final demand belongs: a sector there has several rows. So
    the parts are solved apart, and what is said of the country or its sector is their sum;
    `table.aggregate()` adds them up before, which gives other numbers. x is the row of outputs; a
    column of discrepancies is not part of Y, and its size is logged. Rows of taxes and value added
    are stressors, so that they can be followed like emissions. TECO2 and DF_MAIN beside the table
    become the stressors "PROD_CO2" and "PROD_GHG"; those of split countries are whole, and split
    by output. `table.notes` says so.

    Raises
    ------
    FormatError
        If a file is damaged, or labels are not REGION_SECTOR.
    LabelError
        If a wanted stressor does not exist.
    """
    emissions = emission_files(files)
    parts = read_square(files, table, delimiter=",", totals=TOTALS, corner=True, progress=progress)
    regions = {region_and_sector(parts.where, label)[0] for label in parts.sectors}
    wholes = {
        region: whole
        for whole, part in PARTS.items()
        for region in sorted(regions)
        if whole in regions and re.fullmatch(part, region)
    }
    made = square_table(
        parts,
        [_demand(parts, at, regions) for at in range(len(parts.demand))],
        x=_output(parts),
        stressors=stressors,
        accounts=list(emissions),
        wholes=wholes,
        unit=UNIT,
        year=table.year,
        name=f"OECD ICIO {PurePosixPath(table.name).stem}",
    )
    if wholes:
        note = _kept_apart(parts, wholes)
        logger.info("%s: %s", parts.where, note)
        made = with_notes(made, note)
    for gas, name in emissions.items():
        if stressors is None or gas in stressors:
            account = read_emissions(
                files, name, gas, made, wanted=stressors is not None, progress=progress
            )
            made = made if account is None else add_account(made, account)
    return made


def _kept_apart(parts: Square, wholes: dict[str, str]) -> str:
    """Return the note on countries in parts, which lists these in the order of their rows."""
    order = list(dict.fromkeys(label[0].partition("_")[0] for label in parts.sectors))
    listed = [
        f"{whole} has the rows of {', '.join(r for r in order if wholes.get(r, r) == whole)}"
        for whole in dict.fromkeys(wholes.values())
    ]
    return (
        f"As read, {' and '.join(listed)}, in this order: they are solved apart, and the country "
        "is their sum; final demand and emissions are the country's."
    )


def _demand(parts: Square, at: int, regions: set[str]) -> tuple[str, str] | None:
    """Return region and category: AUS_HFCE, or HFCE_AUS in the edition of 2016."""
    label: Label = parts.demand[at]
    if label == DISCREPANCY:
        size = float(np.abs(parts.Y[:, at]).sum())
        logger.warning("%s: discrepancies of %.6g %s are not in Y", parts.where, size, UNIT)
        return None
    first, second = region_and_sector(parts.where, label)
    if first in regions:
        return first, second
    if second in regions:
        return second, first
    raise FormatError.about(
        f"{parts.where}, column {label[0]!r}",
        got=repr(label[0]),
        expected=f"final demand of {shorten(sorted(regions))}",
        remedy="correct the label",
    )


def _output(parts: Square) -> FloatArray:
    if len(parts.totals) != 1:
        raise FormatError.about(
            parts.where,
            expected="one row OUT or OUTPUT",
            got=f"{len(parts.totals)}",
            remedy="the file is cut short: restore its last lines",
        )
    return next(iter(parts.totals.values()))
