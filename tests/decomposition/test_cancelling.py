"""Decompositions where purchases cancel: 5 and −4.9 of one product, or a whole demand of nothing.

A share of such a sum says nothing, and rounding decides its sign: effects stay bounded, change a
little where the tables do, and still add up, in the aggregate and path by path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import change_reference as slow
from support.worlds.strategies import seeds
from support.worlds.two_years import year

import carbonflows_fast as cf
from carbonflows_fast.decomposition import _factor_splits
from carbonflows_fast.decomposition._two_tables import two_tables_of

Array = npt.NDArray[np.float64]
COAL, STEEL, PATH_KINDS = [0, 2, 4], [1, 3, 5], ["intensity", "technology", "trade", "demand"]
RESTS = (0.0, 1e-17, 1e-9, 1e-3, 0.26, 0.4)


def cancelled(rng: np.random.Generator, size: float) -> Array:
    """Three numbers of one decimal whose sum is a share of their sizes: none, a rounding, more."""
    a, b = rng.integers(1, 9, 2) / 10
    rest = float(rng.choice(RESTS)) * 2 * (a + b)
    return np.array(rng.permutation([a, b, -(a + b) + rest])) * size


def unusual(rng: np.random.Generator, *, acyclic: bool = False, **changes: Any) -> cf.Table:
    """A table in which origins of inputs and of final demand, and a whole demand, may cancel."""
    table = year(rng, **changes)
    A, Y = table.A.toarray(), table.Y.to_numpy().copy()
    if acyclic:
        A = np.triu(rng.uniform(0.0, 0.4, A.shape) * (rng.random(A.shape) > 0.3), 1)
    for product in (COAL, STEEL):
        Y[product, rng.integers(3)] = cancelled(rng, 10.0)
    A[COAL, 5 if acyclic else rng.integers(7)] = cancelled(rng, 0.1)
    if rng.random() < 0.3:
        q = rng.integers(3)
        Y[6, q] = float(rng.choice(RESTS)) * np.abs(Y[:6, q]).sum() - Y[:6, q].sum()
    return table.with_changes(A=A, Y=Y)


def size_of(*tables: cf.Table) -> float:
    """What a yardstick of effects is: all emissions, without regard to signs."""
    sizes = []
    for table in tables:
        L = np.linalg.inv(np.eye(table.n) - np.abs(table.A.toarray()))
        sizes.append(np.abs(table.S.to_numpy()[0]) @ L @ np.abs(table.Y.to_numpy()).sum(axis=1))
    return float(max(sizes))


@given(seeds())
def test_effects_are_the_dense_ones(rng: np.random.Generator) -> None:
    before, after = unusual(rng), unusual(rng)
    expected = slow.integral(slow.Both(before, after))
    got = cf.structural_decomposition(before, after).to_frame()["effect"]
    limit = 1e-8 * size_of(before, after)
    for name, effect in got.items():
        assert abs(effect - expected[str(name).removeprefix("demand ")]) <= limit


@given(seeds())
def test_no_part_is_larger_than_eight_times_the_cells(rng: np.random.Generator) -> None:
    before, after = unusual(rng), unusual(rng)
    pair = two_tables_of(before, after, None, None, None)
    parts = _factor_splits.demand_parts(pair)
    cells = np.abs(pair.before.Y).sum(axis=0) + np.abs(pair.after.Y).sum(axis=0)
    for part in (parts.level, parts.mix, parts.origin):
        assert (np.abs(part).sum(axis=0) <= 8.0 * cells).all()
    gap = parts.level + parts.mix + parts.origin - (pair.after.Y - pair.before.Y)
    assert np.abs(gap).max() <= 1e-13 * cells.max()
    pattern, a0, a1 = pair.union
    trade = _factor_splits.trade_parts(pair)
    for part in (trade, a1 - a0 - trade):
        bought = np.bincount(pattern.indices, np.abs(part), pair.n)
        assert (bought <= 8.0 * np.bincount(pattern.indices, np.abs(a0) + np.abs(a1), pair.n)).all()


@given(seeds(), st.sampled_from(["integral", "shapley", "polar"]))
def test_rounding_changes_no_effect(rng: np.random.Generator, method: Any) -> None:
    """Another currency, an equal deflator, another order of rows, other last digits."""
    before, after = unusual(rng), unusual(rng)
    plain = cf.structural_decomposition(before, after, method=method).to_frame()["effect"]
    limit = 1e-9 * size_of(before, after)

    def same(one: cf.Table, other: cf.Table, **options: Any) -> None:
        got = cf.structural_decomposition(one, other, method=method, **options)
        assert np.abs(got.to_frame()["effect"] - plain).max() <= limit

    same(*(t.with_changes(Y=t.Y * 0.9217, S=t.S / 0.9217) for t in (before, after)))
    dearer = after.with_changes(Y=after.Y * 1.1, S=after.S / 1.1)
    same(before, dearer, deflators=np.full(7, 1.1))
    same(before, after, deflators=np.full(7, 1.0 + 1e-13))
    noise = [t.with_changes(A=t.A.toarray() * (1.0 + 1e-14 * rng.normal(size=(7, 7))),
                            Y=t.Y * (1.0 + 1e-14 * rng.normal(size=t.Y.shape)))
             for t in (before, after)]  # fmt: skip
    same(*noise)
    same(*(turned(t, rng.permutation(7)) for t in (before, after)))


def turned(table: cf.Table, order: Any) -> cf.Table:
    rows = table.rows[order]
    return cf.Table(
        A=table.A.toarray()[np.ix_(order, order)], x=table.x.to_numpy()[order],
        Y=table.Y.to_numpy()[order], S=table.S.to_numpy()[:, order], demand=list(table.demand),
        regions=rows.get_level_values("region"), sectors=rows.get_level_values("sector"),
        stressors="CO2", stressor_units="kt",
    )  # fmt: skip


@given(seeds(), st.sampled_from(["shapley", "polar"]))
def test_all_paths_add_up_to_the_aggregate(rng: np.random.Generator, method: Any) -> None:
    before, after = unusual(rng, acyclic=True), unusual(rng, acyclic=True)
    found = cf.structural_path_decomposition(before, after, top=100_000, method=method)
    effects = cf.structural_decomposition(
        before, after, method="integral" if method == "shapley" else "polar"
    ).to_frame()["effect"]
    limit = 1e-10 * size_of(before, after)
    expected = [effects["intensity"], effects["technology"],
                effects["trade"] + effects["demand origin"],
                effects["demand level"] + effects["demand mix"]]  # fmt: skip
    assert np.abs(found.explained[PATH_KINDS].to_numpy() - expected).max() <= limit
    assert found.remainder.abs().max() <= 10 * limit
    assert np.abs(found.kinds.sum(axis=1) - found.change).max() <= limit


@given(seeds())
def test_lmdi_of_all_paths_adds_up_to_its_line_integral(rng: np.random.Generator) -> None:
    """Negative purchases have logarithms where they stay negative."""
    before = unusual(rng, acyclic=True)
    grown = np.exp(rng.normal(size=(7, 7)))
    A, Y = before.A.toarray(), before.Y.to_numpy()
    after = before.with_changes(
        A=A * np.minimum(grown, 1.5), Y=Y * grown[:, :3], S=before.S * grown[3]
    )
    found = cf.structural_path_decomposition(before, after, top=100_000, method="lmdi")
    limit = 1e-8 * size_of(before, after)
    assert found.remainder.abs().max() <= limit
    assert np.abs(found.kinds.sum(axis=1) - found.change).max() <= limit


@pytest.mark.parametrize("method", ["integral", "shapley", "polar", "lmdi"])
def test_origins_that_cancel_but_for_rounding(method: Any) -> None:
    """0.1 + 0.2 − 0.3 is 5.6e-17, of which 0.3 is a share of 5e15."""

    def table(cell: float, when: int) -> cf.Table:
        Z = [[20.0, 5, 5, 2], [4, 30, 1, 6], [6, 2, 25, 5], [3, 7, 4, 40]]
        Y = [[50.0, 10], [0.3, 12], [8, 60], [cell, 30]]
        return cf.Table(Z=Z, Y=Y, F=[[50.0, 20, 40, 10]], regions=["A", "A", "B", "B"],
                        sectors=["P", "Q", "P", "Q"], stressors=["CO2"], year=when)  # fmt: skip

    before, found = table(5.0, 2000), []
    for cell in (-0.3, -(0.1 + 0.2), -0.3 + 1e-9, -0.3 - 1e-9, -0.299):
        after = table(cell, 2009)
        found.append(cf.structural_decomposition(before, after, method=method).to_frame()["effect"])
        paths = cf.structural_path_decomposition(before, after, top=5)
        assert (paths.explained + paths.remainder).abs().max() < 10.0
    for other in found[1:4]:
        assert np.abs(other - found[0]).max() < 1e-7
    assert np.abs(found[4] - found[0]).max() < 2e-2
    # The product's origins move as a whole: none of it is a choice of region.
    assert abs(found[0]["demand origin"]) < 1e-9


def test_what_cancels_within_a_cell_or_over_consumers_is_no_purchase() -> None:
    """Stocks of −0.1 and −0.2 undo purchases of 0.3; and so do two consumers each other."""

    def table(Y: Any, when: int) -> cf.Table:
        demand = [(r, c) for r in "AB" for c in ("homes", "stocks", "state")]
        return cf.Table(Z=[[2.0, 1], [1, 2]], Y=Y, F=[[5.0, 3]], regions=["A", "B"],
                        sectors=["P", "P"], x=[9.0, 9.0], demand=demand, stressors="CO2",
                        year=when)  # fmt: skip

    after = table([[4.0, 1, 1, 2, 1, 1], [3.0, 1, 1, 4, 1, 1]], 2009)
    zero = [[4.0, 1, 1, 0, 0, 0], [3.0, 1, 1, 0, 0, 0]]
    for cells in ([-0.3, 0.1, 0.2, 0, 0, 0], [-0.3, 0, 0, 0.1, 0.2, 0], [0.3, 0, 0, -0.1, -0.2, 0]):
        rounded, none = ([list(row) for row in zero] for _ in range(2))
        rounded[1] = cells
        none[1] = [0.0] * 6 if cells[3] == 0 else [cells[0], 0, 0, -cells[0], 0, 0]
        for method in ("shapley", "lmdi"):
            one, two = (cf.structural_path_decomposition(table(Y, 2000), after, method=method)
                        for Y in (rounded, none))  # fmt: skip
            np.testing.assert_allclose(one.kinds, two.kinds, atol=1e-9)
            assert one.unlogged == two.unlogged == 0


@pytest.mark.real_data
def test_wiod_in_euros_and_with_equal_deflators(real_data: Path) -> None:
    """In 2009 Indonesia bought wood of 1 + 5 − 18 + 7 + 1 + 4: nothing, or a rounding of it."""
    before, after = (cf.read(real_data / f"wiod2013_{y}.zip") for y in (2000, 2009))
    plain = cf.structural_decomposition(before, after, method="polar")
    effects = plain.to_frame()["effect"]
    rates = 1.0827, 0.7194
    euros = [t.with_changes(Y=t.Y * rate, S=t.S / rate)
             for t, rate in zip((before, after), rates, strict=True)]  # fmt: skip
    deflators = np.full(before.n, rates[1] / rates[0])
    in_euros = cf.structural_decomposition(*euros, method="polar", deflators=deflators)
    assert np.abs(in_euros.to_frame()["effect"] - effects).max() <= 1e-9 * plain.after
    # An equal deflator is a change of level and intensity; little else moves with them.
    dearer = np.full(before.n, 1.1)
    deflated = cf.structural_decomposition(before, after, method="polar", deflators=dearer)
    others = deflated.to_frame()["effect"].drop(["intensity", "demand level"]) - effects
    assert others.abs().max() < 0.02 * plain.after
    paths = cf.structural_path_decomposition(before, after, top=10, deflators=dearer)
    assert paths.remainder.abs().max() < plain.after  # known, and no more than all emissions
