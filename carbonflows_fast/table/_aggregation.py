"""Sums of a table over groups of regions and of sectors."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast._base.arrays import CodeArray, FloatArray, encode, locked, sparse_view
from carbonflows_fast.classification import renamed_regions
from carbonflows_fast.errors import InputError, LabelError, nearest_are, shorten
from carbonflows_fast.table._content import Matrix, Parts
from carbonflows_fast.table._labels_given import label_texts

__all__ = ["aggregated"]


def _by_mapping(
    argument: str, mapping: Mapping[Any, Any], names: tuple[str, ...], year: int | None
) -> list[str]:
    """Return the group of each distinct label; labels not in the mapping keep their name."""
    if argument == "regions":
        mapping = renamed_regions(names, mapping, year=year)
    known = set(names)
    unknown = [str(key) for key in mapping if key not in known]
    if unknown:
        raise LabelError.about(
            argument,
            expected=f"{argument} of the table as keys",
            got=f"{shorten(unknown)}, unknown",
            remedy=f"{nearest_are(unknown[0], names)} for {unknown[0]!r}",
        )
    return label_texts(argument, [mapping.get(name, name) for name in names])


def _groups(
    argument: str,
    grouping: Any,
    names: tuple[str, ...],
    codes: CodeArray,
    year: int | None = None,
) -> list[str]:
    """Return the group label of each row, or of each column of final demand."""
    if isinstance(grouping, pd.Series) and type(grouping.index) is pd.Index:
        grouping = grouping.to_dict()
    if grouping is None or isinstance(grouping, Mapping):
        group = list(names) if grouping is None else _by_mapping(argument, grouping, names, year)
        return [group[code] for code in codes]
    labels = []
    if not isinstance(grouping, str | bytes):
        with contextlib.suppress(TypeError):  # it holds nothing, and so are no labels
            labels = list(grouping)
    if len(labels) != len(codes):
        each = "column of final demand" if argument == "categories" else "row"
        raise InputError.about(
            argument,
            expected=f"a mapping label → group, or {len(codes)} group labels, one per {each}",
            got=repr(grouping) if isinstance(grouping, str) else f"{len(labels)} labels",
            remedy=f"give e.g. {{{names[0]!r}: 'a group'}}",
        )
    return label_texts(argument, labels)


def _region_groups(parts: Parts, groups: list[str], grouping: Any) -> list[str]:
    """Return the group of each region, which all its rows must share: demand follows it.

    A region without rows goes where a mapping says, and keeps its name where rows are listed.
    """
    found: dict[int, str] = {}
    for code, group in zip(parts.region_codes.tolist(), groups, strict=True):
        if found.setdefault(code, group) != group:
            raise InputError.about(
                "regions",
                expected="all rows of a region in one group",
                got=f"{found[code]!r} and {group!r} for {parts.regions[code]!r}",
                remedy="split a region by sectors, not by regions: its final demand is one",
            )
    by_name = grouping if isinstance(grouping, Mapping | pd.Series) else None
    codes = np.arange(len(parts.regions), dtype=np.int32)
    if len(found) < len(codes):
        named = _groups("regions", by_name, parts.regions, codes)
        found = dict(enumerate(named)) | found
    return [found[code] for code in codes.tolist()]


def _pair_codes(first: list[str], second: list[str]) -> tuple[list[tuple[str, str]], CodeArray]:
    """Return the distinct pairs, region by region in order of first appearance, and codes."""
    order = {label: at for at, label in enumerate(dict.fromkeys(first))}
    pairs = list(dict.fromkeys(zip(first, second, strict=True)))
    pairs.sort(key=lambda pair: order[pair[0]])  # stable: within a region, first appearance
    position = {pair: at for at, pair in enumerate(pairs)}
    codes = np.array([position[pair] for pair in zip(first, second, strict=True)], dtype=np.int32)
    return pairs, codes


def _indicator(codes: CodeArray, size: int) -> Any:
    """Return G (size, n) with G_gi = 1 where row i is in group g."""
    n = len(codes)
    return sp.csr_array((np.ones(n), (codes, np.arange(n))), shape=(size, n))


def _one_unit_per_group(
    parts: Parts, codes: CodeArray, pairs: Sequence[tuple[str, str]]
) -> CodeArray:
    """Return the unit code of each group."""
    unit = np.full(len(pairs), -1, dtype=np.int32)
    for group, code in zip(codes.tolist(), parts.row_unit_codes.tolist(), strict=True):
        if unit[group] not in (-1, code):
            raise InputError.about(
                "sectors",
                expected="rows of one unit in each group",
                got=f"{parts.row_units[unit[group]]!r} and {parts.row_units[code]!r} in "
                f"{pairs[group]}",
                remedy="keep rows of different units apart",
            )
        unit[group] = code
    return unit


def aggregated(
    parts: Parts,
    *,
    x: FloatArray,
    F: FloatArray,
    Z: Callable[[], Matrix],
    regions: Any,
    sectors: Any,
    categories: Any = None,
) -> Parts:
    """Return the parts of the table summed over groups; see `Table.aggregate`.

    Parameters
    ----------
    parts : Parts
    x : ndarray, shape (n,)
    F : ndarray, shape (k, n)
    Z : callable
        Makes the transactions (n, n) where the table holds A.
    regions, sectors, categories : mapping, sequence or None
    """
    region_of_row = _groups("regions", regions, parts.regions, parts.region_codes, parts.year)
    sector_of_row = _groups("sectors", sectors, parts.sectors, parts.sector_codes)
    group_of_region = _region_groups(parts, region_of_row, regions)
    rows, row_codes = _pair_codes(region_of_row, sector_of_row)
    columns, column_codes = _pair_codes(
        [group_of_region[code] for code in parts.demand_codes],
        _groups("categories", categories, parts.categories, parts.category_codes),
    )
    units = _one_unit_per_group(parts, row_codes, rows)

    G = _indicator(row_codes, len(rows))
    H = _indicator(column_codes, len(columns))
    matrix = G @ (parts.matrix if parts.kind == "Z" else Z()) @ G.T
    if sp.issparse(matrix):
        matrix = matrix.tocsr()
        matrix.sum_duplicates()
        matrix = sparse_view(matrix)

    _, region_codes = encode(region for region, _ in rows)
    region_names = tuple(dict.fromkeys(region for region, _ in [*rows, *columns]))
    sector_names, sector_codes = encode(sector for _, sector in rows)
    position = {region: code for code, region in enumerate(region_names)}
    category_names, category_codes = encode(category for _, category in columns)
    unit_names, unit_codes = encode(parts.row_units[code] for code in units)
    population = parts.population
    if population is not None:
        heads = np.zeros(len(region_names))
        np.add.at(heads, [position[group] for group in group_of_region], population)
        population = locked(heads)
    return replace(
        parts,
        matrix=matrix if sp.issparse(matrix) else locked(matrix),
        kind="Z",
        x=locked(G @ x),
        Y=locked(np.ascontiguousarray((G @ parts.Y) @ H.T)),
        emissions=locked(np.ascontiguousarray((G @ F.T).T)),
        emissions_kind="F",
        F_Y=None if parts.F_Y is None else locked(np.ascontiguousarray((H @ parts.F_Y.T).T)),
        regions=region_names,
        region_codes=locked(region_codes),
        sectors=sector_names,
        sector_codes=locked(sector_codes),
        demand_codes=locked(np.array([position[r] for r, _ in columns], dtype=np.int32)),
        categories=category_names,
        category_codes=locked(category_codes),
        row_units=unit_names,
        row_unit_codes=locked(unit_codes),
        population=population,
    )
