"""The OECD's emissions of industries, in separate files from the ICIO.

CO2 of fuel combustion is in TECO2 ("IO_GHG_2021"), greenhouse gases in the SDMX data set
"DF_MAIN". Both also hold footprints, which are results and are not read. We have not seen the
files; columns and codes are those in users' scripts.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Hashable
from typing import NamedTuple, TypeVar

import numpy as np

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._separate_accounts import Account, Pair
from carbonflows_fast.readers._layouts._long_format import Records, check_once, read_records
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.table import Table

__all__ = ["emission_files", "read_emissions"]

logger = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)


class Source(NamedTuple):
    """A kind of file: its name, its columns, and the records in it that count."""

    names: str
    columns: dict[str, str]
    headless: tuple[str, ...]
    only: dict[str, str]
    unit: str


SOURCES = {
    "PROD_CO2": Source(
        names=r"(TECO2|IO_GHG_\d{4}).*\.(csv|txt)",
        columns={
            "measure": "VAR",
            "area": "COU",
            "partner": "PAR",
            "activity": "IND",
            "year": "TIME",
            "value": "Value",
        },
        headless=("VAR", "COU", "PAR", "IND", "TIME", "Value"),
        only={"partner": "WLD"},
        unit="Mt",
    ),
    "PROD_GHG": Source(
        names=r".*DF_(ICIO_GHG_)?MAIN.*\.csv",
        columns={
            "measure": "MEASURE",
            "area": "REF_AREA",
            "activity": "ACTIVITY",
            "unit": "UNIT_MEASURE",
            "power": "UNIT_MULT",
            "year": "TIME_PERIOD",
            "value": "OBS_VALUE",
        },
        headless=(),
        only={"unit": "T_CO2E"},
        unit="Mt CO2-eq",
    ),
}
MILLION = ["6"]
CATEGORY = "HFCE"
HOUSEHOLDS = {"FNLC", "MHH", "HH"}  # what is emitted at home and on the road
TOTALS = {"TOTAL", "_T"}
REST, REST_OF_TABLE = "WXD", "ROW"


def emission_files(files: Files) -> dict[str, str]:
    """Return the files by the stressors that they are read as.

    Raises
    ------
    FormatError
        If there are several of one stressor.
    """
    found = {}
    for stressor, source in SOURCES.items():
        names = [name for name, _ in files.matching(source.names)]
        if len(names) > 1:
            raise FormatError.about(
                str(files.path),
                expected=f"one file of {stressor}",
                got=shorten(names),
                remedy="keep the one of the table's edition",
            )
        if names:
            found[stressor] = names[0]
    return found


def read_emissions(
    files: Files, name: str, stressor: str, table: Table, *, wanted: bool, progress: bool | None
) -> Account | None:
    """Read what industries and households emitted in the table's year.

    Parameters
    ----------
    files : Files
    name, stressor : str
        The file, and which of `SOURCES` it is.
    table : Table
    wanted : bool
        Whether the stressor was asked for; if not, a file without the year is left out with a
        warning, and None is returned.
    progress : bool, optional

    Raises
    ------
    FormatError
        If the file is damaged, counts in another unit, lacks a year that is wanted, or has an
        activity of a region twice.
    """
    source = SOURCES[stressor]
    _, first = next(files.lines(name), (1, b""))
    records = read_records(
        files,
        name,
        source.columns,
        delimiter="|" if b"|" in first else ",",
        headless=source.headless,
        only={"measure": stressor, "year": str(table.year), **source.only},
        filled=["year"],
        once=True,
        progress=progress,
    )
    if not len(records.values):
        there = "; ".join(
            f"{role} {shorten(sorted(records.labels[role]), 30) or 'none'}"
            for role in ("measure", *source.only, "year")
        )
        if wanted:
            raise FormatError.about(
                records.where,
                expected=f"{stressor} of {table.year}",
                got=there,
                remedy="take the file of the table's edition",
            )
        logger.warning(
            "%s: no %s of %s, the table goes without (%s)",
            records.where,
            stressor,
            table.year,
            there,
        )
        return None
    check_once(records, ["area", "activity"])
    _check_unit(records)
    return _account(records, stressor, source.unit, table)


def _check_unit(records: Records) -> None:
    if "power" not in records.codes:
        return
    powers = [records.labels["power"][at] for at in np.unique(records.codes["power"]).tolist()]
    if powers != MILLION:
        raise FormatError.about(
            records.where,
            expected="UNIT_MULT 6, million tonnes",
            got=shorten(powers),
            remedy="download the values in million tonnes",
        )


def _account(records: Records, stressor: str, unit: str, table: Table) -> Account:
    """Sort records into sectors, households and totals."""
    sectors: dict[Pair, float] = {}
    demand: dict[Pair, float] = {}
    totals: dict[str, float] = {}
    rest = _rest_of_the_world(records, table)
    columns = (records.codes[role].tolist() for role in ("area", "activity"))
    for area, activity, value in zip(*columns, records.values.tolist(), strict=True):
        if np.isnan(value):
            continue  # unknown, so lacking
        region = rest.get(label := records.labels["area"][area], label)
        code = records.labels["activity"][activity]
        bare = re.sub(r"^D(?=\d|TOTAL$|FNLC$|MHH$)", "", code)  # TECO2's prefix
        if bare in TOTALS:
            _put(records, totals, region, value)
        elif bare in HOUSEHOLDS:
            _put(records, demand, (region, CATEGORY), value)
        else:
            _put(records, sectors, (region, bare), value)
    return Account(records.where, stressor, unit, sectors, demand, totals)


def _put(records: Records, values: dict[Key, float], key: Key, value: float) -> None:
    """Keep a value; two codes that mean the same would count twice."""
    if key in values:
        raise FormatError.about(
            f"{records.where}, {key}",
            expected="one code for each activity",
            got="two, with and without D, or two for households",
            remedy="keep one of them",
        )
    values[key] = value


def _rest_of_the_world(records: Records, table: Table) -> dict[str, str]:
    """Return what the rest of the world is called in the table, where it is called otherwise."""
    areas = records.labels["area"]
    there = {areas[at] for at in np.unique(records.codes["area"]).tolist()}
    if REST not in there or REST_OF_TABLE in there or REST_OF_TABLE not in table.regions:
        return {}
    if REST in table.regions:
        return {}
    logger.warning("%s: %s is taken for %s of the table", records.where, REST, REST_OF_TABLE)
    return {REST: REST_OF_TABLE}
