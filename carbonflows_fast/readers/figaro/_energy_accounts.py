"""FIGARO-E3's air emissions: one line for each gas, area and industry.

We have not seen the file. Its columns are those that a published program reads; how it calls what
households emit is unknown, so P3_S14 and HH are taken for them, or Eurostat's parts of HH (HH_TRA,
HH_HEAT and so on) where neither is there. The rest is logged.
"""

from __future__ import annotations

import re

import numpy as np

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._into_table._separate_accounts import Account, Pair
from carbonflows_fast.readers._layouts._long_format import Records, check_once, read_records
from carbonflows_fast.readers._layouts._number_parser import settle_blanks, show
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.figaro._find import ENERGY

__all__ = ["read_energy_accounts"]

# flatfile_FIGARO-e_AEM_Gg_CO2e_2015.csv says its unit
NAMES = r"flatfile_FIGARO-e_AEM_(?P<unit>.+)_(?P<year>\d{4})\.csv"
COLUMNS = {
    "gas": "codeIndicator",
    "area": "refArea",
    "industry": "colPi",
    "value": "obsValue",
}
ROLES = ["gas", "area", "industry"]
HOUSEHOLDS = "P3_S14"
WHOLE, PART = {HOUSEHOLDS, "HH"}, "HH_"


def read_energy_accounts(
    files: Files, table: Candidate, *, progress: bool | None
) -> dict[str, Account]:
    """Return the account of each gas beside a table of FIGARO-E3's industries, by its code.

    Raises
    ------
    FormatError
        If there are several files, or one is damaged, has a record twice or one without value
        (unless `files.blanks` says that it is zero).
    """
    if ENERGY not in table.name.lower() or "ind-by-ind" not in table.name.lower():
        return {}
    found = [(n, m) for n, m in files.matching(NAMES) if int(m["year"]) == table.year]
    if not found:
        return {}
    if len(found) > 1:
        raise FormatError.about(
            files.where(found[1][0]),
            expected=f"one file of air emissions in {table.year}",
            got=f"{found[0][0]} beside it",
            remedy="keep one of them",
        )
    ((name, match),) = found
    records = read_records(files, name, COLUMNS, once=True, progress=progress)
    check_once(records, ROLES)
    empty = np.flatnonzero(np.isnan(records.values))
    if empty.size:
        place = show(tuple(_label(records, role, int(empty[0])) for role in ROLES))
        settle_blanks(records.where, len(empty), f"{records.where}, {place}", files.blanks)
    unit = re.sub("_", " ", match["unit"])
    return {gas: _account(records, at, unit) for at, gas in enumerate(records.labels["gas"])}


def _account(records: Records, gas: int, unit: str) -> Account:
    sectors: dict[Pair, float] = {}
    demand: dict[Pair, float] = {}
    chosen = np.flatnonzero(records.codes["gas"] == gas).tolist()
    parts = WHOLE.isdisjoint(_label(records, "industry", at) for at in chosen)
    for at in chosen:
        area, industry = _label(records, "area", at), _label(records, "industry", at)
        value = float(np.nan_to_num(records.values[at]))
        if industry in WHOLE or (parts and industry.startswith(PART)):
            pair = area, HOUSEHOLDS
            demand[pair] = demand.get(pair, 0.0) + value
        else:
            sectors[area, industry] = value
    return Account(records.where, records.labels["gas"][gas], unit, sectors, demand)


def _label(records: Records, role: str, at: int) -> str:
    return records.labels[role][int(records.codes[role][at])]
