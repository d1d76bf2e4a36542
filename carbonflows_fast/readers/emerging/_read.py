"""Reader of EMERGING: 245 economies and 133 to 135 sectors, million USD.

A year is one file of MATLAB 7.3: z (transactions), f (final demand), va (value added), X (output),
and the lists country_list, sector_list and final_list, as variables or in one structure. CO2 is in
a file of its own, EMERGING_CO2_2023.mat, which is of an older version of MATLAB: sectors by fuel,
in Mt. Tried on fixtures alone, whose layout is that of published programs that read the files.

References
----------
Huo et al. (2022), Journal of Industrial Ecology 26, 1218–1232, doi 10.1111/jiec.13264.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import PurePosixPath

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._layouts._matlab import RESTORE, open_matlab
from carbonflows_fast.readers._layouts._matlab5 import matrix_in
from carbonflows_fast.readers._layouts._text import check_once
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import with_notes

__all__ = ["read_emerging"]

UNIT, CO2_UNIT = "million USD", "Mt"
VALUE_ADDED, CO2 = "Value added", "CO2"
NEEDED = ("z", "f", "va", "X", "country_list", "sector_list", "final_list")
NO_HOUSEHOLDS = "CO2 is that of sectors, all fuels together; households' own is not in the file."


def read_emerging(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year, with its CO2 if that file is beside it.

    x is the variable X. Value added is the stressor of the extension "primary inputs"; CO2 is the
    sum over fuels, and what households emit is not in the file, which a note says.

    Raises
    ------
    FormatError
        If a file is damaged, sizes disagree, or a label occurs twice.
    InputError
        If h5py is not installed.
    LabelError
        If a wanted stressor does not exist.
    """
    accounts = [name for name, _ in files.matching(rf"emerging_co2_{table.year}(_iea)?\.mat")]
    if len(accounts) > 1:
        raise FormatError.about(
            str(files.path),
            expected=f"one file of CO2 of {table.year}",
            got=shorten(accounts),
            remedy="move the others away",
        )
    with (
        reading(files, [table.name, *accounts], progress) as counted,
        open_matlab(counted, table.name) as whole,
    ):
        data = whole.inside(*NEEDED)
        regions, sectors, uses = map(data.texts, NEEDED[-3:])
        for name, labels in zip(NEEDED[-3:], (regions, sectors, uses), strict=True):
            check_once(data.where, f"label in {name}", [(label,) for label in labels])
        n, m = len(regions) * len(sectors), len(regions) * len(uses)
        got = [data.shape(name) for name in NEEDED[:4]]
        vectors = {tuple(sorted(shape)) for shape in got[2:]}
        if got[:2] != [(n, n), (n, m)] or vectors != {(1, n)}:
            raise _sizes(data.where, n, m, got)
        Z, Y = data.sparse("z"), data.dense("f")
        added, x = data.dense("va").reshape(1, n), data.dense("X").ravel()
    none = np.zeros((1, m))
    blocks = [StressorBlock([VALUE_ADDED], [PRIMARY_INPUTS], [UNIT], lambda _: (added, none))]
    if accounts:
        carbon = partial(_carbon, files, accounts[0], n)
        blocks.append(StressorBlock([CO2], [CO2], [CO2_UNIT], lambda _: (carbon(), none)))
    made = table_from(
        files.where(table.name),
        Z=Z,
        Y=Y,
        x=x,
        regions=np.repeat(regions, len(sectors)).tolist(),
        sectors=sectors * len(regions),
        demand=[(region, use) for region in regions for use in uses],
        row_units=UNIT,
        year=table.year,
        name=PurePosixPath(table.name).stem,
        **read_stressors(blocks, stressors, Y.shape),
    )
    return with_notes(made, NO_HOUSEHOLDS) if CO2 in made.stressors else made


def _carbon(files: Files, name: str, n: int) -> FloatArray:
    """Return what sectors emit, shape (1, n)."""
    content = files.content(name)
    try:
        values = matrix_in(content, CO2)
    except ValueError as error:
        raise _damaged(files, name, str(error)) from error
    if len(values) != n:
        raise _damaged(files, name, f"{values.shape[0]} rows, where the table has {n}")
    total: FloatArray = values.sum(axis=1).reshape(1, n)
    if not np.isfinite(values).all() or not np.isfinite(total).all():
        raise _damaged(files, name, "one that is not finite")
    return total


def _damaged(files: Files, name: str, got: str) -> FormatError:
    return FormatError.about(
        files.where(name),
        expected=f"numbers {CO2} with one row for each sector",
        got=got,
        remedy=RESTORE,
    )


def _sizes(where: str, n: int, m: int, shapes: Sequence[tuple[int, int]]) -> FormatError:
    there = zip(NEEDED, shapes, strict=False)
    return FormatError.about(
        where,
        expected=f"z of {n} × {n}, f of {n} × {m}, va and X of {n}, as the lists of labels say",
        got=", ".join(f"{name} of {rows} × {columns}" for name, (rows, columns) in there),
        remedy=RESTORE,
    )
