"""What is given of one country: numbers checked, labels of one level, columns of Y told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.errors import InputError, LabelError, nearest_are, shorten
from carbonflows_fast.table._labels_given import (
    Labels,
    agreed,
    label_texts,
    listed,
    stressor_labels,
)
from carbonflows_fast.table._numbers_given import (
    Given,
    as_given,
    check_shape,
    check_square,
    numbers,
    place_of,
)

__all__ = ["Country", "country_given"]

DEFAULT_CATEGORY = "final demand"
DEFAULT_EXPORTS = "exports"
SAME = 1e-6
"""By what share numbers of one column may differ; published ones are rounded."""
A_SECTOR = "give sectors=[…], one name per row of Z"
A_CATEGORY = "give categories=[…], one name per column of Y"
A_PRODUCT = "give DataFrames whose rows are the imported products"


@dataclass(frozen=True, slots=True, eq=False)
class Country:
    """A national table: n sectors, c categories of final demand at home, q of exports, k stressors.

    Attributes
    ----------
    Z : ndarray, shape (n, n)
    Y : ndarray, shape (n, c)
    exports : ndarray, shape (n, q)
    F : ndarray, shape (k, n)
    x : ndarray, shape (n,), or None
    F_Y : ndarray, shape (k, c), or None
    contained : ndarray, shape (n,), or None
        Imports by product that Z and Y contain.
    by_use : tuple of ndarray, shapes (p, n), (p, c) and (p, q), or None
        Imports by product and user, beside Z, Y and exports.
    products : list of p labels
        What is imported; empty without imports.
    """

    sectors: Labels
    categories: Labels
    export_names: Labels
    stressors: Labels
    products: Labels
    Z: FloatArray
    Y: FloatArray
    exports: FloatArray
    F: FloatArray
    x: FloatArray | None
    F_Y: FloatArray | None
    contained: FloatArray | None
    by_use: tuple[FloatArray, FloatArray, FloatArray] | None


def country_given(
    Z: Any,
    Y: Any,
    F: Any,
    *,
    exports: Any,
    imports: Any,
    x: Any,
    F_Y: Any,
    sectors: Any,
    categories: Any,
    stressors: Any,
) -> Country:
    """Check what `national` was given of a country."""
    used, final, stress = as_given("Z", Z), as_given("Y", Y), as_given("F", F, row=True)
    output = None if x is None else as_given("x", x)
    n = check_square(used)
    check_shape(final, (n, None), f"a row for each of the {n} rows of Z")
    check_shape(stress, (None, n), f"a column for each of the {n} rows of Z")
    names = _agreed(
        ("sectors", n, sectors, A_SECTOR),
        ("Z index", used.index),
        ("Z columns", used.columns),
        ("Y index", final.index),
        ("F columns", stress.columns),
        ("x index", None if output is None else output.index),
    )
    columns = _categories(final, categories)
    gases = list(stressor_labels(len(stress.values), stressors, [("F index", stress.index)]))
    demand = numbers("Y", final.values, (names, columns))

    abroad = _export_columns(exports, columns)
    subtracted = _import_column(imports, columns)
    if (abroad & subtracted).any():
        raise LabelError.about(
            "imports",
            expected="another column of Y than that of exports",
            got=shorten([name for name, out in zip(columns, abroad, strict=True) if out]),
            remedy="name the column that subtracts imports, or leave imports out",
        )
    home = ~(abroad | subtracted)
    if not home.any():
        raise InputError.about(
            "Y",
            expected="a column of final demand at home",
            got=f"only {shorten(columns)}",
            remedy="give Y with a column for those who consume at home",
        )
    at_home = [name for name, kept in zip(columns, home, strict=True) if kept]
    sold, sold_as = demand[:, abroad], [n for n, out in zip(columns, abroad, strict=True) if out]
    if exports is not None and not abroad.any():
        sold = _column("exports", exports, names)[:, None]
        sold_as = [DEFAULT_EXPORTS]
        _refuse_twice("exports", sold[:, 0], demand, columns)
    contained, by_use, products = None, None, list(names)
    if _is_pair(imports):
        by_use, products = _imports_by_use(imports, names, columns, home, abroad, len(sold_as))
    elif imports is not None:
        contained = (
            -demand[:, subtracted].sum(axis=1)
            if subtracted.any()
            else _column("imports", imports, names)
        )
        _require_positive(contained, names, of_column=bool(subtracted.any()))
        if not subtracted.any():
            _refuse_twice("imports", -contained, demand, columns)
    return Country(
        sectors=names,
        categories=at_home,
        export_names=sold_as,
        stressors=gases,
        products=products if imports is not None else [],
        Z=numbers("Z", used.values, (names, names)),
        Y=demand[:, home],
        exports=sold,
        F=numbers("F", stress.values, (gases, names)),
        x=None if output is None else _column("x", x, names),
        F_Y=_direct(F_Y, gases, at_home),
        contained=contained,
        by_use=by_use,
    )


def _agreed(about: tuple[str, int, Any, str], *carriers: tuple[str, Any]) -> Labels:
    """Return labels of one level, from an argument and the axes of DataFrames."""
    argument, size, given, remedy = about
    sources = []
    if given is not None:
        texts = [given] if isinstance(given, str) else listed(argument, given, "names", remedy)
        sources.append((argument, label_texts(argument, texts)))
    for source, index in carriers:
        if isinstance(index, pd.MultiIndex):
            raise LabelError.about(
                source,
                expected="labels of one level, since there is one country",
                got=f"{index.nlevels} levels",
                remedy="take the region out with .droplevel(0)",
            )
        if index is not None:
            sources.append((source, label_texts(source, index.tolist())))
    return agreed(f"the {argument}", size, sources, remedy)


def _categories(final: Given, categories: Any) -> Labels:
    m = int(final.values.shape[1])
    if m == 1 and categories is None and final.columns is None:
        return [DEFAULT_CATEGORY]
    return _agreed(("categories", m, categories, A_CATEGORY), ("Y columns", final.columns))


def _column(argument: str, value: Any, names: Labels) -> FloatArray:
    """Return one number per sector."""
    given = as_given(argument, value)
    check_shape(given, (len(names), 1), "a number for each sector of Z")
    if given.index is not None:
        _agreed(("sectors", len(names), names, A_SECTOR), (f"{argument} index", given.index))
    return numbers(argument, given.values[:, 0], (names,))


def _direct(F_Y: Any, gases: Labels, at_home: Labels) -> FloatArray | None:
    if F_Y is None:
        return None
    given = as_given("F_Y", F_Y, row=True)
    check_shape(
        given,
        (len(gases), len(at_home)),
        f"a row per stressor and a column for each category at home ({shorten(at_home)})",
    )
    stressor_labels(len(gases), gases, [("F_Y index", given.index)])
    _agreed(("categories", len(at_home), at_home, A_CATEGORY), ("F_Y columns", given.columns))
    return numbers("F_Y", given.values, (gases, at_home))


# --- trade ----------------------------------------------------------------------------------


def _is_pair(imports: Any) -> bool:
    """Return whether imports are matrices by user; a list of numbers is one by product."""
    if isinstance(imports, tuple):
        return any(np.ndim(part) for part in imports)
    return isinstance(imports, list) and any(getattr(part, "ndim", 0) for part in imports)


def _export_columns(exports: Any, columns: Labels) -> BoolArray:
    """Return which columns of Y are exports, by their names."""
    return _columns_named("exports", _names(exports), columns)


def _import_column(imports: Any, columns: Labels) -> BoolArray:
    return _columns_named("imports", _names(imports), columns)


def _names(given: Any) -> Sequence[str]:
    """Return names of columns, none if numbers are given."""
    if isinstance(given, str):
        return [given]
    several = isinstance(given, list | tuple | set | np.ndarray | pd.Index | pd.Series)
    names = list(given) if several and getattr(given, "ndim", 1) == 1 else []
    return names if all(isinstance(one, str) for one in names) else []


def _columns_named(argument: str, names: Sequence[str], columns: Labels) -> BoolArray:
    for name in names:
        if name not in columns:
            raise LabelError.about(
                argument,
                expected="numbers, or names of columns of Y",
                got=repr(name),
                remedy=nearest_are(name, columns),
            )
    return np.array([column in names for column in columns])


def _refuse_twice(argument: str, trade: FloatArray, demand: FloatArray, columns: Labels) -> None:
    """Refuse a column of Y that is trade given beside Y, as it would count twice."""
    several = np.count_nonzero(trade) > 1  # one number may be the same by chance
    for at, name in enumerate(columns):
        if several and np.allclose(demand[:, at], trade, rtol=SAME, atol=0.0):
            raise InputError.about(
                argument,
                expected=f"{argument} beside Y, or the name of its column in Y",
                got=f"the numbers of the column {name!r} once more",
                remedy=f"write {argument}={name!r}, or leave the column out of Y",
            )


def _require_positive(imports: FloatArray, names: Labels, *, of_column: bool) -> None:
    wrong = np.flatnonzero(imports < 0.0)
    if len(wrong):
        at = int(wrong[0])
        raise InputError.about(
            "imports",
            expected="a column that subtracts imports, so no number above 0"
            if of_column
            else "imports above 0",
            got=f"{-imports[at] if of_column else imports[at]:g} at "
            f"{place_of((at,), (names,))} and {len(wrong) - 1} more",
            remedy="give imports as an array, above 0 and by product, and leave the column out of Y"
            if of_column
            else "turn the sign, or move what is no import to another column of Y",
        )


def _imports_by_use(
    imports: Sequence[Any],
    names: Labels,
    columns: Labels,
    home: BoolArray,
    abroad: BoolArray,
    q: int,
) -> tuple[tuple[FloatArray, FloatArray, FloatArray], Labels]:
    """Return imports by sectors, by final demand at home, and for exports, and their products."""
    if len(imports) != 2:
        raise InputError.about(
            "imports",
            expected="a pair: what sectors use, and what final demand uses",
            got=f"{len(imports)} parts",
            remedy="give imports=(Zm, Ym), with re-exports in the columns of Ym that are exports",
        )
    used = as_given("imports[0]", imports[0], row=True)
    final = as_given("imports[1]", imports[1], row=True)
    check_shape(used, (None, len(names)), "a row per imported product and a column per sector")
    p = int(used.values.shape[0])
    check_shape(final, (p, len(columns)), "the same products, and a column for each of Y")
    carriers = [("imports[0] index", used.index), ("imports[1] index", final.index)]
    products = names if p == len(names) else ["imports"] if p == 1 else None
    if products is None or any(index is not None for _, index in carriers):
        products = _agreed(("imported products", p, None, A_PRODUCT), *carriers)
    _agreed(("sectors", len(names), names, A_SECTOR), ("imports[0] columns", used.columns))
    _agreed(
        ("categories", len(columns), columns, A_CATEGORY), ("imports[1] columns", final.columns)
    )
    Zm = numbers("imports[0]", used.values, (products, names))
    Ym = numbers("imports[1]", final.values, (products, columns))
    onwards = Ym[:, abroad] if abroad.any() else np.zeros((p, q))
    return (Zm, Ym[:, home], onwards), products
