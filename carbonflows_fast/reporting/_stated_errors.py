"""The errors of the data that a report was given, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from carbonflows_fast._base.wording import count, percent
from carbonflows_fast.uncertainties import BySize, Errors
from carbonflows_fast.uncertainties._error_model._errors import SOURCES

__all__ = ["DATA", "assumed"]

LISTED: Final = 4  # labels of a mapping
DATA: Final = {
    "Z": "deliveries between industries (Z)",
    "Y": "final purchases (Y)",
    "F": "emissions of industries (F)",
    "F_Y": "emissions of households (F_Y)",
}


def assumed(errors: Errors) -> dict[str, str]:
    """Return what was assumed about the errors, in words, for the list of method and data."""
    own = [
        f"{DATA[source]}: {_form(getattr(errors, source))}"
        for source in SOURCES
        if getattr(errors, source) is not None
    ]
    found = {"Errors of cells": "; ".join(own) if own else "none"}
    if own:
        found["Errors of cells"] += ". Errors of different cells are independent"
    for one in errors.shared:
        moved = "; ".join(
            f"{DATA[source]}: {_form(getattr(one, source), loading=True)}"
            for source in SOURCES
            if getattr(one, source) is not None
        )
        found[f"Shared error: {one.name}"] = f"{percent(one.sd)}, moves together {moved}"
    found["How it is computed"] = (
        "to first order in the errors, with all supply chains; results are taken to be normal. "
        "What is not listed here is taken to have no error"
    )
    return found


def _form(given: Any, *, loading: bool = False) -> str:
    """Write deviations, or loadings, of cells."""

    def one(value: Any) -> str:
        if isinstance(value, BySize):
            limit = "" if value.at_most is None else f", at most {percent(value.at_most)}"
            return f"{percent(value.a)} × size to the power {value.b:g}{limit}".replace("-", "−")
        return f"× {value:g}".replace("-", "−") if loading else percent(value)

    if isinstance(given, Mapping):
        labels = [
            f"{' to '.join(part or 'all' for part in label) if isinstance(label, tuple) else label}"
            f" {one(value)}"
            for label, value in list(given.items())[:LISTED]
        ]
        more = len(given) - LISTED
        return ", ".join(labels) + (f" and {count(more, 'other label')}" if more > 0 else "")
    if isinstance(given, float):
        return "every cell" if loading and given == 1.0 else f"every cell {one(given)}"
    return one(given) if isinstance(given, BySize) else "a number for each cell"
