"""Numbers, units and shares in words that read the same everywhere."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "MASSES",
    "RAISED",
    "SAME_MASSES",
    "Scale",
    "percent",
    "scale_for",
    "shares_for",
]

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
    raised = str(powers).translate(RAISED)
    return Scale(1000.0**steps, f"10{raised} {unit}".rstrip())


def shares_for(values: Any) -> Scale:
    """Return the scale for shares, in per cent."""
    scale = scale_for(100.0 * np.asarray(values, dtype=np.float64), "%")
    return Scale(scale.factor / 100.0, scale.unit)


def percent(part: float, total: float, digits: int = 1) -> str:
    """Write a part as a share of a total.

    >>> percent(-1, 3), percent(1, 1e6), percent(1, 1e-6)
    ('−33.3%', '<0.1%', '>1,000%')
    """
    share, least = part / total, 10.0 ** -(digits + 2)
    if abs(share) > 10:  # of a total in which parts cancel
        return "<−1,000%" if share < 0 else ">1,000%"
    if 0 < abs(share) < least / 2:
        return f"{'>−' if share < 0 else '<'}{least:.{digits}%}"
    return f"{share:.{digits}%}".replace("-", "−")
