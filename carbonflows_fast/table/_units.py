"""Units of stressors that differ by a power of ten, such as t and kt."""

from __future__ import annotations

from typing import Any

from carbonflows_fast.errors import InputError, or_no_unit

__all__ = ["power_between", "scaled_by_ten"]

_MASS = {
    "g": 0,
    "kg": 3,
    "Mg": 6,
    "t": 6,
    "tonnes": 6,
    "kt": 9,
    "kilotonnes": 9,
    "Gg": 9,
    "Mt": 12,
    "Tg": 12,
    "Gt": 15,
    "Pg": 15,
}
_ENERGY = {"J": 0, "kJ": 3, "MJ": 6, "GJ": 9, "TJ": 12, "PJ": 15, "EJ": 18}
_HEADS = {
    "p": 0,
    "persons": 0,
    "people": 0,
    "heads": 0,
    "1000 p": 3,
    "1000 persons": 3,
    "1000 people": 3,
    "1000 heads": 3,
    "thousand persons": 3,
    "thousand people": 3,
    "thousand heads": 3,
    "million persons": 6,
    "million people": 6,
    "million heads": 6,
}
FAMILIES = (_MASS, _ENERGY, _HEADS)
KNOWN = "g, kg, t, kt, Mt, Gt, Gg, Tg, J to EJ, persons, 1000 persons, million persons"


def power_between(argument: str, unit: str, wanted: str) -> int:
    """Return k where a number in `unit` times ten to the k is that number in `wanted`.

    What follows the first unit of mass or energy, such as "CO2-eq", must be the same in both.

    Raises
    ------
    InputError
        If one of them is unknown, or they measure different things.

    Examples
    --------
    >>> power_between("unit", "t", "kt"), power_between("unit", "kg CO2-eq", "Mt CO2-eq")
    (-3, -9)
    """
    if unit == wanted:
        return 0
    before, after = _taken_apart(unit), _taken_apart(wanted)
    if before is None or after is None or before[0] != after[0]:
        raise InputError.about(
            argument,
            expected=f"a unit that {or_no_unit(unit)} can be converted to",
            got=or_no_unit(wanted),
            remedy=f"known are {KNOWN}; for others give S, F_Y and stressor_units",
        )
    return before[1] - after[1]


def _taken_apart(unit: str) -> tuple[tuple[int, str], int] | None:
    """Return family and substance, and the power of ten; None for an unknown unit."""
    if unit in _HEADS:
        return (FAMILIES.index(_HEADS), ""), _HEADS[unit]
    first, _, substance = unit.partition(" ")
    for at, family in enumerate(FAMILIES):
        if first in family:
            return (at, substance), family[first]
    return None


def scaled_by_ten(values: Any, power: int) -> Any:
    """Return values times ten to the power, by one rounding.

    >>> scaled_by_ten(1.0, -3), scaled_by_ten(0.7, 3)
    (0.001, 700.0)
    """
    return values * 10.0**power if power >= 0 else values / 10.0**-power
