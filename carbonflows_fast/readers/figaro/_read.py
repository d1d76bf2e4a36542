"""Reader of Eurostat's FIGARO tables, industry by industry or product by product.

A year comes as a comma-separated matrix, with one header line and one label column, or as a flat
file, with one line for each pair of seller and buyer. Emissions are in files of their own. The
Joint Research Centre's FIGARO-E3, with 175 industries or 213 products, has the same layout. Tried
on fixtures of the layouts, never on an original file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._separate_accounts import add_account
from carbonflows_fast.readers._layouts._square import (
    Square,
    read_square,
    region_and_sector,
    square_table,
)
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.figaro._emissions import emission_files, read_emissions
from carbonflows_fast.readers.figaro._energy_accounts import read_energy_accounts
from carbonflows_fast.readers.figaro._find import ENERGY, is_flat
from carbonflows_fast.readers.figaro._flat import read_flat
from carbonflows_fast.table import Table

__all__ = ["read_figaro"]

UNIT = "million EUR"


def read_figaro(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year.

    x is the sum of a row, as the files have no outputs. The six rows of primary inputs are
    stressors, so that they can be followed like emissions. Beside a table of industries,
    co2Footprint_… and ghgFootprint_… of its year become the stressors "CO2" and "GHG". Beside a
    table of FIGARO-E3, flatfile_FIGARO-e_AEM_… gives a stressor for each gas.

    Raises
    ------
    FormatError
        If a file is damaged, or labels are not REGION_SECTOR.
    LabelError
        If a wanted stressor does not exist.
    """
    emissions = emission_files(files, table)
    energy = read_energy_accounts(files, table, progress=progress)
    if is_flat(table.name):
        parts = read_flat(files, table, progress=progress)
    else:
        parts = read_square(files, table, delimiter=",", totals=(), corner=False, progress=progress)
    made = square_table(
        parts,
        _demand(parts),
        x=None,
        stressors=stressors,
        accounts=[*emissions, *energy],
        unit=UNIT,
        year=table.year,
        name=_name(table),
    )
    for gas, name in emissions.items():
        if stressors is None or gas in stressors:
            made = add_account(made, read_emissions(files, name, gas, made, progress=progress))
    for gas, account in energy.items():
        if stressors is None or gas in stressors:
            made = add_account(made, account)
    return made


def _name(table: Candidate) -> str:
    stem = PurePosixPath(table.name).stem
    kind = "FIGARO-E3" if ENERGY in stem.lower() else "FIGARO"
    return f"{kind} {re.split('-ic-io(?:-[A-D])?_', stem, flags=re.IGNORECASE)[-1]}"


def _demand(parts: Square) -> list[tuple[str, str]]:
    """Return region and category of each column; refuse what is neither sector nor of a region."""
    regions = {region_and_sector(parts.where, label)[0] for label in parts.sectors}
    demand = [region_and_sector(parts.where, label) for label in parts.demand]
    inputs = [region_and_sector(parts.where, label) for label in parts.inputs]
    odd = [("column", pair, "final demand") for pair in demand if pair[0] not in regions]
    odd += [("row", pair, "a sector (a column too)") for pair in inputs if pair[0] in regions]
    if odd:
        what, pair, expected = odd[0]
        raise FormatError.about(
            f"{parts.where}, {what} {'_'.join(pair)}",
            got=repr(pair[0]),
            expected=f"{expected} of {shorten(sorted(regions))}",
            remedy="correct the label",
        )
    return demand
