"""Numbers, units and shares in words that read the same everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "NOT_KNOWN",
    "Scale",
    "chance",
    "count",
    "numbers",
    "percent",
    "power_of_ten",
    "scale_for",
    "shares_for",
    "with_unit",
]

NOT_KNOWN = "n/a"  # where there is no share
MOST = 10.0  # above that a share is of next to nothing, and its digits say nothing

MASSES = ("g", "kg", "t", "kt", "Mt", "Gt")

SAME_MASSES = {"Mg": "t", "Gg": "kt", "Tg": "Mt", "Pg": "Gt"}

RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers are written: over `factor`, in `unit`.

    >>> scale_for([31_500_000.0, 250_000.0], "kt").text(31_500_000.0)
    '31.5 Gt'
    """

    factor: float
    unit: str

    def number(self, value: float, *, sign: bool = False) -> str:
        """Write a value with three digits, without its unit."""
        shown = abs(value) / self.factor
        if 0 < shown < 0.0005:
            return ">−0.001" if value < 0 else "<0.001"
        digits = 0 if shown == 0 else min(3, max(0, 2 - math.floor(math.log10(shown))))
        text = f"{shown:,.{digits}f}"
        return ("−" if value < 0 else "+" if sign and value > 0 else "") + text

    def text(self, value: float, *, sign: bool = False) -> str:
        """Write a value with its unit."""
        times = "× " if re.match("10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]", self.unit) else ""
        return f"{self.number(value, sign=sign)} {times}{self.unit}".rstrip()

    def tick(self, value: float, _: object = None) -> str:
        """Write a value of an axis."""
        return f"{value / self.factor:,.12g}".replace("-", "−")

    def label(self, stressor: str) -> str:
        """Say what an axis shows."""
        return f"{stressor}, {self.unit}" if self.unit else stressor


def scale_for(values: Any, unit: str) -> Scale:
    """Return the scale on which the largest of some values is between 10 and 10,000.

    Values of one and more keep their unit where that would need a smaller one. Masses go from g to
    Gt, with what follows the unit kept ("kg CO2-eq"); what is beyond, and any other unit, gets a
    power of ten, negative ones only where three decimals would not do.
    """
    sizes = np.abs(np.asarray(values, dtype=np.float64))
    largest = float(np.max(sizes[np.isfinite(sizes)], initial=0.0))
    size = math.log10(largest) if largest > 0 else 0.0
    size = max(size, -300.0)  # the factor is a number of float64
    steps = math.floor(size / 3) if size < 0 else max(0, math.floor((size - 1) / 3 + 1e-12))
    unit, moved = unit.strip(), 0
    mass, _, rest = unit.partition(" ")
    mass = SAME_MASSES.get(mass, mass)
    if mass in MASSES:
        at = MASSES.index(mass)
        moved = min(max(at + steps, 0), len(MASSES) - 1) - at
        unit = f"{MASSES[at + moved]} {rest}".rstrip()
    powers = 3 * (steps - moved)
    if powers == 0 or (powers < 0 and largest >= 0.01 * 1000.0**moved):
        return Scale(1000.0**moved, unit)
    return Scale(1000.0**steps, f"{power_of_ten(powers)} {unit}".rstrip())


def power_of_ten(power: int) -> str:
    """Write a power of ten.

    >>> power_of_ten(-12)
    '10⁻¹²'
    """
    return f"10{str(power).translate(RAISED)}"


def shares_for(values: Any) -> Scale:
    """Return the scale for shares, in per cent."""
    scale = scale_for(100.0 * np.asarray(values, dtype=np.float64), "%")
    return Scale(scale.factor / 100.0, scale.unit)


def percent(share: float, *, sign: bool = False) -> str:
    """Write a share, everywhere with one digit.

    >>> percent(0.2391), percent(0.4, sign=True), percent(-1e-9)
    ('23.9 %', '+40.0 %', '0.0 %')
    >>> percent(-4e9), percent(float("nan"))
    ('< −1,000 %', 'n/a')
    """
    if not math.isfinite(share):
        return NOT_KNOWN
    if abs(share) > MOST:
        return f"{'< −' if share < 0 else '> +' if sign else '> '}{100 * MOST:,.0f} %"
    shown = round(100 * share, 1) + 0.0  # adding 0.0 turns −0 into 0
    return f"{shown:{'+' if sign and shown else ''},.1f} %".replace("-", "−")


def chance(probability: float) -> str:
    """Write a probability; none that is not certain reads as if it were.

    >>> chance(0.617), chance(0.9997), chance(1e-9)
    ('0.62', '> 0.99', '< 0.01')
    """
    if not math.isfinite(probability):
        return NOT_KNOWN
    if 0.01 <= probability <= 0.99:
        return f"{probability:.2f}"
    return "< 0.01" if probability < 0.5 else "> 0.99"


def count(number: int, one: str, many: str = "") -> str:
    """Write how many of something there are.

    >>> count(1, "region"), count(9800, "row"), count(2, "pass", "passes")
    ('1 region', '9,800 rows', '2 passes')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def numbers(values: Iterable[float]) -> list[str]:
    """Write the numbers of a column, with as many decimals as give the largest five digits.

    >>> numbers([1234567.8, 3.21]), numbers([12.3456, -0.5])
    (['1,234,568', '3'], ['12.346', '-0.500'])
    """
    given = [float(value) for value in values]
    largest = max((abs(value) for value in given if math.isfinite(value)), default=0.0)
    if largest >= 1e15 or 0 < largest < 1e-4:
        return [f"{value:.4e}" if math.isfinite(value) else "-" for value in given]
    decimals = 0 if largest == 0 else min(max(4 - math.floor(math.log10(largest)), 0), 8)
    # Adding 0.0 turns a rounded −0 into 0.
    return [
        f"{round(value, decimals) + 0.0:,.{decimals}f}" if math.isfinite(value) else "-"
        for value in given
    ]


def with_unit(value: float, unit: str) -> str:
    """Write one number, with its unit if it has one.

    >>> with_unit(31.5, "Mt"), with_unit(31.5, "")
    ('31.500 Mt', '31.500')
    """
    return f"{numbers([value])[0]} {unit}".rstrip()
