"""Greenhouse gases: which stressors they are, and what weighs them into CO2-equivalents."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carbonflows_fast.classification._files import field, label_key, records
from carbonflows_fast.classification._gas_names import (
    Gas,
    gases_of,
    looks_like_carbon_dioxide,
    require_parts_or_whole,
)
from carbonflows_fast.errors import InputError, LabelError, Phrase, shorten

__all__ = [
    "CHARACTERISATIONS",
    "Characterisation",
    "carbon_dioxide",
    "characterisation",
    "sums_in_equivalents",
]

CHARACTERISATIONS = ("GWP100_AR4", "GWP100_AR5", "GWP100_AR6")

# Powers of ten, in grams. Letter case counts: "mt" could be anything. "" is an unknown unit.
_GRAMS = {
    "": 0,
    "g": 0,
    "kg": 3,
    "t": 6,
    "kt": 9,
    "Mt": 12,
    "Gt": 15,
    "Gg": 9,
    "Tg": 12,
    "Pg": 15,
    "tonnes": 6,
    "kilotonnes": 9,
}
_UNIT = re.compile(rf"({'|'.join(sorted(filter(None, _GRAMS), key=len, reverse=True))})(.*)")
_EQUIVALENTS = frozenset({"co2e", "co2eq", "co2equiv", "co2equivalent", "co2equivalents"})
_SUMS = frozenset({"ghg", "prod_ghg"})  # of all gases, in FIGARO, USEEIO and the OECD's files


@dataclass(frozen=True, slots=True)
class Characterisation:
    """Weights that turn stressors into one mass of CO2-equivalents.

    Attributes
    ----------
    name : str
        Such as "GWP100_AR6".
    unit : str
        The unit of the weighted sum, such as "kt CO2-eq"; empty if the stressors have no unit.
    weights : dict
        Weight of each stressor, with conversion of units; 0 for biogenic CO2, which does not count.
    gases : tuple of str
        The gases that are counted, in the table's order: ("CO2", "CH4").

    Examples
    --------
    >>> characterisation("GWP100_AR6", ["CO2", "water"], ["kt", "m3"])
    Characterisation(name='GWP100_AR6', unit='kt CO2-eq', weights={'CO2': 1.0}, gases=('CO2',))
    """

    name: str
    unit: str
    weights: dict[str, float]
    gases: tuple[str, ...]


def characterisation(
    name: str, stressors: Sequence[str], units: Sequence[str], factors: Any = None
) -> Characterisation:
    """Return the weights that turn a table's greenhouse gases into CO2-equivalents.

    Parameters
    ----------
    name : str
        "GWP100_AR4", "GWP100_AR5" or "GWP100_AR6": warming over 100 years, by the factors of the
        fourth, fifth or sixth report of the Intergovernmental Panel on Climate Change.
    stressors, units : sequence of str
        Those of the table, in one order. A stressor is a gas if `load("ghg_stressors")` has its
        name or `load("gwp100")` its gas, or any part of it: what is between " | ", or behind its
        extension ("air: CO2"); or if it is a source of full Eora ("I-GHG-CH4 emissions (Gg) | …",
        without memo items). Literal quotes do not count. Others are left out, and so are years of
        life lost to a gas (DALY).
    factors : DataFrame, optional
        An edited `load("gwp100")`. A new gas in it is also a stressor of that name.

    Returns
    -------
    Characterisation
        Its unit is the mass unit of the first gas, followed by " CO2-eq".

    Raises
    ------
    LabelError
        If the characterisation is unknown; if no stressor is a known gas; or if none is carbon
        dioxide, but an unknown one looks like it.
    InputError
        If a gas has no unit of mass, or has CO2-equivalents instead of a mass of the gas; if a gas
        occurs twice, or as a total together with its parts, or a name has two gases; or if
        `factors` is not like `load("gwp100")`.

    Notes
    -----
    CO2-eq = Σ_g GWP100_g · mass_g. Source: IPCC (2007, 2013, 2021), the tables of the working
    group I reports that `load("gwp100")` names.

    Biogenic CO2 counts 0. HFC and PFC of EXIOBASE are already in CO2-equivalents and count 1, with
    the factors of the report they were made with. If a table lacks a gas, the sum lacks it too. A
    sum of all gases in CO2-equivalents ("GHG") is not a gas; ask for it by its own name.

    Examples
    --------
    >>> both = characterisation("GWP100_AR5", ["CO2", "CH4", "water"], ["kt", "t", "m3"])
    >>> both.weights, both.unit
    ({'CO2': 1.0, 'CH4': 0.028}, 'kt CO2-eq')
    """
    if len(stressors) != len(units):
        raise InputError.about(
            "units",
            expected=f"{len(stressors)}, one per stressor",
            got=f"{len(units)}",
            remedy="give '' where a unit is unknown",
        )
    factor_of = _factors(name, factors)
    found = gases_of(stressors, units, factor_of)
    counted = [one for one in found if _factor(name, factor_of, one.gas) != 0.0]
    if not counted:
        raise _no_gas(name, stressors, units)
    if "CO2" not in [one.formula for one in counted]:
        _require_no_unknown_carbon_dioxide(name, stressors, units, found)
    require_parts_or_whole(counted)
    masses = _masses(counted)
    weights = {one.stressor: 0.0 for one in found}
    for one, mass in zip(counted, masses, strict=True):
        weights[one.stressor] = _scaled(factor_of[one.gas], _GRAMS[mass] - _GRAMS[masses[0]])
    return Characterisation(
        name=name,
        unit=f"{masses[0]} CO2-eq" if masses[0] else "",
        weights=weights,
        gases=tuple(dict.fromkeys(one.formula for one in counted)),
    )


def carbon_dioxide(stressors: Sequence[str], units: Sequence[str]) -> dict[str, float]:
    """Return the weights that add up a table's carbon dioxide without biogenic; {} if it has none.

    Parameters
    ----------
    stressors, units : sequence of str
        Those of the table, in one order. Stressors are recognised as in `characterisation`.

    Returns
    -------
    dict of str to float
        By stressor, in the mass unit of the first one.

    Raises
    ------
    InputError
        If it has no unit of mass, or occurs twice, or as a total together with its parts.

    Examples
    --------
    >>> carbon_dioxide(["CO2", "CH4"], ["kt", "t"])
    {'CO2': 1.0}
    """
    found = [one for one in gases_of(stressors, units, {}) if one.gas == "CO2"]
    require_parts_or_whole(found)
    masses = _masses(found)
    return {
        one.stressor: _scaled(1.0, _GRAMS[mass] - _GRAMS[masses[0]])
        for one, mass in zip(found, masses, strict=True)
    }


def sums_in_equivalents(stressors: Sequence[str], units: Sequence[str]) -> list[str]:
    """Return the stressors that are sums of gases in CO2-equivalents, weighted by the publisher.

    Parameters
    ----------
    stressors : sequence of str
    units : sequence of str
        One for each.

    Returns
    -------
    list of str

    Raises
    ------
    LabelError
        If a gas occurs both as a total and in parts.

    Examples
    --------
    >>> sums_in_equivalents(["CO2", "GHG"], ["kt", "kt CO2-eq"])
    ['GHG']
    """
    gases = {one.stressor for one in gases_of(stressors, units, {})}
    return [
        stressor
        for stressor, unit in zip(stressors, units, strict=True)
        if stressor not in gases
        and (label_key(stressor) in _SUMS or _split(unit)[1] in _EQUIVALENTS)
    ]


def _no_gas(name: str, stressors: Sequence[str], units: Sequence[str]) -> LabelError:
    """Return the error for a table without a gas that counts: it may have a sum of them."""
    remedy: str = _named_so("name them as", "or give a mapping name → weight")
    if sums := sums_in_equivalents(stressors, units):
        remedy = f"ask by name for what is in CO2-equivalents already: {shorten(map(repr, sums))}"
    return LabelError.about(
        "stressor",
        expected=f"a table with greenhouse gases, which {name} counts",
        got=f"the stressors {shorten(map(repr, stressors)) or 'none'}",
        remedy=remedy,
    )


def _named_so(name_it: str, weigh: str) -> Phrase:
    """Advise a name that is known, or a mapping."""
    return Phrase(
        f"{name_it} classification.load('ghg_stressors') does, {weigh}",
        f"{name_it} carbonflows_fast/classification/ghg_stressors.csv does, {weigh} in Python",
    )


def _require_no_unknown_carbon_dioxide(
    name: str, stressors: Sequence[str], units: Sequence[str], found: list[Gas]
) -> None:
    """Refuse to count other gases where carbon dioxide is there by a name that is not known."""
    known = {one.stressor for one in found}
    for stressor, unit in zip(stressors, units, strict=True):
        of_it = _split(unit)[1] in ("", "co2")  # and no price of it
        if of_it and stressor not in known and looks_like_carbon_dioxide(stressor):
            raise LabelError.about(
                "stressor",
                expected=f"carbon dioxide by a name that is known, which {name} counts",
                got=repr(stressor),
                remedy=_named_so(
                    "name it as", "or give a mapping name → weight with the gases that you mean"
                ),
            )


# --- factors --------------------------------------------------------------------------------


def _factors(name: str, factors: Any) -> dict[str, float]:
    """Return the factor of each gas in one report."""
    needed = ("gas", "report", "gwp100")
    if factors is not None and not {*needed} <= {*getattr(factors, "columns", ())}:
        raise InputError.about(
            "factors",
            expected=f"a DataFrame with the columns {', '.join(needed)}",
            got=type(factors).__name__,
            remedy="edit classification.load('gwp100')",
        )
    rows = records("gwp100") if factors is None else factors.to_dict("records")
    names = tuple(dict.fromkeys(f"GWP100_{field(row, 'report')}" for row in rows))
    if name not in names:
        raise LabelError.about(
            "characterisation",
            expected=f"one of {', '.join(names)}",
            got=repr(name),
            remedy=Phrase.in_python("choose one, or give a mapping stressor → weight"),
        )
    found: dict[str, float] = {}
    for row in rows:
        if name != f"GWP100_{field(row, 'report')}":
            continue
        gas, value = field(row, "gas"), _number(field(row, "gwp100"))
        if gas in found or not math.isfinite(value):
            raise InputError.about(
                "factors",
                expected="one finite number for each gas of a report",
                got=f"two for {gas!r}" if gas in found else f"{row['gwp100']!r} for {gas!r}",
                remedy="edit classification.load('gwp100')",
            )
        found[gas] = value
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _factor(name: str, factor_of: dict[str, float], gas: str) -> float:
    if gas not in factor_of:
        raise InputError.about(
            "factors",
            expected=f"a factor of {name} for every gas of the table",
            got=f"none for {gas!r}",
            remedy="add its row; gwp100 0 leaves the gas out",
        )
    return factor_of[gas]


# --- units ----------------------------------------------------------------------------------


def _masses(found: list[Gas]) -> list[str]:
    """Return the mass unit of each stressor; all empty where no stressor has a unit."""
    if not any(one.unit.strip() for one in found):
        return [""] * len(found)
    return [_mass(one) for one in found]


def _mass(one: Gas) -> str:
    """Return the mass unit in front of a stressor's unit: "kt" of "kt CO2"."""
    mass, suffix = _split(one.unit)
    # Carbon dioxide is its own equivalent. A mass of carbon ("Mt C") is not one of the gas.
    allowed = {"", _squeezed(one.formula)}
    if one.gas == "CO2-eq":
        allowed = {"", *_EQUIVALENTS}
    elif one.formula == "CO2":
        allowed |= _EQUIVALENTS
    if not mass or suffix not in allowed:
        already = ", in which it is weighted already" if suffix in _EQUIVALENTS else ""
        raise InputError.about(
            "stressor_units",
            expected=f"a mass of {one.formula} ({', '.join(filter(None, _GRAMS))}) for "
            f"{one.stressor!r}",
            got=f"{one.unit!r}{already}",
            remedy=Phrase.in_python(
                "correct the table's stressor_units, or give a mapping name → weight instead of "
                "the characterisation"
            ),
        )
    return mass


def _split(unit: str) -> tuple[str, str]:
    """Return ("kt", "co2eq") for "kt CO2-eq"; the mass is empty where there is none."""
    text = unicodedata.normalize("NFKC", unit).strip()
    match = _UNIT.fullmatch(text)
    return (match[1], _squeezed(match[2])) if match else ("", _squeezed(text))


def _squeezed(text: str) -> str:
    """Return "co2eq" for " CO2-eq"."""
    return re.sub(r"[\s_.-]", "", text).casefold()


def _scaled(factor: float, power: int) -> float:
    """Return factor · 10^power; powers of ten are exact, so it is rounded once."""
    power_of_ten = 10.0 ** abs(power)
    return factor * power_of_ten if power >= 0 else factor / power_of_ten
