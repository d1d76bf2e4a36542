"""Capital as an input: what industries wear out is bought by those who use it.

Source: Södersten, Wood & Hertwich (2018), Environmental Science & Technology 52:13250.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.errors import InputError, LabelError, nearest_are, passed_on
from carbonflows_fast.leontief import system
from carbonflows_fast.table._replacements import checked_changes
from carbonflows_fast.table._table import table_from, with_notes
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["with_capital"]


def with_capital(table: Table, capital: Any, *, category: str) -> Table:
    """Return a table in which industries buy the capital goods that they wear out.

    Parameters
    ----------
    table : Table
    capital : array, sparse matrix or DataFrame, shape (n, n)
        Consumption of fixed capital: of which product (rows), by which industry (columns), in the
        unit of the rows; not negative. Labels of a frame are those of the table, in order.
    category : str
        The category of final demand that buys capital goods, such as "Gross fixed capital
        formation". What industries wear out is taken from that of their region.

    Returns
    -------
    Table
        With Z + K as transactions. Output is the same, and so are emissions per unit. What is left
        of the category is net capital formation, which may be negative; `table.notes` says how
        much.

    Raises
    ------
    LabelError
        If the table has no such category.
    InputError
        If shapes or labels do not fit, if a number is negative or not finite, or if capital is used
        by an industry without output, or in a region without the category.
    NotProductiveError
        If industries wear out so much that the table cannot be solved any more.

    Notes
    -----
    A' = A + K x̂⁻¹, and Y'_(i,s) = Y_(i,s) − Σ_{j∈s} k_ij in the columns of the category, so that
    x = Z'·1 + Y'·1 as before and nothing counts twice. Source: Södersten, Wood & Hertwich (2018),
    Environmental Science & Technology 52:13250.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     Z=[[10.0, 20.0], [5.0, 10.0]], Y=[[20.0, 50.0], [80.0, 5.0]], F=[50.0, 10.0],
    ...     regions="DE", sectors=["machines", "food"], stressors="CO2",
    ...     demand=[("DE", "households"), ("DE", "investment")],
    ... )
    >>> made = cf.with_capital(table, np.array([[5.0, 30.0], [0.0, 0.0]]), category="investment")
    >>> made.Y[("DE", "investment")].round(6).tolist()  # net
    [15.0, 5.0]
    >>> bool(cf.multipliers(made).loc["CO2", ("DE", "food")] > cf.multipliers(table).iloc[0, 1])
    True
    """
    required_table("table", table)
    K, x = _capital(table, capital), table.x.to_numpy()
    columns = _columns(table, category)
    idle = (x == 0.0) & (abs(K).sum(axis=0) > 0.0)
    if idle.any():
        at = int(np.flatnonzero(idle)[0])
        raise InputError.about(
            "capital",
            expected="none for industries without output",
            got=f"some for {' '.join(table.rows[at])}",
            remedy="give it to the industries that use it",
        )
    Y = table.content.Y.copy()
    codes = table.content.region_codes
    for region, column in columns.items():
        Y[:, column] -= np.asarray(K[:, codes == region].sum(axis=1)).ravel()
    lacking = np.isin(codes, list(columns), invert=True) & (abs(K).sum(axis=0) > 0.0)
    if lacking.any():
        region = table.regions[codes[int(np.flatnonzero(lacking)[0])]]
        raise InputError.about(
            "category",
            expected="one that every region with capital buys",
            got=f"none in {region}",
            remedy="give the table such columns, or leave capital of these regions out",
        )
    # F and x go with Z, so that nothing of an industry without output is lost.
    Z = checked_changes(table.content, A=table.Z + K, S=None, F=None, Y=None, F_Y=None).A
    flows = replace(table.content, matrix=Z, kind="Z", x=locked(x), Y=locked(Y))
    made = table_from(flows)
    system(made).certificate(np.ones(table.n), adjoint=False)  # says why if it cannot be solved
    net = Y[:, list(columns.values())]
    below = float(net[net < 0.0].sum())
    return with_notes(
        made,
        f"Industries buy the capital that they wear out, {float(K.sum()):.6g} in all; "
        f"{category!r} is net of it"
        + (f", and negative in {int((net < 0.0).sum())} cells ({below:.6g})." if below else "."),
    )


def _capital(table: Table, capital: Any) -> Any:
    """Return K as a sparse array of finite numbers that are not negative."""
    if capital is None:
        raise InputError.about(
            "capital",
            expected="products by industries",
            got="None",
            remedy="give what each industry wears out of each product",
        )
    try:
        given = checked_changes(table.content, A=capital, S=None, F=None, Y=None, F_Y=None).A
    except LabelError as error:
        raise passed_on(error, LabelError, "capital") from error
    except InputError as error:
        raise passed_on(error, InputError, "capital") from error
    K = sp.csr_array(given)
    values: FloatArray = K.data
    if (values < 0.0).any():
        raise InputError.about(
            "capital",
            expected="numbers that are not negative",
            got=f"{float(values.min()):.6g}",
            remedy="give what is worn out; what is added stays in final demand",
        )
    return K


def _columns(table: Table, category: Any) -> dict[int, int]:
    """Return the column of the category by region code."""
    p = table.content
    if not isinstance(category, str) or category not in p.categories:
        raise LabelError.about(
            "category",
            expected="a category of final demand",
            got=repr(category),
            remedy=nearest_are(category, p.categories),
        )
    chosen = np.flatnonzero(p.category_codes == p.categories.index(category))
    return {int(p.demand_codes[at]): int(at) for at in chosen}
