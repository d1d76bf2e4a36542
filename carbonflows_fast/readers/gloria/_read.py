"""Reader of GLORIA, a supply-use table of 164 regions, as the square table it amounts to.

A folder with two others or two zips in it, GLORIA_MRIOs_59_2022 and
GLORIA_SatelliteAccounts_059_2022, and with GLORIA_ReadMe_059.xlsx, which has all labels. Basic
prices alone are read (Markup001); the other sheets are for `_valuation`. Tried on two original
copies of the ReadMe of 059, on the small sample that pymrio tests its parser with, and on fixtures;
never on an original file of numbers.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._layouts._number_parser import show
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.gloria._find import NAMES
from carbonflows_fast.readers.gloria._labels import Labels, find_read_me, read_labels
from carbonflows_fast.readers.gloria._numbers import (
    UNIT,
    check_size,
    empty,
    read_rows,
    read_transactions,
    shares,
)
from carbonflows_fast.readers.gloria._own_total import compare_with_own_total
from carbonflows_fast.table import Table

__all__ = ["read_gloria"]

logger = logging.getLogger(__name__)

PARTS = ("T", "Y", "V", "TQ", "YQ")
BALANCE = 1e-6  # relative to all output; numbers have five digits


def read_gloria(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year.

    The use table is Z: a sector's row is where its product goes, its column what its industry
    takes. Nothing is assumed where each industry makes its own product alone, by the supply table;
    where one does not, the industry-technology assumption is made, and the size of what it concerns
    is logged. x is the output of products by the use table, Z·1 + Y·1, so that all emissions
    arrive at final demand; how far the supply table is off is logged.

    Stressors are the primary inputs, whose separate rows for each region are added up, and the
    satellite accounts, with their head indicator as extension. A name in several head indicators
    gets the indicator in front; a name that occurs twice in one gets its running number behind it
    ("'c6f14' | 501"). Copies of the ReadMe differ in spelling: a stressor that is asked for is
    found with or without quotes around its name, and with or without a code at its end (D.1). The
    numbers of stressors that are not wanted are not parsed. If all are read, the log says how far
    its greenhouse gases, weighed here, are from its own total of them.

    Raises
    ------
    FormatError
        If a file is missing or damaged, has not the ReadMe's shape, or has numbers where GLORIA
        has none.
    LabelError
        If a wanted stressor does not exist.
    """
    release = _release(files, table)
    read_me = find_read_me(files, int(_match(table)["release"]), table.name)
    labels = read_labels(files, read_me)
    for part, (rows, columns) in labels.shapes.items():
        check_size(files, release[part], rows, columns, labels.where)
    title = f"GLORIA {_match(table)['release']} {table.year}"
    with reading(files, release.values(), progress, title) as counted:
        blocks = _stressor_blocks(counted, release, labels)
        shape = labels.n_cells // 2, len(labels.demand)
        emissions = read_stressors(blocks, stressors, shape)
        Y = _final_demand(counted, release["Y"], labels)
        transactions = read_transactions(counted, release["T"], labels)
    where = files.where(release["T"])
    spread = shares(where, transactions.supply, labels)
    Z = transactions.use
    if spread is not None:
        Z, emissions["F"] = Z @ spread, emissions["F"] @ spread
    made = table_from(
        where,
        Z=Z,
        Y=Y,
        regions=[region for region in labels.regions for _ in labels.sectors],
        sectors=labels.sectors * len(labels.regions),
        demand=labels.demand,
        row_units=UNIT,
        year=table.year,
        name=title,
        **emissions,
    )
    _log_gap(where, made.x.to_numpy(), transactions.supply.sum(axis=0), labels)
    if stressors is None:
        compare_with_own_total(files.where(release["TQ"]), made)
    return made


# --- which files ----------------------------------------------------------------------------


def _match(table: Candidate) -> re.Match[str]:
    match = re.fullmatch(NAMES, table.name.rsplit("/", 1)[-1], re.IGNORECASE)
    assert match is not None  # `find_gloria` made it
    return match


def _release(files: Files, table: Candidate) -> dict[str, str]:
    """Return the files of the table by T, Y, V, TQ and YQ."""
    year, release = _match(table)["year"], _match(table)["release"]
    mine: dict[str, list[str]] = {part: [] for part in PARTS}
    for name, match in files.matching(NAMES):
        if (match["year"], match["release"]) == (year, release):
            mine[match["part"].upper()].append(name)
    for part, names in mine.items():
        if len(names) != 1:
            raise FormatError.about(
                str(files.path),
                got=shorten(names) or "none",
                expected=f"one file …_{part}-Results_{year}_{release}_Markup001(full).csv",
                remedy="give the folder that holds GLORIA_MRIOs_…, "
                "GLORIA_SatelliteAccounts_… and GLORIA_ReadMe_….xlsx, each file once",
            )
    return {part: names[0] for part, names in mine.items()}


# --- stressors and final demand -------------------------------------------------------------


def _stressor_blocks(files: Files, release: dict[str, str], labels: Labels) -> list[StressorBlock]:
    """Return primary inputs and satellites, before their numbers are read."""
    count, satellites = len(labels.inputs), labels.satellites

    def inputs(chosen: list[int]) -> tuple[FloatArray, None]:
        return _primary_inputs(files, release["V"], labels, chosen), None

    def accounts(chosen: list[int]) -> tuple[FloatArray, FloatArray]:
        return _satellites(files, release, labels, chosen)

    return [
        StressorBlock(labels.inputs, [PRIMARY_INPUTS] * count, [UNIT] * count, inputs),
        StressorBlock(satellites.names, satellites.heads, satellites.units, accounts),
    ]


def _satellites(
    files: Files, release: dict[str, str], labels: Labels, chosen: Sequence[int]
) -> tuple[FloatArray, FloatArray]:
    """Return the satellite accounts of each industry, and those of final users."""
    rows = labels.satellite_rows
    of_cells = read_rows(files, release["TQ"], rows, labels.cells, labels, chosen)
    of_users = read_rows(files, release["YQ"], rows, labels.demand, labels, chosen)
    kept = [rows[at] for at in chosen]
    return _by_industry(files.where(release["TQ"]), of_cells, kept, labels), of_users.toarray()


def _primary_inputs(files: Files, name: str, labels: Labels, chosen: Sequence[int]) -> FloatArray:
    """Return the primary inputs of each industry: a region's columns have its own rows alone."""
    rows = labels.inputs_by_region
    keep = [r * len(labels.inputs) + at for r in range(len(labels.regions)) for at in chosen]
    part = read_rows(files, name, rows, labels.cells, labels, keep)
    entries = part.tocoo()
    paying = entries.coords[1] // (2 * len(labels.sectors))
    elsewhere = entries.coords[0] // len(chosen) != paying
    if elsewhere.any():
        logger.warning(
            "%s: primary inputs of %.6g %s stand in columns of other regions; they are counted "
            "there",
            files.where(name),
            np.abs(entries.data[elsewhere]).sum(),
            UNIT,
        )
    dense = _by_industry(files.where(name), part, [rows[at] for at in keep], labels)
    by_region = dense.reshape(len(labels.regions), len(chosen), dense.shape[1])
    summed: FloatArray = by_region.sum(axis=0)
    return summed


def _by_industry(where: str, part: Any, rows: Sequence[Any], labels: Labels) -> FloatArray:
    """Return the columns of industries; those of products are empty."""
    empty(where, part[:, labels.products], rows, labels.at(labels.products))
    dense: FloatArray = part[:, labels.industries].toarray()
    return dense


def _final_demand(files: Files, name: str, labels: Labels) -> FloatArray:
    """Return Y, the rows of products; those of industries are empty."""
    part = read_rows(files, name, labels.cells, labels.demand, labels)
    industries = labels.industries
    empty(files.where(name), part[industries], labels.at(industries), labels.demand)
    Y: FloatArray = part[labels.products].toarray()
    return Y


def _log_gap(where: str, x: FloatArray, supplied: FloatArray, labels: Labels) -> None:
    gap = np.abs(x - supplied)
    share = float(gap.sum() / max(np.abs(supplied).sum(), 1e-300))
    if share > BALANCE:
        most = int(gap.argmax())
        name = labels.cells[labels.products[most]]
        logger.warning(
            "%s: outputs by the use table (x) and by the supply table differ by %.6g %s, %.3g %%, "
            "most in %s (%.6g and %.6g)",
            where,
            gap.sum(),
            UNIT,
            100 * share,
            show(name),
            x[most],
            supplied[most],
        )
