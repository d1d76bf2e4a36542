"""Labels of a table: taken from arguments and DataFrames, which must agree in order.

Nothing is realigned; labels are only converted to text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import CodeArray, encode
from carbonflows_fast.classification import country_of
from carbonflows_fast.errors import LabelError, nearest_are, shorten

__all__ = [
    "A_STRESSOR",
    "Carrier",
    "Labels",
    "agreed",
    "demand_labels",
    "label_texts",
    "listed",
    "pairs_of",
    "refuse_misnamed_consumers",
    "require_texts",
    "row_labels",
    "stressor_labels",
]

DEFAULT_CATEGORY = "final demand"
PER_ROW = (
    "give one label per row, e.g. regions=np.repeat(regions, len(sectors)), "
    "sectors=np.tile(sectors, len(regions)), or a DataFrame with (region, sector) labels"
)
A_STRESSOR = "give stressors=[…], one name per row of F or S"
PAIRS = "(region, category) pairs, one per column of Y"
A_PAIR = "give e.g. demand=[('DE', 'households'), ('DE', 'government')]"

Labels: TypeAlias = list[str]
Source: TypeAlias = tuple[str, Labels]  # where the labels come from, for messages
Carrier: TypeAlias = tuple[str, Any]  # the same with a pandas Index, or None where there is none


def label_texts(argument: str, labels: Any) -> Labels:
    """Return labels as text; missing and empty ones are errors.

    Raises
    ------
    LabelError
        If a label is None, NaN or blank.
    """
    given: list[Any] = list(labels)
    if set(map(type, given)) <= {str} and all(map(str.strip, set(given))):
        return given
    texts = []
    for position, label in enumerate(given):
        missing = label is None or (not isinstance(label, str) and pd.isna(label) is True)
        text = "" if missing else str(label)
        if not text.strip():
            raise LabelError.about(
                argument,
                expected="a text for every label",
                got=f"{label!r} at position {position} (counted from 0)",
                remedy="fill it in; when reading CSV files, keep_default_na=False keeps "
                "Namibia's 'NA'",
            )
        texts.append(text)
    return texts


def listed(argument: str, given: Any, expected: str, remedy: str) -> list[Any]:
    """Return what was given as a list, or complain where it is one thing, or has no order.

    Raises
    ------
    LabelError
    """
    unordered = isinstance(given, type | bytes | set | frozenset)
    if not unordered:
        try:
            return list(given)
        except TypeError:  # a number, an array without an axis, …
            pass
    kind = type(given).__name__
    got = f"the class {given.__name__}" if isinstance(given, type) else f"{given!r} ({kind})"
    raise LabelError.about(argument, expected=expected, got=got, remedy=remedy)


def require_texts(argument: str, items: Sequence[Any]) -> None:
    """Complain about a number where a unit or a name is written; what is missing is not seen here.

    Raises
    ------
    LabelError
    """
    for position, item in enumerate(items):
        if not isinstance(item, str) and pd.isna(item) is not True:
            raise LabelError.about(
                argument,
                expected="a text for each",
                got=f"{item!r} at position {position} (counted from 0)",
                remedy=f"write it in quotes, e.g. {str(item)!r}",
            )


def pairs_of(source: str, index: Any, names: tuple[str, str]) -> tuple[Labels, Labels]:
    """Split a two-level index."""
    if not isinstance(index, pd.MultiIndex) or index.nlevels != 2:
        raise LabelError.about(
            source,
            expected=f"a MultiIndex with the levels {names[0]} and {names[1]}",
            got=f"{index.nlevels} level(s), e.g. {index[0] if len(index) else 'none'!r}",
            remedy="set one with pd.MultiIndex.from_arrays, or pass the bare numbers "
            "(.to_numpy()) and the labels as arguments",
        )
    if list(index.names) == [names[1], names[0]]:
        raise LabelError.about(
            source,
            expected=f"the levels {names[0]}, {names[1]} in this order",
            got=f"{index.names[0]}, {index.names[1]}",
            remedy="swap them with .swaplevel()",
        )
    first, second = (index.get_level_values(level).tolist() for level in (0, 1))
    return label_texts(source, first), label_texts(source, second)


def agreed(what: str, size: int, sources: list[Source], remedy: str) -> Labels:
    """Return the labels that all sources agree on, each having `size` of them."""
    if not sources:
        raise LabelError.about(
            what, expected=f"{size} labels", got="none in any argument", remedy=remedy
        )
    first_source, first = sources[0]
    for source, labels in sources:
        if len(labels) != size:
            raise LabelError.about(
                source,
                expected=f"{size} labels, one for each of {what}",
                got=str(len(labels)),
                remedy=remedy,
            )
        if labels != first:
            at = next(
                i for i, pair in enumerate(zip(first, labels, strict=True)) if len(set(pair)) > 1
            )
            raise LabelError.about(
                source,
                expected=f"the labels of {first_source} in the same order",
                got=f"{labels[at]!r} instead of {first[at]!r} at position {at} (counted from 0)",
                remedy="bring both into one order; nothing is realigned in silence",
            )
    return first


def row_labels(
    n: int, regions: Any, sectors: Any, carriers: list[Carrier]
) -> tuple[Labels, Labels]:
    """Return the region and the sector of each row, from arguments and DataFrames."""
    region_sources: list[Source] = []
    sector_sources: list[Source] = []
    if regions is not None:
        given = (
            [regions] * n
            if isinstance(regions, str)
            else listed("regions", regions, "one text, or a label for each row", PER_ROW)
        )
        region_sources.append(("regions", label_texts("regions", given)))
    if sectors is not None:
        given = (
            [sectors]
            if isinstance(sectors, str)
            else listed("sectors", sectors, "a label for each row", PER_ROW)
        )
        sector_sources.append(("sectors", label_texts("sectors", given)))
    for source, index in carriers:
        if index is not None:
            first, second = pairs_of(source, index, ("region", "sector"))
            region_sources.append((source, first))
            sector_sources.append((source, second))
    return (
        agreed("the rows (regions)", n, region_sources, PER_ROW),
        agreed("the rows (sectors)", n, sector_sources, PER_ROW),
    )


def demand_labels(
    m: int, regions: tuple[str, ...], demand: Any, carriers: list[Carrier]
) -> tuple[tuple[str, ...], CodeArray, tuple[str, ...], CodeArray]:
    """Return all regions, and region codes, distinct categories and their codes of Y's columns.

    Regions are those of the rows, then consumers that have no rows, such as the rest of the world
    that a national table exports to.
    """
    region_sources: list[Source] = []
    category_sources: list[Source] = []
    if demand is not None:
        carriers = [("demand", _demand_index(demand)), *carriers]
    for source, index in carriers:
        if index is None:
            continue
        if index.nlevels == 1:  # one column per region, named by it
            region_sources.append((source, label_texts(source, index.tolist())))
            continue
        first, second = pairs_of(source, index, ("region", "category"))
        region_sources.append((source, first))
        category_sources.append((source, second))
    if not category_sources:
        named = region_sources[0][1] if region_sources else []
        every = list(dict.fromkeys([*regions, *named]))
        if m != len(every):
            raise LabelError.about(
                "demand",
                expected=f"a (region, category) pair for each of the {m} columns of Y",
                got=f"no categories, which needs one column for each of {len(every)} regions",
                remedy="give demand=[(region, category), …] or a Y with such columns",
            )
        region_sources.append(("regions", every))
        category_sources.append(("", [DEFAULT_CATEGORY] * m))
    remedy = "give one (region, category) pair per column of Y"
    columns = agreed("the columns of Y (regions)", m, region_sources, remedy)
    names = agreed("the columns of Y (categories)", m, category_sources, remedy)
    refuse_misnamed_consumers(region_sources[0][0], columns, regions)
    every = list(dict.fromkeys([*regions, *columns]))
    position = {region: code for code, region in enumerate(every)}
    codes = np.array([position[region] for region in columns], dtype=np.int32)
    categories, category_codes = encode(names)
    return tuple(every), codes, categories, category_codes


def refuse_misnamed_consumers(
    source: str, columns: Sequence[str], regions: Sequence[str], *, first: int = 0
) -> None:
    """Refuse consumers that seem to be regions of the rows under another name.

    `first` is the number of the first column, as the source counts.

    Raises
    ------
    LabelError
        Naming the source and the first such column.
    """
    known = set(regions)
    without = [region for region in dict.fromkeys(columns) if region not in known]
    if not without:
        return
    alike = {region.strip().casefold(): region for region in regions}
    countries = {country: region for region in regions if (country := country_of(region))}
    for region in without:
        meant = alike.get(region.strip().casefold()) or countries.get(country_of(region) or "")
        if meant or len(without) == len(set(columns)):
            raise LabelError.about(
                source,
                expected="the regions of the rows, spelt alike, and others beside these"
                if meant
                else "a column of at least one region that has rows",
                got=f"{region!r} at position {columns.index(region) + first}"
                + " (counted from 0)" * (not first),
                remedy=f"write {meant!r}" if meant else nearest_are(region, regions),
            )


def _demand_index(demand: Any) -> Any:
    """Return the demand argument as a MultiIndex."""
    if isinstance(demand, pd.MultiIndex):
        return demand
    given = demand.tolist() if isinstance(demand, np.ndarray) else demand
    pairs = [given] if isinstance(given, str) else listed("demand", given, PAIRS, A_PAIR)
    for at, pair in enumerate(pairs):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise LabelError.about(
                "demand",
                expected=PAIRS,
                got=f"{pair!r} at position {at} (counted from 0)",
                remedy=A_PAIR,
            )
    return pd.MultiIndex.from_arrays(
        [[pair[0] for pair in pairs], [pair[1] for pair in pairs]], names=["region", "category"]
    )


def stressor_labels(k: int, stressors: Any, carriers: list[Carrier]) -> tuple[str, ...]:
    sources: list[Source] = []
    if stressors is not None:
        given = (
            [stressors]
            if isinstance(stressors, str)
            else listed("stressors", stressors, "a name for each row of F or S", A_STRESSOR)
        )
        sources.append(("stressors", label_texts("stressors", given)))
    for source, index in carriers:
        if index is None:
            continue
        labels = label_texts(source, index.get_level_values(0).tolist())
        for level in range(1, index.nlevels):
            more = label_texts(source, index.get_level_values(level).tolist())
            labels = [f"{a} | {b}" for a, b in zip(labels, more, strict=True)]
        sources.append((source, labels))
    names = agreed("the stressors", k, sources, A_STRESSOR)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise LabelError.about(
            sources[0][0],
            expected="every stressor once",
            got=f"{shorten(twice)} more than once",
            remedy="put the extension's name in front, or add the rows up",
        )
    return tuple(names)
