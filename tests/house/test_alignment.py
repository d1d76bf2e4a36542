"""Tables are compared by their labels: no order of rows, columns or consumers is of any matter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import carbonflows_fast as cf
from carbonflows_fast.reporting._of_one_kind import comparable

ROWS = [("a", "p"), ("b", "p"), ("a", "r"), ("b", "r")]
COLUMNS = [("a", "h"), ("b", "h"), ("q", "h"), ("w", "h"), ("w", "g"), ("v", "h")]  # v, w, q buy
HEADS = (
    {"a": 10.0, "b": 20, "q": 30, "w": 40, "v": 5},
    {"a": 11.0, "b": 25, "q": 31, "w": 60, "v": 7},
)
Z = np.array([[1.0, 2, 0, 1], [3, 1, 2, 0], [0, 1, 1, 4], [2, 0, 3, 1]])
Y = np.arange(24.0).reshape(4, 6) % 7 + 1


def table(
    year: int, rows: Any = range(4), columns: Any = range(6), *, heads: bool = True, **changes: Any
) -> cf.Table:
    """Make a table of 2000 or 2010 in an order of its own."""
    late, at = year == 2010, list(rows)
    demand = [COLUMNS[j] for j in columns]
    flows, bought = (Z * (1 + 0.1 * np.eye(4)), (Y * 1.7 + Y[::-1]) / 2) if late else (Z, Y)
    people = {k: v for k, v in HEADS[late].items() if k in {region for region, _ in demand}}
    arguments: dict[str, Any] = {
        "Z": flows[np.ix_(at, at)], "Y": bought[at][:, list(columns)],
        "x": (flows.sum(axis=1) + bought.sum(axis=1))[at],
        "F": (np.array([3.0, 4, 5, 6]) * (0.8 if late else 1.0))[at],
        "regions": [ROWS[i][0] for i in at], "sectors": [ROWS[i][1] for i in at],
        "demand": demand, "stressors": "CO2", "year": year,
        "population": people if heads else None,
    }  # fmt: skip
    return cf.Table(**(arguments | changes))


def answers(before: cf.Table, after: cf.Table, demand: Any) -> dict[str, pd.Series]:
    """Everything that compares two tables of one demand, as Series found by label."""
    found = {}
    for method in ("integral", "shapley", "polar", "lmdi"):
        one = cf.structural_decomposition(before, after, demand=demand, method=method)  # type: ignore[arg-type]
        found[method] = one.to_frame()["effect"]
    for by in ("region", "product"):
        one = cf.structural_decomposition(before, after, demand=demand, by=by)  # type: ignore[arg-type]
        found[by] = one.to_frame()["effect"].sort_index()
    paths = cf.structural_path_decomposition(before, after, demand=demand, top=12)
    found["paths"] = paths.to_frame().set_index("path")["effect_demand"].sort_index()
    found["explained"], found["remainder"] = paths.explained, paths.remainder
    found["years"] = cf.decompose_years([before, after], demand=demand).iloc[:, 0]
    return found


def same(got: dict[str, pd.Series], expected: dict[str, pd.Series]) -> None:
    for name, one in expected.items():
        # A consumer that a table does not name has no effect.
        mine = got[name].reindex(one.index, fill_value=0.0)
        np.testing.assert_allclose(mine, one, rtol=1e-9, atol=1e-10, err_msg=name)


@settings(max_examples=8, deadline=None)
@given(
    orders=st.tuples(*[st.permutations(range(4))] * 2),
    columns=st.tuples(*[st.permutations(range(6))] * 2),
    demand=st.sampled_from([None, "w", "a", ["w", "a"], ("w", "g"), (None, "h"), ["q", "w"]]),
    heads=st.booleans(),
)
def test_no_order_changes_a_decomposition(
    orders: Any, columns: Any, demand: Any, heads: bool
) -> None:
    plain = answers(table(2000, heads=heads), table(2010, heads=heads), demand)
    two = [
        table(year, rows, order, heads=heads)
        for year, rows, order in zip((2000, 2010), orders, columns, strict=True)
    ]
    same(answers(two[0], two[1], demand), plain)
    for question in (list.copy, lambda it: it[::-1]):
        now, then = question(two)
        flow = cf.flows(now).change_from(cf.flows(then)).set_index(["from", "to"])["change"]
        straight = cf.flows(table(now.year)).change_from(cf.flows(table(then.year)))
        expected = straight.set_index(["from", "to"])["change"]
        np.testing.assert_allclose(flow[expected.index], expected, rtol=1e-9, atol=1e-10)
        assert comparable(now, then, None).Y.equals(
            table(then.year).Y.loc[now.Y.index, now.Y.columns]
        )
        assert comparable(now, then, None).regions == now.regions


@pytest.mark.parametrize("left", [[2, 5], [0, 5], [4]])
def test_consumers_that_are_not_asked_about_need_not_be_there(left: list[int]) -> None:
    plain = answers(table(2000), table(2010), ("w", "h"))
    kept = [at for at in (3, 4, 5, 0, 1, 2) if at not in left]
    same(answers(table(2000), table(2010, columns=kept), ("w", "h")), plain)
    same(answers(table(2000, columns=kept), table(2010), ("w", "h")), plain)


# --- population -------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [[0, 1, 2, 3, 4, 5], [5, 2, 3, 4, 1, 0]])
def test_lmdi_splits_the_level_by_the_logarithms_of_heads(columns: list[int]) -> None:
    before, after = table(2000), table(2010, columns=columns)
    found = cf.structural_decomposition(before, after, demand="w", method="lmdi")
    effect = found.to_frame()["effect"]
    level = after.Y["w"].to_numpy().sum() / before.Y["w"].to_numpy().sum()
    assert found.closure < 1e-9
    got = effect["population"] / (effect["population"] + effect["demand level"])
    assert got == pytest.approx(np.log(60.0 / 40.0) / np.log(level), rel=1e-12)
    plain = cf.structural_decomposition(
        table(2000, heads=False), table(2010, heads=False), demand="w", method="lmdi"
    ).to_frame()["effect"]
    assert effect["population"] + effect["demand level"] == pytest.approx(plain["demand level"])


def test_population_that_is_left_out_is_said() -> None:
    both = cf.structural_decomposition(table(2000), table(2010))
    assert both.note == ""
    assert "population" not in repr(both)
    only = cf.structural_decomposition(table(2000), table(2010, heads=False))
    assert only.note == "population left out: only before has it"
    assert repr(only).endswith(f"; {only.note})")
    assert only.to_frame().attrs["note"] == only.note
    chained = cf.decompose_years([table(2000, heads=False), table(2010)])
    assert chained.attrs["note"] == "2000 → 2010: population left out: only after has it"
    some = table(2010, population={"a": 11.0, "b": 25, "w": 60})
    lacks = cf.structural_decomposition(table(2000), some)
    assert lacks.note == "population left out: after has none of q"
    # What is not asked about need not be known.
    assert (
        "population" in cf.structural_decomposition(table(2000), some, demand="w").to_frame().index
    )


def test_heads_beside_thousands_are_found_by_region() -> None:
    before = table(2000, population={"q": 5.0, "w": 5e6})
    after = table(2010, columns=[0, 1, 3, 4, 5, 2], population={"q": 6.0, "w": 6e6})
    assert after.regions != before.regions
    cf.structural_decomposition(before, after, demand="a")
