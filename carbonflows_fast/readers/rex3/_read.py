"""Reader of REX3: EXIOBASE 3 resolved to 189 countries and 163 sectors, million EUR.

A year is a folder or zip (REX3_2022.zip) with four matrices of MATLAB 7.3: T (transactions), Y
(final demand, one column a country), Q (18 indicators of sectors) and Q_Y (of final demand). The
names of countries, sectors and indicators are in REX3_Labels.zip. Tried on fixtures alone, whose
layout is that which rex3handler 0.3.0 reads. Its Zarr stores, of 32-bit numbers, are read too.

References
----------
Cabernard & Pfister (2021), Science of the Total Environment 755, 142587; zenodo.10354283.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._layouts._matlab import open_matlab
from carbonflows_fast.readers._layouts._text import check_once
from carbonflows_fast.readers._layouts._zarr import ZarrStore
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.rex3._find import STORE
from carbonflows_fast.table import Table

__all__ = ["read_rex3"]

logger = logging.getLogger(__name__)

UNIT = "million EUR"
CATEGORY = "final demand"  # the only one
EXTENSION = "indicators"
NO_UNIT = "unknown"
AXES = ("region", "sector", "region_to", "sector_to", "region_fd", "indicator")
LABELS = {"country": "Countries", "sector": "Sectors", "indicator": "Q"}


def read_rex3(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year.

    x is the sum of a row, as there are no outputs. Indicators keep their names, with the unit that
    these have in brackets; double quotes around a label are left out. Value added is in the
    extension "primary inputs".

    Raises
    ------
    FormatError
        If a file is missing or damaged, labels are too few or disagree, or one occurs twice.
    InputError
        If h5py, or for a Zarr store numcodecs, is not installed.
    LabelError
        If a wanted stressor does not exist.
    """
    folder = files.below(table.name)
    title = f"REX3 {table.year or ''}".strip()
    if STORE in folder:
        with reading(folder, list(folder.sizes), progress, title) as counted:
            read = _from_store(counted)
    else:
        names = [f"{part}_REX3.mat" for part in ("T", "Y", "Q", "Q_Y")]
        with reading(folder, names, progress, title) as counted:
            read = _from_matlab(files, counted, names)
    added = [name.lower().startswith("value added") for name in read.indicators]
    block = StressorBlock(
        read.indicators,
        [PRIMARY_INPUTS if one else EXTENSION for one in added],
        list(map(unit_in, read.indicators)),
        lambda chosen: (read.Q[chosen], read.Q_Y[chosen]),
    )
    return table_from(
        folder.where(""),
        Z=read.T,
        Y=read.Y,
        regions=np.repeat(read.regions, len(read.sectors)).tolist(),
        sectors=read.sectors * len(read.regions),
        demand=[(region, CATEGORY) for region in read.regions],
        row_units=UNIT,
        year=table.year,
        name=title,
        **read_stressors([block], stressors, read.Y.shape),
    )


class _Read(NamedTuple):
    """The four matrices and their labels."""

    T: Any
    Y: FloatArray
    Q: FloatArray
    Q_Y: FloatArray
    regions: list[str]
    sectors: list[str]
    indicators: list[str]


def _from_matlab(files: Files, folder: Files, names: Sequence[str]) -> _Read:
    Y, Q, Q_Y = (_matrix(folder, name) for name in names[1:])
    n, countries = Y.shape
    with open_matlab(folder, names[0]) as data:
        shape = data.shape("T_REX3")  # of a damaged file it could be endless
        same = shape == (n, n) and Q.shape == (len(Q_Y), n) and Q_Y.shape[1] == countries
        if not countries or n % countries or not same:
            raise _sizes(folder, shape, Y.shape, Q.shape, Q_Y.shape)
        T = data.sparse("T_REX3")
    regions, sectors = (
        _labels(files, "country", countries),
        _labels(files, "sector", n // countries),
    )
    return _Read(T, Y, Q, Q_Y, regions, sectors, _labels(files, "indicator", len(Q)))


def _from_store(folder: Files) -> _Read:
    """Read a store, whose axes have their labels, which must be the same for rows and columns."""
    store = ZarrStore(folder)
    labels = {name: store.texts(name) for name in AXES}
    regions, sectors, indicators = (labels[name] for name in ("region", "sector", "indicator"))
    for name in AXES:
        own = name.partition("_")[0]
        if labels[name] != labels[own]:
            raise FormatError.about(
                folder.where(name),
                expected=f"the labels of {own}",
                got=shorten([one for one in labels[name] if one not in labels[own]])
                or "another order or number",
                remedy="make the store anew",
            )
    for name in ("region", "sector"):
        check_once(folder.where(name), name, [(label,) for label in labels[name]])
    R, S, K = len(regions), len(sectors), len(indicators)
    shapes = {"T": (R, S, R, S), "Y": (R, S, R), "Q": (K, R, S), "Q_Y": (K, R)}
    for name, shape in shapes.items():
        if store.shape(name) != shape:
            raise _sizes(folder, *(store.shape(one) for one in shapes))
    Y, Q, Q_Y = (store.dense(name) for name in ("Y", "Q", "Q_Y"))
    return _Read(
        store.sparse("T", R * S), Y.reshape(R * S, R), Q.reshape(K, R * S), Q_Y,
        regions, sectors, indicators,
    )  # fmt: skip


def _matrix(folder: Files, name: str) -> FloatArray:
    folder.on_bytes(folder.sizes.get(name, 0))
    with open_matlab(folder, name) as data:
        return data.dense(name.removesuffix(".mat"))


def _labels(files: Files, what: str, count: int) -> list[str]:
    """Return as many labels as there are; more than that are left out."""
    file = f"Labels_{LABELS[what]}_REX3.mat"
    found = [name for name, _ in files.matching(re.escape(file))]
    if len(found) != 1:
        raise FormatError.about(
            str(files.path),
            expected=f"one {file}, with names",
            got=f"{len(found)}",
            remedy="put REX3_Labels.zip into the folder of the year's zip, and give that folder",
        )
    with open_matlab(files, found[0]) as data:
        labels = data.texts(next(iter(data.names), ""))
    if len(labels) < count or not all(labels[:count]):
        raise FormatError.about(
            files.where(found[0]),
            expected=f"a name for each {what}, {count} in all",
            got=f"{sum(map(bool, labels))}",
            remedy="take the labels of the same release",
        )
    if len(labels) > count:
        logger.warning("%s: names after the first %d are left out", files.where(found[0]), count)
    check_once(files.where(found[0]), what, [(label,) for label in labels[:count]])
    return labels[:count]


def unit_in(indicator: str) -> str:
    """Return the unit that an indicator's name ends with.

    >>> unit_in("Value added [Mio Euro]"), unit_in("Blue water")
    ('Mio Euro', 'unknown')
    """
    found = re.search(r"[\[(]([^\[\]()]+)[\])]\s*$", indicator)
    return found[1].strip() if found else NO_UNIT


def _sizes(folder: Files, *sizes: tuple[int, ...]) -> FormatError:
    shapes = ", ".join(" × ".join(map(str, size)) for size in sizes)
    return FormatError.about(
        folder.where(""),
        expected="T, Y, Q and Q_Y of one number of countries, sectors and indicators",
        got=shapes,
        remedy="take all files of one year's zip",
    )
