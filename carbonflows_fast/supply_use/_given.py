"""The edge of supply and use tables: shapes, labels and numbers, checked once.

Industries and products are two axes. Nothing is realigned, and V must be block diagonal by region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import CodeArray, FloatArray, encode, locked
from carbonflows_fast.errors import InputError, LabelError
from carbonflows_fast.table._content import as_csr
from carbonflows_fast.table._labels_given import (
    Carrier,
    Labels,
    agreed,
    label_texts,
    listed,
    pairs_of,
)
from carbonflows_fast.table._numbers_given import (
    Given,
    as_given,
    check_shape,
    matrix_numbers,
    numbers,
    place_of,
    text_axis,
)

__all__ = ["Axis", "SupplyUse", "added", "gap_between", "supply_use_given"]

TOLD = (
    "give regions=[…] with the industries=[…] and products=[…] of every region, or (region, name) "
    "pairs, one per row"
)
ONE_WAY, OTHER_WAY = 1e-3, 1e-6
"""If products differ by more than one of these as V is given, and by less than the other the other
way round, then V is transposed. Shares of all output."""


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Industries or products: a region and a name each."""

    regions: Labels
    names: Labels

    @property
    def texts(self) -> list[str]:
        """What errors call each of them."""
        return text_axis(self.regions, self.names)


@dataclass(frozen=True, slots=True, eq=False)
class SupplyUse:
    """A supply and use table of a industries and p products, checked.

    Attributes
    ----------
    V : csr_array, shape (a, p)
        What each industry makes.
    U : csr_array, shape (p, a)
        What each industry uses.
    Y : ndarray, shape (p, m)
    F : ndarray, shape (k, a), or (k, p) if `by_product`
    by_product : bool
    industries, products : Axis
    g, q : ndarray, shape (a,), (p,)
        Output by industry, V·1, and by product, V'·1.
    sold : ndarray, shape (p,)
        What is used of each product, U·1 + Y·1.
    """

    V: Any
    U: Any
    Y: FloatArray
    F: FloatArray
    by_product: bool
    industries: Axis
    products: Axis
    g: FloatArray
    q: FloatArray
    sold: FloatArray

    def region_codes(self) -> tuple[tuple[str, ...], CodeArray, CodeArray]:
        """Return the regions, and their codes by industry and by product."""
        names, codes = encode([*self.industries.regions, *self.products.regions])
        return names, codes[: len(self.g)], codes[len(self.g) :]


def supply_use_given(
    V: Any,
    U: Any,
    Y: Any,
    F: Any,
    *,
    by_product: bool,
    regions: Any,
    industries: Any,
    products: Any,
) -> tuple[SupplyUse, dict[str, Any]]:
    """Check the four matrices and their labels; also return labels that a `Table` takes from them.

    Raises
    ------
    InputError, LabelError
    """
    make, use = as_given("V", V), as_given("U", U)
    final, stress = as_given("Y", Y), as_given("F", F, row=True)
    check_shape(make, (None, None), "industries × products")
    a, p = make.values.shape
    if 0 in (a, p):
        raise InputError.about(
            "V",
            expected="industries and products",
            got=f"shape {make.values.shape}",
            remedy="give a row for each industry and a column for each product",
        )
    _refuse_turned_labels(make, use)
    check_shape(use, (p, a), "products × industries, where V is industries × products")
    check_shape(final, (p, None), f"a row for each of the {p} products")
    columns, of = (p, "products") if by_product else (a, "industries")
    check_shape(stress, (None, columns), f"a column for each of the {columns} {of}")

    stressed: Carrier = ("F columns", stress.columns)
    made = _axis(
        "industry",
        a,
        regions,
        industries,
        [("V index", make.index), ("U columns", use.columns), *[stressed] * (not by_product)],
    )
    sold = _axis(
        "product",
        p,
        regions,
        products,
        [
            ("V columns", make.columns),
            ("U index", use.index),
            ("Y index", final.index),
            *[stressed] * by_product,
        ],
    )
    texts = made.texts, sold.texts
    supply = as_csr(matrix_numbers("V", make.values, *texts))
    _refuse_made_abroad(supply, made, sold)
    used = as_csr(matrix_numbers("U", use.values, *texts[::-1]))
    demanded = numbers("Y", final.values, (texts[1], _places(final.values, 1)))
    given = SupplyUse(
        V=supply,
        U=used,
        Y=demanded,
        F=numbers("F", stress.values, (_places(stress.values, 0), texts[int(by_product)])),
        by_product=by_product,
        industries=made,
        products=sold,
        g=locked(added(supply)),
        q=locked(added(supply.T)),
        sold=sum(demanded.T, added(used)),  # column by column, without a temporary
    )
    _refuse_turned_numbers(given)
    return given, {"Y": final.columns, "F": stress.index}


def _places(values: Any, axis: int) -> list[str]:
    return [str(at) for at in range(values.shape[axis])]


# --- labels ---------------------------------------------------------------------------------


def _axis(what: str, size: int, regions: Any, names: Any, carriers: list[Carrier]) -> Axis:
    """Return the labels that arguments and frames agree on; `what` is "industry" or "product"."""
    argument = {"industry": "industries", "product": "products"}[what]
    sources = [
        (source, *pairs_of(source, index, ("region", what)))
        for source, index in carriers
        if index is not None
    ]
    if names is not None:
        sources.insert(0, (argument, *_named(argument, what, regions, names)))
    return Axis(
        agreed(f"the {argument} (regions)", size, [(at, one) for at, one, _ in sources], TOLD),
        agreed(f"the {argument} (names)", size, [(at, one) for at, _, one in sources], TOLD),
    )


def _named(argument: str, what: str, regions: Any, names: Any) -> tuple[Labels, Labels]:
    """Return a region and a name each: of pairs, or of all regions times all names."""
    if isinstance(names, pd.MultiIndex):
        return pairs_of(argument, names, ("region", what))
    items = [names] if isinstance(names, str) else listed(argument, names, "a list of names", TOLD)
    pairs = [item for item in items if isinstance(item, Sequence) and not isinstance(item, str)]
    if pairs and len(pairs) == len(items) and {len(pair) for pair in pairs} == {2}:
        first, second = zip(*pairs, strict=True)
        return label_texts(argument, first), label_texts(argument, second)
    if regions is None or pairs:
        raise LabelError.about(
            argument,
            expected="(region, name) pairs, or names that every region has beside regions=[…]",
            got="names without regions" if regions is None else f"{pairs[0]!r} among names",
            remedy=TOLD,
        )
    every = [regions] if isinstance(regions, str) else listed("regions", regions, "a list", TOLD)
    every, own = label_texts("regions", every), label_texts(argument, items)
    if len(set(every)) < len(every):
        raise LabelError.about(
            "regions",
            expected="every region once",
            got=f"{next(one for one in every if every.count(one) > 1)!r} more than once",
            remedy=TOLD,
        )
    return [region for region in every for _ in own], own * len(every)


# --- which way V stands ---------------------------------------------------------------------


def _turned(expected: str, got: str) -> InputError:
    return InputError.about("V", expected=expected, got=got, remedy="give V.T")


def _refuse_turned_labels(make: Given, use: Given) -> None:
    """Refuse a supply table of products × industries, where shapes or labels tell."""
    shape, other = make.values.shape, use.values.shape
    by_label = make.index is not None and use.index is not None and use.columns is not None
    if by_label:
        turned = make.index.equals(use.index) and not make.index.equals(use.columns)
    else:
        turned = len(other) == 2 and shape == other and shape[0] != shape[1]
    if turned:
        raise _turned("industries × products", f"products × industries, as in U, {shape}")


def _refuse_turned_numbers(given: SupplyUse) -> None:
    """Refuse it where the sales of each product add up to what each industry makes."""
    if len(given.g) != len(given.q) or given.industries.regions != given.products.regions:
        return
    as_given, turned = (gap_between(made, given.sold) for made in (given.q, given.g))
    if as_given > ONE_WAY and turned < OTHER_WAY:
        raise _turned(
            "industries × products, so that columns add up to what is sold of each product",
            "rows that do",
        )


def added(matrix: Any) -> FloatArray:
    """Return the sum of each row of a csr_array, or of its transpose, from first to last."""
    sums: FloatArray = matrix @ np.ones(matrix.shape[1])
    return sums


def gap_between(one: FloatArray, other: FloatArray) -> float:
    """Return how far two outputs differ, as a share of all of them."""
    return float(np.abs(one - other).sum() / max(np.abs(one).sum(), np.abs(other).sum(), 1e-300))


def _refuse_made_abroad(V: Any, industries: Axis, products: Axis) -> None:
    """Refuse an industry that makes a product of another region."""
    _, codes = encode([*industries.regions, *products.regions])
    maker, product = np.split(codes, [len(industries.regions)])
    entries = V.tocoo()
    rows, columns = entries.coords
    abroad = np.flatnonzero((maker[rows] != product[columns]) & (entries.data != 0.0))
    if len(abroad):
        at = int(abroad[0])
        place = place_of((rows[at], columns[at]), (industries.texts, products.texts))
        more = f" and {len(abroad) - 1} more" if len(abroad) > 1 else ""
        raise InputError.about(
            "V",
            expected="industries that make products of their own region",
            got=f"{entries.data[at]:.6g} at {place}{more}",
            remedy="enter it as a product of the industry's region, which others use in U and Y",
        )
