"""FIGARO's emissions, which Eurostat publishes as footprints: emitter by final user.

The sum over users gives the emissions of an industry. We have not seen the files. Entries other
than the industries, areas and uses of the table are left out and logged.
"""

from __future__ import annotations

import logging
from collections.abc import Collection

import numpy as np

from carbonflows_fast._base.arrays import BoolArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._separate_accounts import Account
from carbonflows_fast.readers._layouts._long_format import Records, check_once, read_records
from carbonflows_fast.readers._layouts._number_parser import settle_blanks, show
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.figaro._find import ENERGY
from carbonflows_fast.table import Table

__all__ = ["emission_files", "read_emissions"]

logger = logging.getLogger(__name__)

NAMES = r"(?P<gas>co2|ghg)Footprint_(\d\ded_)?(?P<year>\d{4})(_\d{8}|_v\d+)?\.csv"
UNITS = {"CO2": "kt", "GHG": "kt CO2-eq"}
COLUMNS = {
    "year": "time_period",
    "area": "ref_area",
    "industry": "industry",
    "user": "counterpart_area",
    "use": "sto",
    "value": "obs_value",
}
LABELS = ["area", "industry", "user", "use"]
HOUSEHOLDS = "P3_S14"
DIRECT = "HH"  # Eurostat's code in the place of an industry; HH_TRA and the like are parts


def emission_files(files: Files, table: Candidate) -> dict[str, str]:
    """Return the files of the table's year by the stressors that they are read as.

    Raises
    ------
    FormatError
        If there are several of one stressor.
    """
    found: dict[str, str] = {}
    for name, match in files.matching(NAMES):
        gas = match["gas"].upper()
        if int(match["year"]) != table.year:
            continue
        if other := _other_sectors(table.name.lower()):
            logger.warning(
                "%s: emissions of industries are not of %s, and not read", files.where(name), other
            )
        elif gas in found:
            raise FormatError.about(
                files.where(name),
                expected=f"one file of {gas} in {table.year}",
                got=f"{found[gas]} beside it",
                remedy="keep one of them",
            )
        else:
            found[gas] = name
    return found


def _other_sectors(name: str) -> str:
    """Return what a table has in place of FIGARO's industries, if anything."""
    if "prod-by-prod" in name:
        return "products"
    return "the 175 of FIGARO-E3" if ENERGY in name else ""


def read_emissions(
    files: Files, name: str, stressor: str, table: Table, *, progress: bool | None
) -> Account:
    """Read what industries emitted in the table's year, and what households did directly.

    Emissions of an industry are the sum over the table's areas and categories of final demand.
    Direct emissions of households are rows of "industry" HH for their own area or for none, and for
    no use (where there are none of these: for consumption of households).

    Raises
    ------
    FormatError
        If the file is damaged, has nothing of that year, has a record twice, or one of the table's
        without a value, unless `files.blanks` says that it is zero.
    """
    records = read_records(
        files,
        name,
        COLUMNS,
        only={"year": str(table.year)},
        filled=["year"],
        once=True,
        progress=progress,
    )
    if not len(records.values):
        raise FormatError.about(
            records.where,
            expected=f"rows of {table.year}",
            got=shorten(records.labels["year"]) or "none",
            remedy="the name says another year than the rows: correct it",
        )
    check_once(records, LABELS)
    categories = table.content.categories
    direct = _direct(records)
    used = _among(records, "user", table.regions) & _among(records, "use", categories) & ~direct
    _settle_blanks(records, used | direct, files.blanks)
    known = ~np.isnan(records.values)
    _tell_rest(records, ~((used | direct) & known), UNITS[stressor])
    sectors = _summed(records, used & known, "area", "industry")
    households = _summed(records, direct & known, "area")
    return Account(
        where=records.where,
        stressor=stressor,
        unit=UNITS[stressor],
        sectors={(area, industry): value for (area, industry), value in sectors.items()},
        demand={(area, HOUSEHOLDS): value for (area,), value in households.items()},
    )


def _settle_blanks(records: Records, counted: BoolArray, blanks: str) -> None:
    """Refuse records of the table that have no value, or log how many count as zero."""
    empty = np.flatnonzero(counted & np.isnan(records.values))
    if empty.size:
        first = (records.labels[role][records.codes[role][empty[0]]] for role in LABELS)
        place = f"{records.where}, {show(tuple(first))}"
        settle_blanks(records.where, len(empty), place, blanks)


def _among(records: Records, role: str, wanted: Collection[str]) -> BoolArray:
    """Return whether the label of each record is one of these."""
    chosen: BoolArray = np.array([label in wanted for label in records.labels[role]], dtype=bool)
    return chosen[records.codes[role]]


def _direct(records: Records) -> BoolArray:
    """Return which records are direct emissions of households, none of them in two ways."""
    areas, industries = records.labels["area"], records.labels["industry"]
    parts = [label for label in industries if label.startswith(f"{DIRECT}_")]
    same = np.array([areas.index(u) if u in areas else -1 for u in records.labels["user"]])
    own: BoolArray = same[records.codes["user"]] == records.codes["area"]
    own |= _among(records, "user", [""])
    own &= _among(records, "industry", [DIRECT] if DIRECT in industries else parts)
    without_use = own & _among(records, "use", [""])
    return without_use if without_use.any() else own & _among(records, "use", [HOUSEHOLDS])


def _summed(records: Records, chosen: BoolArray, *roles: str) -> dict[tuple[str, ...], float]:
    """Return the sums of chosen records by their labels in these roles."""
    sizes = tuple(len(records.labels[role]) for role in roles)
    codes = tuple(records.codes[role][chosen] for role in roles)
    key = np.ravel_multi_index(codes, sizes)
    sums = np.bincount(key, records.values[chosen])
    there = np.flatnonzero(np.bincount(key))
    labels = [
        [records.labels[role][at] for at in places.tolist()]
        for role, places in zip(roles, np.unravel_index(there, sizes), strict=True)
    ]
    return dict(zip(zip(*labels, strict=True), sums[there].tolist(), strict=True))


def _tell_rest(records: Records, rest: BoolArray, unit: str) -> None:
    """Log what is neither, and what is empty."""
    if not rest.any():
        return
    labels = [
        f"{COLUMNS[role]} {shorten(map(repr, _labels(records, role, rest)), 3)}" for role in LABELS
    ]
    logger.warning(
        "%s: %d of %d rows, in all %.6g %s, are left out, having no value or no area, final use "
        "or household of the table: %s",
        records.where,
        rest.sum(),
        len(rest),
        np.nansum(records.values[rest]),
        unit,
        "; ".join(labels),
    )


def _labels(records: Records, role: str, chosen: BoolArray) -> list[str]:
    return [records.labels[role][at] for at in np.unique(records.codes[role][chosen]).tolist()]
