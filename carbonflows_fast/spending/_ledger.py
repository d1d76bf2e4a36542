"""What was bought, line by line, and which products the lines' own categories stand for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.classification._currencies import CURRENCIES, currency_code
from carbonflows_fast.classification._files import label_key
from carbonflows_fast.errors import InputError, LabelError, nearest_are, passed_on
from carbonflows_fast.spending._by_row import Labels
from carbonflows_fast.spending._given import Given, frame_of

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["OWN", "Ledger", "Part", "category_parts", "ledger_of"]

OWN = ("line", "spent", "emissions", "finding")
"""Columns that the result adds to those of a ledger."""
CLOSE = 1e-6
"""Weights that are rounded to six digits still add up to 1."""


@dataclass(frozen=True, slots=True, eq=False)
class Ledger:
    """The lines of a ledger, as codes of distinct texts; code -1 where a cell is empty.

    Attributes
    ----------
    given : Given
    amounts : ndarray, shape (k,)
    products, categories, regions : tuple of codes (k,) and texts
    rates : ndarray, shape (k,)
        What a unit of the line's currency is in the table's.
    currencies : tuple of codes (k,) and codes of ISO 4217
    years : ndarray of int, shape (k,)
        Of prices; 0 where the table's year is meant and it has none.
    assumed : tuple of bool
        Whether some lines have no currency, and whether some have no year.
    """

    given: Given
    amounts: FloatArray
    products: tuple[npt.NDArray[np.int64], list[str]]
    categories: tuple[npt.NDArray[np.int64], list[str]]
    regions: tuple[npt.NDArray[np.int64], list[str]]
    currencies: tuple[npt.NDArray[np.int64], list[str]]
    years: npt.NDArray[np.int64]
    assumed: tuple[bool, bool]


def ledger_of(given: Any, currency: str, year: int | None) -> Ledger:
    """Read a ledger; where a line has no currency or year, these are meant.

    Raises
    ------
    InputError
        If columns are missing, or cells are no amounts, currencies or years.
    """
    lines = frame_of(
        "ledger", given, ("amount",), ("region", "currency", "year"),
        numeric="amount", either=("product", "category"),
    )  # fmt: skip
    clash = [str(one) for one in lines.frame.columns if str(one) in OWN]
    if clash:
        raise InputError.about(
            lines.argument,
            expected=f"no column {', '.join(OWN)}, which the result has",
            got=", ".join(clash),
            remedy="rename it",
        )
    if not len(lines.frame):
        raise InputError.about(
            lines.argument, expected="at least one line", got="none", remedy="add what was bought"
        )
    amounts = lines.numbers("amount", "numbers such as 1234.56")
    years = lines.years("year", "years of prices such as 2019")
    codes, names = lines.coded("currency")
    known = [currency_code(name) for name in names]
    wrong = np.array([*(one not in CURRENCIES for one in known), False])[codes]
    if wrong.any():
        cells = np.array([*names, ""], dtype=object)[codes]
        raise InputError.about(
            lines.place("currency"),
            expected="currencies",
            got=lines.at(wrong, cells),
            remedy="write codes of ISO 4217 such as EUR",
        )
    own = list(dict.fromkeys([currency, *known]))
    places = np.array([*map(own.index, known), 0], dtype=np.int64)
    return Ledger(
        given=lines,
        amounts=amounts,
        products=lines.coded("product"),
        categories=lines.coded("category"),
        regions=lines.coded("region"),
        currencies=(places[codes], own),
        years=np.where(years == 0, year or 0, years),
        assumed=(bool((codes < 0).any()), bool((years == 0).any())),
    )


@dataclass(frozen=True, slots=True)
class Part:
    """A product that a category stands for: its sector's code, a region or "", and its weight."""

    sector: int
    region: str
    weight: float


def category_parts(table: Table, categories: Any) -> dict[str, tuple[Part, ...]]:
    """Return which products each category of a ledger stands for, by its `label_key`.

    Raises
    ------
    LabelError
        If a product or a region is unknown.
    InputError
        If a product is there twice in a category, or the weights of one do not add up to 1.
    """
    if categories is None:
        return {}
    if isinstance(categories, dict):
        import pandas as pd

        categories = pd.DataFrame(
            {"category": list(categories), "product": list(categories.values())}
        )
    given = frame_of("categories", categories, ("category", "product"), ("region", "weight"))
    labels, found = Labels(table), defaultdict[str, list[Part]](list)
    weights = _weights(given)
    texts = (given.texts(name) for name in ("category", "product", "region"))
    for category, product, region, weight, line in zip(*texts, weights, given.lines, strict=True):
        code, where = labels.sector(product), f"in {given.called} {line:,}"
        if code is None:
            raise LabelError.about(
                given.place("product"),
                expected="a product of the table",
                got=f"{product!r} {where}",
                remedy=nearest_are(product, table.content.sectors),
            )
        try:
            labels.region(region)
        except LabelError as error:
            raise passed_on(
                error, LabelError, f"{given.place('region')}, {given.called} {line:,}"
            ) from error
        parts = found[label_key(category)]
        if any((one.sector, one.region) == (code, region) for one in parts):
            raise InputError.about(
                given.place("product"),
                expected="each product once in a category",
                got=f"{product!r} of {category!r} again {where}",
                remedy="add up the weights of the two",
            )
        parts.append(Part(code, region, weight))
    _require_whole(given, found)
    return {category: tuple(parts) for category, parts in found.items()}


def _weights(given: Given) -> FloatArray:
    """Return the weight of each line; 1 where none is given, as for a category of one product."""
    if not given.has("weight"):
        return np.ones(len(given.frame))
    return given.numbers("weight", "weights of 0 to 1", lambda v: (v >= 0.0) & (v <= 1.0))


def _require_whole(given: Given, found: dict[str, list[Part]]) -> None:
    for category, parts in found.items():
        total = sum(part.weight for part in parts)
        if abs(total - 1.0) > CLOSE:
            lacking = "" if given.has("weight") else "a column weight, "
            raise InputError.about(
                given.argument,
                expected=f"{lacking}weights of each category that add up to 1",
                got=f"{total:g} for {category!r} with {len(parts)} product"
                f"{'s' if len(parts) > 1 else ''}",
                remedy="divide them by their sum",
            )
