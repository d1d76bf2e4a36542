"""The edge: what a user gives becomes `Parts`, or an error that says what to do.

Nothing is realigned: labels that disagree in order are an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.arrays import FloatArray, encode, locked, row_sums
from carbonflows_fast.classification import one_region
from carbonflows_fast.errors import InputError, LabelError, shorten
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._labels_given import (
    Carrier,
    demand_labels,
    label_texts,
    listed,
    require_texts,
    row_labels,
    stressor_labels,
)
from carbonflows_fast.table._numbers_given import (
    Given,
    as_float,
    as_given,
    check_shape,
    check_square,
    labels_or_none,
    matrix_numbers,
    numbers,
    place_of,
    rectangular,
    series_index,
    text_axis,
)

__all__ = ["heads_of", "name_of", "table_parts", "texts_per", "year_of"]

DEFAULT_EXTENSION = "emissions"


def _one_of(first: str, a: Any, second: str, b: Any) -> str:
    """Return which of two arguments was given, exactly one being required."""
    if (a is None) == (b is None):
        raise InputError.about(
            f"{first}, {second}",
            expected="exactly one of the two",
            got="neither" if a is None else "both",
            remedy=f"give {first} or {second}; the other is computed from it",
        )
    return second if a is None else first


def texts_per(argument: str, value: Any, names: Sequence[str], default: str) -> tuple[str, ...]:
    """Return one text per name: from a single text, a mapping by name, or a sequence."""
    if value is None or isinstance(value, str):
        return (default if value is None else value,) * len(names)
    if isinstance(value, Mapping):
        known = set(names)
        unknown = [str(key) for key in value if key not in known]
        missing = [name for name in names if name not in value]
        if unknown or missing:
            raise LabelError.about(
                argument,
                expected="one entry per stressor",
                got=f"unknown: {shorten(unknown) or 'none'}; missing: {shorten(missing) or 'none'}",
                remedy=f"use the table's names, e.g. {shorten(names)}",
            )
        value = [value[name] for name in names]
    remedy = "give one for each, in order"
    items = listed(argument, value, f"one text, or {len(names)} of them", remedy)
    if len(items) != len(names):
        raise InputError.about(
            argument,
            expected=f"one text, or {len(names)} of them",
            got=f"{len(items)}",
            remedy=remedy,
        )
    require_texts(argument, items)
    # An empty unit is allowed (unknown), a missing one is not.
    return tuple(item if item == "" else label_texts(argument, [item])[0] for item in items)


def heads_of(population: Any, regions: tuple[str, ...], year: int | None) -> FloatArray | None:
    """Return heads per region; regions left out of a mapping are NaN."""
    if population is None:
        return None
    if isinstance(population, pd.Series) and labels_or_none(population.index) is not None:
        population = population.to_dict()
    if isinstance(population, Mapping):
        known: dict[str, Any] = {}
        for key, heads in population.items():
            region = one_region(regions, key, "population", year=year)
            if region in known:
                raise LabelError.about(
                    "population",
                    expected="each region once",
                    got=f"{region!r} by two names, {key!r} among them",
                    remedy="leave one out",
                )
            known[region] = heads
        population = [known.get(region, np.nan) for region in regions]
    array = rectangular("population", population)
    if array.shape != (len(regions),):
        raise InputError.about(
            "population",
            expected=f"{len(regions)} numbers, one per region",
            got=f"shape {array.shape}",
            remedy="give a mapping region → heads",
        )
    heads = as_float("population", array, (regions,))
    for at in np.flatnonzero((heads < 0) | np.isinf(heads)):
        raise InputError.about(
            "population",
            expected="heads ≥ 0 (NaN where unknown)",
            got=f"{heads[at]} at {place_of((int(at),), (regions,))}",
            remedy="correct it, or use NaN",
        )
    return locked(heads)


def year_of(year: Any) -> int | None:
    """Return a year as a whole number."""
    return None if year is None else whole("year", year, None, remedy="give e.g. year=2019")


def _output(x: Given | None, n: int, rows: Sequence[str]) -> FloatArray | None:
    if x is None:
        return None
    if x.values.shape != (n, 1):
        raise InputError.about(
            "x",
            expected=f"{n} outputs, one per row",
            got=f"shape {x.values.shape}",
            remedy="leave out totals",
        )
    return numbers("x", x.values[:, 0], (rows,))


def name_of(name: Any) -> str:
    """Return a name that is a text."""
    if not isinstance(name, str):
        raise InputError.about(
            "name", expected="a text", got=repr(name), remedy="give e.g. name='WIOD 2009'"
        )
    return name


def table_parts(
    *,
    Z: Any,
    A: Any,
    Y: Any,
    F: Any,
    S: Any,
    x: Any,
    F_Y: Any,
    regions: Any,
    sectors: Any,
    demand: Any,
    stressors: Any,
    extensions: Any,
    stressor_units: Any,
    row_units: Any,
    population: Any,
    year: Any,
    name: Any,
) -> Parts:
    """Check the arguments of `Table` and return its parts; see there."""
    kind: Literal["A", "Z"] = "A" if _one_of("Z", Z, "A", A) == "A" else "Z"
    emissions_kind: Literal["F", "S"] = "S" if _one_of("F", F, "S", S) == "S" else "F"
    matrix = as_given(kind, Z if A is None else A)
    final = as_given("Y", Y)
    stress = as_given(emissions_kind, F if S is None else S, row=True)
    output = None if x is None else as_given("x", x)
    direct = None if F_Y is None else as_given("F_Y", F_Y, row=True)

    n = check_square(matrix)
    check_shape(final, (n, None), f"a row for each of the {n} rows of {kind}")
    check_shape(stress, (None, n), f"a column for each of the {n} rows of {kind}")
    k, m = int(stress.values.shape[0]), int(final.values.shape[1])
    if m == 0:
        raise InputError.about(
            "Y", expected="at least one column", got="none", remedy="give final demand"
        )
    if direct is not None:
        check_shape(direct, (k, m), "a row per stressor and a column per column of Y")

    row_carriers: list[Carrier] = [
        (f"{kind} index", matrix.index),
        (f"{kind} columns", matrix.columns),
        ("Y index", final.index),
        (f"{emissions_kind} columns", stress.columns),
        ("x index", None if output is None else output.index),
        ("row_units index", series_index(row_units)),
    ]
    row_regions, row_sectors = row_labels(n, regions, sectors, row_carriers)
    region_names, region_codes = encode(row_regions)
    sector_names, sector_codes = encode(row_sectors)
    region_names, demand_codes, categories, category_codes = demand_labels(
        m,
        region_names,
        demand,
        [("Y columns", final.columns), ("F_Y columns", None if direct is None else direct.columns)],
    )
    stressor_names = stressor_labels(
        k,
        stressors,
        [
            (f"{emissions_kind} index", stress.index),
            ("F_Y index", None if direct is None else direct.index),
            ("stressor_units index", series_index(stressor_units)),
            ("extensions index", series_index(extensions)),
        ],
    )
    units, unit_codes = encode(
        texts_per("row_units", row_units, text_axis(row_regions, row_sectors), "")
    )

    rows = text_axis(row_regions, row_sectors)
    columns = text_axis(
        [region_names[code] for code in demand_codes],
        [categories[code] for code in category_codes],
    )
    checked_matrix = matrix_numbers(kind, matrix.values, rows)
    checked_Y = numbers("Y", final.values, (rows, columns))
    checked_x = _output(output, n, rows)
    if checked_x is None and kind == "Z":
        checked_x = locked(row_sums(checked_matrix) + row_sums(checked_Y))
    return Parts(
        matrix=checked_matrix,
        kind=kind,
        x=checked_x,
        Y=checked_Y,
        emissions=numbers(emissions_kind, stress.values, (stressor_names, rows)),
        emissions_kind=emissions_kind,
        F_Y=None if direct is None else numbers("F_Y", direct.values, (stressor_names, columns)),
        regions=region_names,
        region_codes=locked(region_codes),
        sectors=sector_names,
        sector_codes=locked(sector_codes),
        demand_codes=locked(demand_codes),
        categories=categories,
        category_codes=locked(category_codes),
        stressors=stressor_names,
        extensions=texts_per("extensions", extensions, stressor_names, DEFAULT_EXTENSION),
        stressor_units=texts_per("stressor_units", stressor_units, stressor_names, ""),
        row_units=units,
        row_unit_codes=locked(unit_codes),
        population=heads_of(population, region_names, year_of(year)),
        year=year_of(year),
        name=name_of(name),
    )
