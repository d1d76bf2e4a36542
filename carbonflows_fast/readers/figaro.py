"""Reader of Eurostat's FIGARO tables, industry by industry or product by product.

One comma-separated matrix a year, with one header line and one label column; the flat files are
not read. Tried on fixtures of the layout, never on an original file.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from carbonflows_fast.errors import FormatError, shorten, wrong
from carbonflows_fast.readers._choice import Candidate
from carbonflows_fast.readers._files import Files
from carbonflows_fast.readers._square import read_square, region_and_sector, square_table
from carbonflows_fast.table import Table

__all__ = ["LOOKED_FOR", "find_figaro", "read_figaro"]

LOOKED_FOR = "matrix_eu-ic-io_ind-by-ind_24ed_2019.csv and the like: FIGARO"
NAMES = r"matrix_eu-ic-io_(ind-by-ind|prod-by-prod)_(\d\ded_)?(?P<year>\d{4})(_v\d+)?\.csv"
UNIT = "million EUR"


def find_figaro(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    return [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES)]


def read_figaro(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year.

    x is the sum of a row, as the files have no outputs. The six rows of primary inputs are
    stressors, so that they can be followed like emissions, which these files do not have.

    Raises
    ------
    FormatError
        If the file is damaged, or labels are not REGION_SECTOR.
    LabelError
        If a wanted stressor does not exist.
    """
    parts = read_square(files, table, delimiter=",", totals=(), progress=progress)
    regions = {region_and_sector(parts.where, label)[0] for label in parts.sectors}
    demand = [region_and_sector(parts.where, label) for label in parts.demand]
    for region, category in demand:
        if region not in regions:
            raise FormatError(
                wrong(f"{parts.where}, column {region}_{category}", got=repr(region),
                      expected=f"final demand of {shorten(sorted(regions))}",
                      remedy="correct the label")
            )  # fmt: skip
    return square_table(
        parts,
        demand,
        x=None,
        stressors=stressors,
        unit=UNIT,
        year=table.year,
        name=f"FIGARO {PurePosixPath(table.name).stem.removeprefix('matrix_eu-ic-io_')}",
    )
