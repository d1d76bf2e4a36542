"""Replacing parts of a table: checks, and what may be shared with the table before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from carbonflows_fast._labels import agreed, label_texts, pairs_of
from carbonflows_fast._numbers import as_given, check_shape, matrix_numbers, numbers, text_axis
from carbonflows_fast._parts import FloatArray, Matrix, Parts

__all__ = ["Changes", "checked_changes"]


@dataclass(frozen=True)
class Changes:
    """Checked replacements for parts of a table; None where nothing was given."""

    A: Matrix | None
    S: FloatArray | None
    Y: FloatArray | None
    F_Y: FloatArray | None


def checked_changes(parts: Parts, *, A: Any, S: Any, Y: Any, F_Y: Any) -> Changes:
    """Check what `with_changes` was given against the shapes and labels of the table."""
    n, m, k = len(parts.region_codes), len(parts.demand_codes), len(parts.stressors)
    row_regions = [parts.regions[code] for code in parts.region_codes]
    row_sectors = [parts.sectors[code] for code in parts.sector_codes]
    columns = (
        [parts.regions[code] for code in parts.demand_codes],
        [parts.categories[code] for code in parts.category_codes],
    )
    labels = {
        "row": (row_regions, row_sectors),
        "demand": columns,
        "stressor": (list(parts.stressors), None),
    }
    texts = {
        "row": text_axis(row_regions, row_sectors),
        "demand": text_axis(*columns),
        "stressor": list(parts.stressors),
    }
    sizes = {"row": n, "demand": m, "stressor": k}

    def checked(argument: str, value: Any, first: str, second: str) -> Any:
        if value is None:
            return None
        given = as_given(argument, value, row=first == "stressor")
        check_shape(given, (sizes[first], sizes[second]), "that of the table")
        for side, axis, index in (
            ("index", first, given.index),
            ("columns", second, given.columns),
        ):
            if index is not None:
                _check_same(f"{argument} {side}", index, axis, labels[axis])
        if argument == "A":
            return matrix_numbers(argument, given.values, texts["row"])
        return numbers(argument, given.values, (texts[first], texts[second]))

    return Changes(
        A=checked("A", A, "row", "row"),
        S=checked("S", S, "stressor", "row"),
        Y=checked("Y", Y, "row", "demand"),
        F_Y=checked("F_Y", F_Y, "stressor", "demand"),
    )


def _check_same(
    source: str, index: Any, axis: str, labels: tuple[list[str], list[str] | None]
) -> None:
    """Check the labels of a DataFrame against those of the table."""
    remedy = "keep the labels of the table's own frames"
    first, second = labels
    if second is None:
        found = label_texts(source, index.tolist())
        agreed("the stressors", len(first), [("the table", first), (source, found)], remedy)
        return
    names = ("region", "sector" if axis == "row" else "category")
    for name, known, labels_found in zip(
        names, labels, pairs_of(source, index, names), strict=True
    ):
        sources = [("the table", known or []), (source, labels_found)]
        agreed(f"the {axis} labels ({name})", len(first), sources, remedy)
