"""Which stressors of a table are greenhouse gases, by their names; sources or totals."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

from carbonflows_fast.classification._files import label_key, records, without_marks
from carbonflows_fast.errors import InputError, Phrase

__all__ = ["Gas", "gases_of", "looks_like_carbon_dioxide", "require_parts_or_whole"]

BIOGENIC = "CO2 biogenic"
HARM = ("daly", "dalys")  # years of life lost to a gas: GLORIA's disease burden, by bare names
LEVELS = " | "
MEANT = Phrase.in_python("give a mapping name → weight with those that you mean")

# Full Eora has one row for each source of a gas, "I-GHG-CO2 emissions (Gg) | Transport, other".
# Memo items (international bunkers) are no part of a country's inventory.
_SOURCE = re.compile(r"(?:[^|]*: )?I-GHG-([\w-]+) emissions \([^|]*\)(?: \| (?!memo\b)(.+))?", re.I)
_CARBON_DIOXIDE = re.compile(r"(?<![a-z])co2(?![a-z0-9]|[ -]?eq)|carbon dioxide", re.I)
_NOT_FOSSIL = re.compile(r"bio|org_short", re.I)


class Gas(NamedTuple):
    """A stressor that is a gas.

    `gas` is its row of gwp100.csv, `formula` what it is called ("CH4" of "CH4 fossil"); a `part`
    is one of several sources or origins, to be added up.
    """

    stressor: str
    unit: str
    gas: str
    formula: str
    part: bool


class _Known(NamedTuple):
    gas: str
    formula: str
    part: bool


def gases_of(stressors: Sequence[str], units: Sequence[str], more: Iterable[str] = ()) -> list[Gas]:
    """Return the stressors that are gases, in the table's order.

    `more` are gases that are also stressors of that name.

    Raises
    ------
    InputError
        If a name is there twice, or one names two gases.
    """
    # A sum that is called CO2-eq is no gas: it would count the others twice.
    own = {_key(gas): _known(gas, gas) for gas in more if gas != "CO2-eq"}
    known = own | _shipped()
    found: list[Gas] = []
    first: dict[str, str] = {}
    for stressor, unit in zip(stressors, units, strict=True):
        if label_key(unit) in HARM:
            continue
        if source := _source(stressor, known):
            found.append(Gas(stressor, unit, *source))
            continue
        key, gas = _named(stressor, known)
        if gas is not None:
            found.append(Gas(stressor, unit, *gas))
            # Perhaps a gas and its total, or one account twice: only the user can know.
            if (other := first.setdefault(key, stressor)) != stressor:
                raise _twice(other, stressor)
    return found


def _named(stressor: str, known: dict[str, _Known]) -> tuple[str, _Known | None]:
    """Return the gas that a stressor, or a part of its name, is called, and by which key.

    Parts are what stands behind the extension ("air: CO2"), and the levels ("CO2 | air",
    "air | CO2"). Accounts of one name that a running number tells apart are parts of one gas.

    Raises
    ------
    InputError
        If the parts are different gases.
    """
    if gas := known.get(key := _key(stressor)):
        return key, gas
    behind = stressor.partition(": ")[2]
    parts = [behind, *stressor.split(LEVELS), *behind.split(LEVELS)]
    keys = [key for key in dict.fromkeys(map(_key, parts)) if key in known]
    gases = {known[key].gas for key in keys}
    if len(gases) > 1:
        raise InputError.about(
            "stressor",
            expected="names of one greenhouse gas each",
            got=f"{stressor!r}, which has {' and '.join(sorted(gases))}",
            remedy=MEANT,
        )
    if not keys:
        return "", None
    number = parts[-1].strip() or parts[-2].strip()
    if number.isdigit():
        return f"{keys[0]} {number}", known[keys[0]]._replace(part=True)
    return keys[0], known[keys[0]]


def _key(name: str) -> str:
    """Return the form in which names are compared: GLORIA's quotes do not count either."""
    return label_key(without_marks(name))


def _source(stressor: str, known: dict[str, _Known]) -> _Known | None:
    """Return the gas of a source of full Eora."""
    match = _SOURCE.fullmatch(stressor)
    if not match:
        return None
    code, item = match[1], match[2] or "total"
    part = not item.casefold().startswith("total")
    if code.casefold() == "co2b":
        return _Known(BIOGENIC, "CO2", part)
    gas = known.get(_key(code))
    return gas._replace(part=part) if gas else None


@cache
def _shipped() -> dict[str, _Known]:
    """Return the gas by the key of a stressor's name."""
    return {
        _key(row["stressor"]): _known(row["gas"], row["stressor"])
        for row in records("ghg_stressors")
    }


def _known(gas: str, stressor: str) -> _Known:
    """Return the gas of a name; a mixture in CO2-equivalents has its stressor's name: "HFC"."""
    formula = (stressor if gas == "CO2-eq" else gas).split()[0]
    # Of EXIOBASE's names, "CH4 - waste - air" are parts, and "CH4 fossil" is one of two.
    return _Known(gas, formula, stressor.endswith(" - air") or stressor.endswith("fossil"))


def require_parts_or_whole(gases: Sequence[Gas]) -> None:
    """Refuse a gas that is there as a whole and in parts, or as a whole twice.

    Raises
    ------
    InputError
        Naming two that would be counted twice.
    """
    seen: dict[str, Gas] = {}
    for one in gases:
        substance = BIOGENIC if one.gas == BIOGENIC else one.formula
        other = seen.setdefault(substance, one)
        if other is not one and not (other.part and one.part):
            whole, beside = (one, other) if other.part else (other, one)
            raise _twice(whole.stressor, beside.stressor)


def _twice(one: str, other: str) -> InputError:
    return InputError.about(
        "stressor",
        expected="each greenhouse gas once, in one piece or in parts",
        got=f"{one!r} and {other!r}",
        remedy=MEANT,
    )


def looks_like_carbon_dioxide(stressor: str) -> bool:
    """Return whether a name says carbon dioxide, and not that it is biogenic or an equivalent.

    >>> [looks_like_carbon_dioxide(name) for name in ("Total CO2 (EDGAR)", "CO2-eq", "CO2_bio")]
    [True, False, False]
    """
    return bool(_CARBON_DIOXIDE.search(stressor)) and not _NOT_FOSSIL.search(stressor)
