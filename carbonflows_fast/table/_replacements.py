"""Replacing parts of a table: checks, and what may be shared with the table before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray, encode, locked
from carbonflows_fast.errors import InputError, LabelError, nearest_are
from carbonflows_fast.table._content import Matrix, Parts
from carbonflows_fast.table._gate import heads_of, name_of, texts_per, year_of
from carbonflows_fast.table._labels_given import (
    A_STRESSOR,
    agreed,
    label_texts,
    listed,
    pairs_of,
    require_texts,
    stressor_labels,
)
from carbonflows_fast.table._numbers_given import (
    LARGEST,
    as_given,
    check_shape,
    matrix_numbers,
    numbers,
    text_axis,
)
from carbonflows_fast.table._units import power_between, scaled_by_ten

__all__ = ["Changes", "checked_changes", "relabelled"]


@dataclass(frozen=True)
class Changes:
    """Checked replacements for numbers of a table; None where nothing was given."""

    A: Matrix | None
    S: FloatArray | None
    F: FloatArray | None
    Y: FloatArray | None
    F_Y: FloatArray | None


def checked_changes(parts: Parts, *, A: Any, S: Any, F: Any, Y: Any, F_Y: Any) -> Changes:
    """Check what `with_changes` was given against the shapes and labels of the table."""
    if S is not None and F is not None:
        raise InputError.about(
            "F, S",
            expected="one of the two at most",
            got="both",
            remedy="give F or S; the other is computed from it",
        )
    n, m, k = len(parts.region_codes), len(parts.demand_codes), len(parts.stressors)
    rows, columns = _labels_of_rows(parts), _labels_of_columns(parts)
    stressors = list(parts.stressors)
    labels = {"row": rows, "demand": columns, "stressor": (stressors, None)}
    texts = {"row": text_axis(*rows), "demand": text_axis(*columns), "stressor": stressors}
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
        F=checked("F", F, "stressor", "row"),
        Y=checked("Y", Y, "row", "demand"),
        F_Y=checked("F_Y", F_Y, "stressor", "demand"),
    )


def _labels_of_rows(parts: Parts) -> tuple[list[str], list[str]]:
    regions = [parts.regions[code] for code in parts.region_codes]
    return regions, [parts.sectors[code] for code in parts.sector_codes]


def _labels_of_columns(parts: Parts) -> tuple[list[str], list[str]]:
    regions = [parts.regions[code] for code in parts.demand_codes]
    return regions, [parts.categories[code] for code in parts.category_codes]


def relabelled(
    parts: Parts,
    *,
    stressors: Any,
    stressor_units: Any,
    unit: Any,
    row_units: Any,
    population: Any,
    year: Any,
    name: Any,
) -> Parts:
    """Return the parts with other labels; where `unit` differs, with converted numbers."""
    if stressors is not None:
        parts = replace(parts, stressors=_renamed(parts.stressors, stressors))
    if stressor_units is not None:
        units = _completed(parts, "stressor_units", stressor_units)
        parts = replace(parts, stressor_units=units)
    if unit is not None:
        parts = _converted(parts, _completed(parts, "unit", unit))
    if row_units is not None:
        rows = text_axis(*_labels_of_rows(parts))
        names, codes = encode(texts_per("row_units", row_units, rows, ""))
        parts = replace(parts, row_units=names, row_unit_codes=locked(codes))
    if year is not None:
        parts = replace(parts, year=year_of(year))
    if population is not None:
        parts = replace(parts, population=heads_of(population, parts.regions, parts.year))
    return parts if name is None else replace(parts, name=name_of(name))


def _renamed(names: tuple[str, ...], new: Any) -> tuple[str, ...]:
    if isinstance(new, Mapping):
        _refuse_unknown("stressors", new, names)
        new = [new.get(name, name) for name in names]
    elif not isinstance(new, str):
        new = listed("stressors", new, f"{len(names)} names, or a mapping", A_STRESSOR)
    require_texts("stressors", [new] if isinstance(new, str) else new)
    return stressor_labels(len(names), new, [])


def _completed(parts: Parts, argument: str, units: Any) -> tuple[str, ...]:
    """Return a unit for each stressor; those left out of a mapping keep theirs."""
    if isinstance(units, Mapping):
        _refuse_unknown(argument, units, parts.stressors)
        units = dict(zip(parts.stressors, parts.stressor_units, strict=True)) | dict(units)
    return texts_per(argument, units, parts.stressors, "")


def _refuse_unknown(argument: str, given: Mapping[Any, Any], names: tuple[str, ...]) -> None:
    for key in given:
        if key not in names:
            raise LabelError.about(
                argument,
                expected="stressors of the table as keys",
                got=repr(key),
                remedy=nearest_are(key, names),
            )


def _converted(parts: Parts, units: tuple[str, ...]) -> Parts:
    """Return the parts with emissions in other units, each number rounded once."""
    powers = [
        power_between("unit", *pair) for pair in zip(parts.stressor_units, units, strict=True)
    ]
    emissions, F_Y = parts.emissions.copy(), None if parts.F_Y is None else parts.F_Y.copy()
    for values in (emissions, F_Y):
        if values is None:
            continue
        with np.errstate(over="ignore"):
            for k, power in enumerate(powers):
                values[k] = scaled_by_ten(values[k], power)
        largest = float(np.abs(values).max(initial=0.0))
        if largest > LARGEST:
            raise InputError.about(
                "unit",
                expected=f"a unit in which numbers are at most {LARGEST:.0e}",
                got=f"{largest:.3g}",
                remedy="take a larger unit",
            )
    return replace(
        parts,
        stressor_units=units,
        emissions=locked(emissions),
        F_Y=None if F_Y is None else locked(F_Y),
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
