"""Which stressor a question is about: one of the table's, a weighted sum, a characterisation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.classification import CHARACTERISATIONS, characterisation
from carbonflows_fast.classification._files import places_of
from carbonflows_fast.errors import (
    InputError,
    LabelError,
    Phrase,
    nearest_are,
    only_in,
    or_no_unit,
    shorten,
)
from carbonflows_fast.table._small import require_normal
from carbonflows_fast.table._table import Table
from carbonflows_fast.table._table_argument import required_table
from carbonflows_fast.table._units import power_between

__all__ = [
    "Stressor",
    "require_one_measure",
    "require_same_stressor",
    "select_stressor",
    "unknown_label",
]


@dataclass(frozen=True, slots=True, eq=False)
class Stressor:
    """One stressor, or a weighted sum of some.

    Attributes
    ----------
    name : str
        For reports; a weighted sum spells out its weights, a characterisation its gases.
    unit : str
        Unit of F and F_Y (of the stressors before weighting, or of CO2-equivalents); empty where
        unknown.
    s : ndarray, shape (n,)
        Per unit of output; 0 where x = 0.
    F : ndarray, shape (n,)
        By sector, sectors without output included.
    F_Y : ndarray, shape (m,)
        Emitted by final users directly.
    asked : str
        What was asked for: the name, without the gases that this table has.
    counted : tuple of str
        Stressors of the table with a weight other than zero.
    weights : tuple of float
        Of each that is counted.
    """

    name: str
    unit: str
    s: FloatArray
    F: FloatArray
    F_Y: FloatArray
    asked: str
    counted: tuple[str, ...]
    weights: tuple[float, ...]


def unknown_label(
    argument: str, kind: str, name: object, known: Sequence[str], hint: str
) -> LabelError:
    """Return the error for a label that a table does not have: the nearest, or the hint."""
    got = repr(name)
    remedy = nearest_are(name, known)
    if isinstance(name, float | int):  # a number is not a misspelt label
        remedy = f"give a name, e.g. {shorten(map(repr, known))}"
    return LabelError.about(
        argument, expected=f"a {kind} of the table", got=got, remedy=hint or remedy
    )


def require_one_measure(argument: str, measures: Mapping[Any, tuple[str, str]]) -> None:
    """Refuse to make one number of several stressors or units.

    Parameters
    ----------
    argument : str
        The argument's name in the error.
    measures : mapping
        Stressor and unit by what they are of, years as a rule.

    Raises
    ------
    InputError

    Examples
    --------
    >>> require_one_measure("accounts", {2018: ("CO2", "kt"), 2019: ("CO2", "t")})
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: accounts: expected one stressor in one unit, got ...
    """
    first: dict[tuple[str, str], Any] = {}
    for of, measure in measures.items():
        first.setdefault(measure, of)
    if len(first) > 1:
        (one, here), (other, there) = list(first.items())[:2]
        raise InputError.about(
            argument,
            expected="one stressor in one unit",
            got=f"{one[0]!r} in {or_no_unit(one[1])} for {here} and {other[0]!r} in "
            f"{or_no_unit(other[1])} for {there}",
            remedy="convert the tables of some years first, or ask for years of one kind",
        )


def _stressor_position(table: Table, name: object) -> int:
    if isinstance(name, str) and name in table.stressors:
        return table.stressors.index(name)
    places = places_of(name, table.stressors) if isinstance(name, str) else []
    if len(places) != 1:
        hint = ""
        if isinstance(name, str) and name[:3].casefold() == "gwp":
            close = nearest_are(name, table.stressors)
            hint = f"characterisations are {', '.join(CHARACTERISATIONS)}; {close}"
        raise unknown_label("stressor", "stressor", name, table.stressors, hint)
    return places[0]


def select_stressor(table: Table, stressor: str | Mapping[str, float] | None = None) -> Stressor:
    """Return one stressor of a table.

    Parameters
    ----------
    table : Table
    stressor : str, mapping name → weight, or None
        None: the only one. A name may lack literal quotes or a code of the national accounts that
        the table's has ("Subsidies D.39"), or have them. A mapping gives Σ weight · stressor; all
        units must be equal. Where no stressor has the name, "GWP100_AR4", "GWP100_AR5" and
        "GWP100_AR6" give the sum of all greenhouse gases in CO2-equivalents, units of mass
        converted (`classification.characterisation`).

    Returns
    -------
    Stressor

    Raises
    ------
    LabelError
        If a name is unknown; the five nearest are listed. If a characterisation finds no gas.
    InputError
        If None is given and there is not exactly one, if units differ, if a weight is not a
        finite number, or if a gas to be characterised has no unit of mass.

    Examples
    --------
    >>> table = Table(Z=[[0.0]], Y=[10.0], F=[[5.0], [1.0]], regions="DE", sectors=["all"],
    ...               stressors=["CO2", "CH4"], stressor_units="kg")
    >>> select_stressor(table, {"CO2": 1, "CH4": 28}).F.tolist()
    [33.0]
    >>> gases = select_stressor(table, "GWP100_AR5")
    >>> gases.name, gases.unit, gases.F.tolist()
    ('GWP100_AR5 of CO2, CH4', 'kg CO2-eq', [33.0])
    """
    required_table("table", table)
    if stressor is None:
        if len(table.stressors) != 1:
            raise InputError.about(
                "stressor",
                expected=f"the name of one, since the table has {len(table.stressors):,}",
                got="none",
                remedy=f"choose from {shorten(map(repr, table.stressors)) or 'another table'}",
            )
        stressor = table.stressors[0]
    if isinstance(stressor, Mapping):
        return _weighted(table, stressor)
    named = isinstance(stressor, str) and stressor not in table.stressors
    if named and stressor in CHARACTERISATIONS:
        return _characterised(table, stressor)
    return _single(table, _stressor_position(table, stressor))


def _single(table: Table, position: int) -> Stressor:
    require_normal(table, [position])
    return Stressor(
        name=table.stressors[position],
        unit=table.content.stressor_units[position],
        s=_contiguous(table.arrays.S[position]),
        F=_contiguous(table.arrays.F[position]),
        F_Y=_contiguous(table.arrays.F_Y[position]),
        asked=table.stressors[position],
        counted=(table.stressors[position],),
        weights=(1.0,),
    )


def _weighted(table: Table, weights: Mapping[str, float]) -> Stressor:
    positions = [_stressor_position(table, name) for name in weights]
    units = list(dict.fromkeys(table.content.stressor_units[p] for p in positions))
    if len(units) != 1:
        raise InputError.about(
            "stressor",
            expected="stressors of one unit in a weighted sum",
            got=f"units {shorten(map(repr, units))}" if units else "an empty mapping",
            remedy="weigh those of each unit apart, or convert the table's F first"
            if units
            else f"give at least one, e.g. {{{table.stressors[0]!r}: 1}}",
        )
    _check_weights(weights)
    terms = [f"{weight:g} {name}" for name, weight in weights.items()]
    return _summed(table, weights, " + ".join(terms), units[0], " + ".join(sorted(terms)))


def _characterised(table: Table, name: str) -> Stressor:
    found = characterisation(name, table.stressors, table.content.stressor_units)
    # Tables differ in the gases that they have, so the name says what was counted.
    without = "" if "CO2" in found.gases else ", without CO2"
    counted = f"{name} of {', '.join(found.gases)}{without}"
    return _summed(table, found.weights, counted, found.unit, name)


def _summed(
    table: Table, weights: Mapping[str, float], name: str, unit: str, asked: str
) -> Stressor:
    """Return Σ weight · stressor."""
    positions = [_stressor_position(table, stressor) for stressor in weights]
    factors = np.array(list(weights.values()), dtype=np.float64)
    require_normal(table, positions, factors)
    return Stressor(
        name=name,
        unit=unit,
        s=_contiguous(factors @ table.arrays.S[positions]),
        F=_contiguous(factors @ table.arrays.F[positions]),
        F_Y=_contiguous(factors @ table.arrays.F_Y[positions]),
        asked=asked,
        counted=tuple(stressor for stressor, weight in weights.items() if weight != 0.0),
        weights=tuple(float(weight) for weight in weights.values() if weight != 0.0),
    )


def require_same_stressor(
    one: Stressor, other: Stressor, argument: str, names: tuple[str, str]
) -> None:
    """Refuse to compare two tables in different stressors, units or gases.

    Parameters
    ----------
    one, other : Stressor
        Of either table.
    argument : str
        What the error is about.
    names : tuple of str
        What the two tables are called in it.

    Raises
    ------
    InputError
        If one counts another stressor, another unit, or gases that the other has no account of;
        the message names both sides.

    Examples
    --------
    >>> table = Table(Z=[[0.0]], Y=[10.0], F=[[5.0], [1.0]], regions="DE", sectors=["all"],
    ...               stressors=["CO2", "CH4"], stressor_units="kg")
    >>> both, one = (select_stressor(table, s) for s in ({"CO2": 1, "CH4": 28}, "CO2"))
    >>> require_same_stressor(one, both, "before", ("the first", "the second"))
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: before: expected 'CO2' in 'kg', as in the first, got ...
    """
    said = [f"{stressor.asked!r} in {or_no_unit(stressor.unit)}" for stressor in (one, other)]
    if said[0] != said[1]:
        same = one.asked == other.asked
        raise InputError.about(
            argument,
            expected=f"{said[0]}, as in {names[0]}",
            got=f"{said[1]} in {names[1]}",
            remedy=Phrase.in_python(_in_one_unit(one, other))
            if same
            else "ask both for the same stressor",
        )
    got = only_in(names, map(repr, one.counted), map(repr, other.counted))
    if got:
        both = [name for name in one.counted if name in other.counted]
        remedy = f"ask for what both have, e.g. {both[0]!r}" if both else "name them alike in both"
        raise InputError.about(
            argument,
            expected=f"the same stressors in {one.asked!r} of both tables",
            got=got,
            remedy=remedy,
        )


def _in_one_unit(one: Stressor, other: Stressor) -> str:
    """Return how to bring the second table's stressor into the unit of the first."""
    if len(other.counted) != 1 or other.counted[0] != other.asked:
        return "convert one of them, by table.with_changes(unit={stressor: unit, …})"
    units = f"{{{other.asked!r}: {one.unit!r}}}"
    try:
        power_between("unit", other.unit, one.unit)
    except InputError:
        return (
            f"where the numbers are the same, table.with_changes(stressor_units={units}) says so; "
            "where not, convert S and F_Y as well"
        )
    return (
        f"convert the other with table.with_changes(unit={units}), or, where its numbers are in "
        f"{or_no_unit(one.unit)} already, say so with table.with_changes(stressor_units={units})"
    )


def _check_weights(weights: Mapping[str, float]) -> None:
    for name, weight in weights.items():
        number = isinstance(weight, int | float | np.number) and not isinstance(weight, bool)
        if not number or not np.isfinite(weight):
            raise InputError.about(
                "stressor",
                expected="a finite number as weight",
                got=f"{weight!r} for {name!r}",
                remedy="give e.g. {'CO2': 1, 'CH4': 28}",
            )


def _contiguous(values: Any) -> FloatArray:
    array: FloatArray = locked(np.ascontiguousarray(values, dtype=np.float64))
    return array
