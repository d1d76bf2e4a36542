"""FIGARO's emissions, which Eurostat publishes as footprints: who emitted for whose final use.

Their sum over the users is what an industry emitted. The files were never seen; what they hold
beside industries, areas and uses of the table is left out and logged.
"""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from carbonflows_fast._parts import BoolArray
from carbonflows_fast.errors import FormatError, shorten, wrong
from carbonflows_fast.readers._accounts import Account, Pair
from carbonflows_fast.readers._choice import Candidate
from carbonflows_fast.readers._files import Files
from carbonflows_fast.readers._records import Records, check_once, read_records
from carbonflows_fast.table import Table

__all__ = ["emission_files", "read_emissions"]

logger = logging.getLogger(__name__)

NAMES = r"(?P<gas>co2|ghg)Footprint_(\d\ded_)?(?P<year>\d{4})(_\d{8})?\.csv"
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
DIRECT = "HH"  # Eurostat's code where an industry stands otherwise; HH_TRA and the like are parts


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
        if "prod-by-prod" in table.name.lower():
            logger.warning("%s: emissions of industries are not of products, and not read",
                           files.where(name))  # fmt: skip
        elif gas in found:
            raise FormatError(
                wrong(files.where(name), expected=f"one file of {gas} in {table.year}",
                      got=f"{found[gas]} beside it", remedy="keep one of them")
            )  # fmt: skip
        else:
            found[gas] = name
    return found


def read_emissions(
    files: Files, name: str, stressor: str, table: Table, *, progress: bool | None
) -> Account:
    """Read what industries emitted in the table's year, and what households did directly.

    Emissions of an industry are the sum over the table's areas and categories of final demand.
    Direct emissions of households are rows of "industry" HH for the households of their own area
    or for nobody in particular.

    Raises
    ------
    FormatError
        If the file is damaged, has nothing of that year, or has a record twice.
    """
    records = read_records(files, name, COLUMNS, only={"year": str(table.year)}, progress=progress)
    if not len(records.values):
        raise FormatError(
            wrong(records.where, expected=f"rows of {table.year}",
                  got=shorten(records.labels["year"]) or "none",
                  remedy="the name says another year than the rows: correct it")
        )  # fmt: skip
    check_once(records, LABELS)
    regions, categories = set(table.regions), set(table._parts.categories)
    used = _among(records, "user", regions) & _among(records, "use", categories)
    direct = _direct(records)
    used &= ~direct
    known = ~np.isnan(records.values)
    _tell_rest(records, ~(used | direct) | ~known, UNITS[stressor])
    return Account(
        where=records.where,
        stressor=stressor,
        unit=UNITS[stressor],
        sectors=_summed(records, used & known),
        demand={
            (area, HOUSEHOLDS): value
            for (area, _), value in _summed(records, direct & known, merge="industry").items()
        },
    )


def _among(records: Records, role: str, wanted: set[str]) -> BoolArray:
    """Return whether the label of each record is one of these."""
    chosen: BoolArray = np.array([label in wanted for label in records.labels[role]], dtype=bool)
    return chosen[records.codes[role]]


def _direct(records: Records) -> BoolArray:
    """Return which records are direct emissions of households; the whole where it is there."""
    industries = records.labels["industry"]
    codes = {DIRECT} if DIRECT in industries else {
        label for label in industries if label.startswith(f"{DIRECT}_")
    }  # fmt: skip
    own = _own(records) | _among(records, "user", {""})
    return _among(records, "industry", codes) & _among(records, "use", {"", HOUSEHOLDS}) & own


def _own(records: Records) -> BoolArray:
    """Return which records have the emitter's area as the user's."""
    areas = records.labels["area"]
    same = np.array([areas.index(u) if u in areas else -1 for u in records.labels["user"]])
    own: BoolArray = same[records.codes["user"]] == records.codes["area"]
    return own


def _summed(records: Records, chosen: BoolArray, merge: str = "") -> dict[Pair, float]:
    """Return sums by area and industry of chosen records, over all industries if so asked."""
    areas, industries = records.labels["area"], records.labels["industry"]
    industry: Any = 0 if merge == "industry" else records.codes["industry"][chosen]
    pair = records.codes["area"][chosen].astype(np.int64) * len(industries) + industry
    sums = np.bincount(pair, records.values[chosen])
    return {
        (areas[at // len(industries)], industries[at % len(industries)]): float(sums[at])
        for at in np.flatnonzero(np.bincount(pair)).tolist()
    }


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
        records.where, rest.sum(), len(rest), np.nansum(records.values[rest]), unit,
        "; ".join(labels),
    )  # fmt: skip


def _labels(records: Records, role: str, chosen: BoolArray) -> list[str]:
    return [records.labels[role][at] for at in np.unique(records.codes[role][chosen]).tolist()]
