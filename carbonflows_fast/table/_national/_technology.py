"""How imports are made: as at home, or with factors that are given."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.errors import InputError, LabelError, nearest_are, shorten
from carbonflows_fast.table._content import over_output
from carbonflows_fast.table._labels_given import agreed, label_texts, stressor_labels
from carbonflows_fast.table._national._country import Country
from carbonflows_fast.table._numbers_given import as_given, check_shape, numbers
from carbonflows_fast.table._table import Table

__all__ = ["factors_given", "made_abroad"]

DOMESTIC = "domestic"
A_FACTOR = "give a factor for each imported product, in their order"


def factors_given(technology: Any, country: Country) -> tuple[FloatArray, BoolArray]:
    """Return factors (k, p), and which of the p products have them; all others are as at home."""
    k, products = len(country.stressors), country.products
    if isinstance(technology, str):
        if technology != DOMESTIC:
            raise InputError.about(
                "technology",
                expected="'domestic', or factors",
                got=repr(technology),
                remedy="write 'domestic', or give an array of factors",
            )
        factors, known = np.zeros((k, len(products))), np.zeros(len(products), dtype=bool)
    elif not products:
        raise InputError.about(
            "technology",
            expected="'domestic' where there are no imports",
            got="factors",
            remedy="give imports too, or leave technology out",
        )
    elif isinstance(technology, Mapping):
        factors, known = _of_some(technology, country)
    else:
        factors, known = _of_all(technology, country), np.ones(len(products), dtype=bool)
    if not known.all() and products != country.sectors:
        without = [name for name, given in zip(products, known, strict=True) if not given]
        raise InputError.about(
            "technology",
            expected="factors, since imports are not the products that the sectors make",
            got=f"none for {shorten(without)}",
            remedy="give factors for all imports, or imports with a row for each sector, in order",
        )
    return factors, known


def made_abroad(
    country: Country,
    domestic: FloatArray,
    foreign: FloatArray,
    output: FloatArray,
    imported: FloatArray,
    factors: FloatArray,
    by_factor: BoolArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return Z (p, p), x (p,) and F (k, p) of the region that makes the imports, and no more.

    Parameters
    ----------
    country : Country
    domestic, foreign : ndarray, shapes (n, n) and (p, n)
        What the sectors at home use.
    output : ndarray, shape (n,)
        The country's.
    imported : ndarray, shape (p,)
        All imports of each product.
    factors : ndarray, shape (k, p)
    by_factor : ndarray of bool, shape (p,)
        Which products have them.
    """
    p = len(country.products)
    if by_factor.all():
        return np.zeros((p, p)), imported, factors * imported
    A = over_output(domestic + foreign, output, "A = Z / x") * ~by_factor
    abroad = Table(
        A=A, Y=imported, S=np.zeros(p), regions="abroad", sectors=country.products, stressors="none"
    )
    made = abroad.arrays.x  # solved
    S = np.where(by_factor, factors, over_output(country.F, output, "S = F / x"))
    return A * made, made, S * made


def _of_all(technology: Any, country: Country) -> FloatArray:
    k, products = len(country.stressors), country.products
    scalar = isinstance(technology, Real) and not isinstance(technology, bool)
    given = as_given("technology", [technology] if scalar else technology, row=True)
    check_shape(given, (k, len(products)), "a row per stressor and a column per imported product")
    stressor_labels(k, country.stressors, [("technology index", given.index)])
    if given.columns is not None:
        found = label_texts("technology columns", given.columns.tolist())
        sources = [("the imports", products), ("technology columns", found)]
        agreed("the imported products", len(products), sources, A_FACTOR)
    return numbers("technology", given.values, (country.stressors, products))


def _of_some(technology: Mapping[Any, Any], country: Country) -> tuple[FloatArray, BoolArray]:
    stressors, products = country.stressors, country.products
    factors, known = np.zeros((len(stressors), len(products))), np.zeros(len(products), dtype=bool)
    for product, value in technology.items():
        if product not in products:
            raise LabelError.about(
                "technology",
                expected="imported products as keys",
                got=repr(product),
                remedy=nearest_are(product, products),
            )
        given = np.atleast_1d(np.asarray(value))
        if given.shape != (len(stressors),):
            raise InputError.about(
                "technology",
                expected=f"{len(stressors)} factors for {product!r}, one per stressor",
                got=f"shape {given.shape}",
                remedy=f"give them in the order {shorten(stressors)}",
            )
        at = [name == product for name in products]
        factors[:, at] = numbers("technology", given, (stressors,))[:, None]
        known |= at
    return factors, known
