"""Reads a table of GTAP: its accounts, made into a table between regions by shares of imports.

Accounts come as header array files (HAR) or as records (CSV), in the headers of version 6 or 7; see
`_accounts`. `_mrio` has the method, `_emissions` what comes of CO2 and energy. Tried on a table of
version 7 with 3 regions and 3 commodities, which balances to 1e-7, as its numbers are float32, and
on arrays of a HAR file of 10 × 10; never on a whole release, nor on one of version 6.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.gtap._accounts import FINAL, Accounts, read_accounts
from carbonflows_fast.readers.gtap._emissions import EMISSIONS, emission_blocks
from carbonflows_fast.readers.gtap._find import CSV_NAMES
from carbonflows_fast.readers.gtap._headers import opened
from carbonflows_fast.readers.gtap._mrio import (
    Primary,
    Square,
    makers_of,
    primary_inputs,
    square_of,
)
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import with_notes

__all__ = ["read_gtap"]

logger = logging.getLogger(__name__)

UNIT = "million USD"
BALANCED = 1e-5  # of output: float32 numbers and their sums agree to less
METHOD = (
    "Made of GTAP's accounts by shares of imports (Peters, Andrew & Lennox 2011), at basic prices: "
    "all users of a region import a commodity from the same regions, and international transport "
    "is bought from all that supply it."
)
MADE = (
    "Activities make several commodities (MAKB): rows are commodities, and an activity's inputs "
    "are those of what it makes, in proportion to value (industry technology)."
)


def read_gtap(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table.

    Rows are commodities, called as in the files. Final demand is that of households, government
    and investment. Value added by factor, taxes and duties are stressors in the extension "primary
    inputs"; emissions and energy are there if their files are.

    Raises
    ------
    FormatError
        If an account is missing or damaged, or labels do not fit together.
    LabelError
        If a wanted stressor does not exist.
    """
    with (
        reading(files, list(files.sizes), progress) as counted,
        opened(counted, table) as headers,
    ):
        where = headers.where
        accounts = read_accounts(headers)
        makers = makers_of(where, accounts)
        square = square_of(accounts, makers)
        primary = primary_inputs(accounts, makers, square)
        emissions, said = emission_blocks(headers, accounts, makers)
    notes = [METHOD, *([MADE] if makers.several else []), *said]
    if not any(EMISSIONS in block.extensions for block in emissions):
        notes.append("There are no emissions: no file of them (MDF, MMF …) is beside the accounts.")
    notes += _balance(where, accounts, square, primary)
    for note in notes:
        logger.info("%s: %s", where, note)
    made = _table(where, accounts, square, [*emissions, _block(primary)], files, table, stressors)
    return with_notes(made, *notes)


def _table(
    where: str,
    accounts: Accounts,
    square: Square,
    blocks: Sequence[StressorBlock],
    files: Files,
    table: Candidate,
    stressors: Sequence[str] | None,
) -> Table:
    regions, commodities = accounts.regions.labels, accounts.commodities.labels
    return table_from(
        where,
        Z=square.Z,
        Y=square.Y,
        regions=[region for region in regions for _ in commodities],
        sectors=commodities * len(regions),
        demand=[(region, user) for region in regions for user in FINAL],
        row_units=UNIT,
        population=accounts.heads,
        year=table.year,
        name=f"GTAP {_title(files, table)}",
        **read_stressors(blocks, stressors, square.Y.shape),
    )


def _block(primary: Primary) -> StressorBlock:
    count = len(primary.names)
    return StressorBlock(
        primary.names,
        [PRIMARY_INPUTS] * count,
        [UNIT] * count,
        lambda chosen: (primary.F[chosen], primary.F_Y[chosen]),
    )


def _title(files: Files, table: Candidate) -> str:
    """Return what a table is called: its folder, or what its files' names begin with."""
    folder, _, last = table.name.rpartition("/")
    match = re.fullmatch(CSV_NAMES, last, re.IGNORECASE)
    if match and match["before"]:
        return str(match["before"])
    title = files.below(f"{folder}/").title if folder else files.title
    return PurePosixPath(title).stem if title.lower().endswith((".har", ".csv")) else title


def _balance(where: str, accounts: Accounts, square: Square, primary: Primary) -> list[str]:
    """Log how well accounts agree, and return a note of each that does not to float32."""
    output = square.Z.sum(axis=1) + square.Y.sum(axis=1)
    total = float(np.abs(output).sum()) or 1.0
    gaps = {"costs and output": np.abs(primary.rest)}
    if accounts.make is not None:
        made = accounts.make.sum(axis=1).T.ravel()
        gaps["what is sold and what is made (MAKB)"] = np.abs(output - made)
    if accounts.landed is not None:
        bought = accounts.imported.sum(axis=1) - accounts.landed.sum(axis=1)
        gaps["what is imported and what is bought of it"] = np.abs(bought).T.ravel()
    gaps["exports or transport and what is bought of it"] = np.array([square.unsold])
    from_nowhere = np.where(accounts.exports.any(axis=1), 0.0, accounts.imported.sum(axis=1))
    gaps["what is imported and what is exported there"] = np.abs(from_nowhere).T.ravel()
    paid = accounts.carried.sum(axis=(1, 2, 3))
    unpaid = np.abs(accounts.supplied[accounts.carriers].sum(axis=1) - paid).sum()
    gaps["what is paid for transport (VTWR) and what is supplied (VST)"] = np.array([unpaid])
    notes = []
    for what, gap in gaps.items():
        share = float(gap.sum()) / total
        logger.info("%s: %s differ by %.2g of all output", where, what, share)
        if share > BALANCED:
            at = int(gap.argmax())
            region, commodity = divmod(at, len(accounts.commodities))
            row = f"{accounts.regions.labels[region]} | {accounts.commodities.labels[commodity]}"
            most = f", most in {row} ({gap[at]:.6g})" if len(gap) > 1 else ""
            notes.append(
                f"{what[0].upper()}{what[1:]} differ by {gap.sum():.6g} {UNIT}, {share:.2%} of all "
                f"output{most}."
            )
            logger.warning("%s: %s", where, notes[-1])
    return notes
