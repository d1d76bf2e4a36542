"""Structural path decomposition: ranking against brute force, effects against the aggregate."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import change_reference as slow
from support.worlds.strategies import seeds
from support.worlds.two_years import in_units, pair, year

import carbonflows_fast as cf
from carbonflows_fast.decomposition._by_path import _rounds
from carbonflows_fast.errors import InputError, MemoryLimitError, NotProductiveError
from carbonflows_fast.paths._limits import MODES, search_limits
from carbonflows_fast.paths._network import SMALLEST

KINDS = ["intensity", "technology", "trade", "demand"]


def rows_of(found: cf.PathChanges) -> list[tuple[int, ...]]:
    return [tuple(part.tolist()) for part in np.split(found.rows, found.starts[1:-1])][: len(found)]


def acyclic(rng: np.random.Generator, **changes: Any) -> cf.Table:
    """A table whose coefficients lie above the diagonal: its paths come to an end."""
    table = year(rng)
    n = table.n
    A = np.triu(rng.uniform(0.0, 0.6, (n, n)) * (rng.random((n, n)) > 0.3), 1)
    return table.with_changes(A=A, **changes)


def close(found: cf.PathChanges) -> None:
    """What is reported and what is not are the whole, from independent sums."""
    size = np.abs(found.before).sum() + np.abs(found.after).sum() + abs(found.total)
    gap = abs(found.explained["change"] + found.pruned.sum() - found.total)
    assert gap <= 1e-11 * size + 2 * found.error_bound + 1e-300
    np.testing.assert_allclose(found.kinds.sum(axis=1), found.change, atol=1e-13 * size)
    ends = found.starts[1:] + np.arange(1, len(found) + 1)
    sums = np.add.reduceat(found.positions, np.append(0, ends[:-1])) if len(found) else []
    np.testing.assert_allclose(sums, found.change, atol=1e-13 * size)


# --- ranking ----------------------------------------------------------------------------------


@given(seeds(), st.booleans(), st.integers(1, 60), st.sampled_from([None, 0, 1, 3]))
def test_the_largest_changes_are_those_of_brute_force(
    rng: np.random.Generator, negative: bool, top: int, max_stage: int | None
) -> None:
    before, after = acyclic(rng), acyclic(rng)
    if negative:
        sign = np.where(rng.random((2, before.n)) < 0.3, -1.0, 1.0)
        before = before.with_changes(Y=before.Y * sign[0][:, None])
        after = after.with_changes(Y=after.Y * sign[1][:, None], S=after.S * sign[0])
    both = slow.Both(before, after)
    expected = slow.ranked(both, before.n if max_stage is None else max_stage)
    found = cf.structural_path_decomposition(before, after, top=top, max_stage=max_stage)
    assert len(found) == min(top, len(expected))
    assert rows_of(found) == [path for _, _, path in expected[:top]]
    for at, (v0, v1, path) in enumerate(expected[:top]):
        assert (found.before[at], found.after[at]) == (v0, v1)
        effects = slow.path_effects(both, path)
        size = 1e-11 * (abs(v0) + abs(v1) + sum(map(abs, effects.values())))
        np.testing.assert_allclose(found.kinds[at], [effects[k] for k in KINDS], atol=size)
    close(found)


@given(seeds(), st.floats(1e-4, 1.0))
def test_a_threshold_finds_all_and_only_changes_of_that_size(
    rng: np.random.Generator, share: float
) -> None:
    before, after = year(rng), year(rng)
    both = slow.Both(before, after)
    expected = slow.ranked(both, 3)
    if not expected or expected[0][0] == expected[0][1]:
        return
    threshold = share * abs(expected[0][1] - expected[0][0])
    found = cf.structural_path_decomposition(before, after, threshold=threshold, max_stage=3)
    wanted = [path for v0, v1, path in expected if abs(v1 - v0) >= threshold]
    assert rows_of(found) == wanted
    close(found)


def test_little_changes_between_like_tables_are_found_without_visiting_all() -> None:
    before = cf.synthetic.world(6, 30, seed=1)
    after = before.with_changes(S=before.S * 1.001)
    found = cf.structural_path_decomposition(before, after, top=500)
    plain = cf.structural_paths(before, top=500)
    assert (
        rows_of(found)[:100]
        == [tuple(p.tolist()) for p in np.split(plain.rows, plain.starts[1:-1])][:100]
    )
    assert found.nodes < 5 * 500 + 2000
    close(found)


def test_new_and_vanished_paths_and_paths_that_stay() -> None:
    """The published code drops paths of equal or zero value; all belong to the ranking."""
    A = [np.zeros((3, 3)) for _ in range(2)]
    A[0][1, 0], A[1][1, 0] = 0.5, 0.25  # halves, while the emissions of the seller double
    A[0][2, 0], A[1][2, 0] = 0.0, 0.125  # new
    Y = np.array([[8.0], [0.0], [0.0]])
    tables = [
        cf.Table(A=a, x=[8.0, 4.0, 1.0], Y=Y, S=[s], regions="DE", sectors=["a", "b", "c"],
                 stressors="CO2")
        for a, s in zip(A, ([1.0, 1.0, 4.0], [0.0, 2.0, 4.0]), strict=True)
    ]  # fmt: skip
    found = cf.structural_path_decomposition(*tables, top=10)
    assert rows_of(found) == [(0,), (0, 2), (0, 1)]
    assert found.change.tolist() == [-8.0, 4.0, 0.0]
    offset = found.to_frame().iloc[2]
    assert offset.effect_intensity == pytest.approx(3.0)
    assert offset.effect_technology == pytest.approx(-3.0)
    logs = cf.structural_path_decomposition(*tables, top=10, method="lmdi").to_frame()
    assert logs.effect_technology[1] == pytest.approx(4.0)  # the new coefficient gets all of it
    assert logs.effect_intensity[0] == pytest.approx(-8.0)


def test_where_nothing_or_little_changes_a_search_comes_to_an_end() -> None:
    before = cf.synthetic.world(3, 8)
    assert len(cf.structural_path_decomposition(before, before, top=100)) == 0
    Y, S = before.Y * 2.0, before.S * 0.5
    found = cf.structural_path_decomposition(before, before.with_changes(Y=Y, S=S), top=100)
    assert np.abs(found.change).max(initial=0.0) <= 1e-12 * before.F.to_numpy().sum()
    close(found)


class FewChanges:
    """A search that finds one change whatever the threshold, and too many prefixes at the last."""

    largest = 1.0

    def __init__(self) -> None:
        self.asked: list[float] = []

    def find(self, least: float, last: bool, *_: Any) -> tuple[Any, ...]:
        self.asked.append(least)
        return (False,) if last else (True, np.ones(1))


def test_a_search_that_finds_no_more_ends_after_few_rounds() -> None:
    joint: Any = FewChanges()
    limits = search_limits(20, None, None, None, None, None, MODES[:3])
    raw = _rounds(joint, limits, 1.0, 0.0, 0, np.zeros(1), 1)
    assert raw[1].size == 1
    assert min(joint.asked) <= SMALLEST < 1e-279
    assert len(joint.asked) < 40


def test_between_two_tables_there_may_be_one_that_is_not_productive() -> None:
    A = np.array([[0.0, 3.0], [0.0, 0.0]])
    arguments: dict[str, Any] = {
        "Y": np.ones(2), "S": np.ones(2), "x": [4.0, 1.0], "regions": "DE", "sectors": ["a", "b"],
        "stressors": "CO2",
    }  # fmt: skip
    tables = [cf.Table(A=a, **arguments) for a in (A, A.T.copy())]
    found = cf.structural_path_decomposition(*tables, threshold=0.1)
    assert sorted(found.change.tolist()) == [-3.0, 3.0]
    assert found.remainder["change"] == 0.0
    assert found.remainder[KINDS].isna().all()
    with pytest.raises(NotProductiveError, match="method: expected 'integral' for tables that"):
        cf.structural_decomposition(*tables)
    assert cf.structural_decomposition(*tables, method="polar").closure < 1e-9


def test_tables_close_to_unproductive() -> None:
    """Much more is conceivable there than there is, and the whole does not close."""
    before, after = (cf.synthetic.world(2, 3, year=y) for y in (2000, 2009))
    radius = np.abs(np.linalg.eigvals(before.A.toarray())).max()
    wild = before.with_changes(A=before.A * (0.999 / radius))
    for top in (1, 3):
        found = cf.structural_path_decomposition(before, wild, top=top)
        assert len(found) == top
        close(found)
    assert found.remainder[KINDS].isna().all()
    nothing = cf.structural_path_decomposition(
        before.with_changes(S=before.S * 0), after.with_changes(Y=after.Y * 0), top=3
    )
    assert not nothing.change.any()


def test_the_same_bits_for_any_threads_and_after_other_searches() -> None:
    tables = cf.synthetic.world(5, 40, year=2010), cf.synthetic.world(5, 40, year=2019)
    results = []
    for threads in (1, 2, 5):
        found = cf.structural_path_decomposition(*tables, top=3000, threads=threads)
        results.append([found.before.tobytes(), found.rows.tobytes(), found.kinds.tobytes(),
                        found.pruned.tobytes(), found.nodes])  # fmt: skip
        cf.structural_paths(tables[0], top=10)
    assert results[0] == results[1] == results[2]


# --- effects ----------------------------------------------------------------------------------


@given(seeds())
def test_lmdi_of_all_paths_adds_up_to_its_line_integral(rng: np.random.Generator) -> None:
    before, after = acyclic(rng), acyclic(rng)
    found = cf.structural_path_decomposition(before, after, top=100_000, method="lmdi")
    assert found.unlogged == 0
    size = before.F.to_numpy().sum() + after.F.to_numpy().sum()
    assert found.remainder.abs().max() <= 1e-8 * size + 1e-12


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_lmdi_knows_its_remainder_unless_a_coefficient_changes_sign(sign: float) -> None:
    rng = np.random.default_rng(17)
    before, after = acyclic(rng), acyclic(rng)
    Y0, Y1 = before.Y.to_numpy().copy(), after.Y.to_numpy().copy()
    Y0[-1], Y1[-1] = 1.0, -2.0  # changes sign: these paths take the straight line
    Y0[-2], Y1[-2] = -1.0, -2.0  # negative in both years: they have logarithms
    A = after.A.toarray()
    first = tuple(np.argwhere((before.A.toarray() > 0) & (A > 0))[0])
    A[first] *= sign
    tables = before.with_changes(Y=Y0), after.with_changes(Y=Y1, A=A)
    found = cf.structural_path_decomposition(*tables, top=100_000, method="lmdi")
    assert found.unlogged > 0
    size = before.F.to_numpy().sum() + after.F.to_numpy().sum()
    assert abs(found.remainder["change"]) <= 1e-8 * size
    if sign > 0:
        assert found.remainder.abs().max() <= 1e-8 * size
    else:
        assert found.remainder[KINDS].isna().all()


@given(seeds(), st.sampled_from(["shapley", "polar"]))
def test_all_paths_of_an_acyclic_table_add_up_to_the_aggregate(
    rng: np.random.Generator, method: Any
) -> None:
    before, after = acyclic(rng), acyclic(rng)
    found = cf.structural_path_decomposition(before, after, top=100_000, method=method)
    whole = cf.structural_decomposition(
        before, after, method="integral" if method == "shapley" else "polar"
    )
    effects = whole.to_frame()["effect"]
    size = abs(whole.before) + abs(whole.after)
    expected = {
        "intensity": effects["intensity"],
        "technology": effects["technology"],
        "trade": effects["trade"] + effects["demand origin"],
        "demand": effects["demand level"] + effects["demand mix"],
    }
    for kind, value in expected.items():
        assert abs(found.explained[kind] - value) <= 1e-10 * size + 1e-12
    assert found.remainder.abs().max() <= 1e-9 * size + 1e-12


def test_stages_of_a_cyclic_table_are_those_of_the_series() -> None:
    before, after = pair(11)
    both = slow.Both(before, after)
    for stages in range(3):
        found = cf.structural_path_decomposition(before, after, top=10**6, max_stage=stages)
        expected = dict.fromkeys(KINDS, 0.0)
        for path in slow.all_paths(both, stages):
            for kind, value in slow.path_effects(both, path).items():
                expected[kind] += value
        for kind, value in expected.items():
            assert found.explained[kind] == pytest.approx(value, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("method", ["shapley", "lmdi", "polar"])
def test_units_common_to_both_change_nothing(method: Any) -> None:
    rng = np.random.default_rng(12)
    tables = [year(rng), year(rng)]
    plain = cf.structural_path_decomposition(*tables, top=200, method=method)
    for unit, exact in (
        ({"coal": 8.0, "steel": 8.0, "cars": 8.0}, True),
        ({"coal": 0.3, "steel": 0.3, "cars": 0.3}, False),
        ({"coal": 8.0, "steel": 0.5, "cars": 1024.0}, True),
    ):
        got = cf.structural_path_decomposition(
            *(in_units(table, unit) for table in tables), top=200, method=method
        )
        one_unit = len(set(unit.values())) == 1
        size = 1e-12 * np.abs(plain.kinds).max()
        if exact:
            assert got.before.tobytes() == plain.before.tobytes()
            assert got.rows.tobytes() == plain.rows.tobytes()
            np.testing.assert_array_equal(got.kinds[:, :2], plain.kinds[:, :2])
        if exact and one_unit:
            np.testing.assert_array_equal(got.kinds, plain.kinds)
        elif one_unit:
            np.testing.assert_allclose(got.kinds, plain.kinds, rtol=1e-12, atol=size)
        # Level and origin of final demand are shares of a sum over products; their sum stays.
        np.testing.assert_allclose(
            got.kinds[:, 2:].sum(axis=1), plain.kinds[:, 2:].sum(axis=1), atol=size
        )


# --- the result -------------------------------------------------------------------------------


def test_frames_and_files(tmp_path: Path) -> None:
    before, after = pair(13)
    found = cf.structural_path_decomposition(before, after, top=50)
    frame = found.to_frame()
    effects = frame[[f"effect_{kind}" for kind in KINDS]].sum(axis=1)
    np.testing.assert_allclose(effects, frame.change, atol=1e-12)
    np.testing.assert_allclose(frame.after - frame.before, frame.change, atol=1e-15)
    steps = found.effects
    assert len(steps) == (found.stage + 2).sum()
    np.testing.assert_allclose(steps.groupby("path")["effect"].sum(), found.change, atol=1e-12)
    assert found.steps()["path"].value_counts(sort=False).tolist() == (found.stage + 1).tolist()
    by_region = found.by_region()
    assert by_region["change"].sum() == pytest.approx(found.explained["change"])
    np.testing.assert_allclose(by_region[KINDS].sum(), found.explained[KINDS], rtol=1e-9)
    buyer = steps.region.astype(str).shift()  # of an input: the row before it
    inputs = steps[steps.kind == "input"]
    technology = (inputs.effect - inputs.trade).groupby(buyer[inputs.index]).sum()
    for region, value in technology.items():
        assert by_region.technology[region] == pytest.approx(value, abs=1e-12)
    table = found.to_arrow()
    assert table.column_names[:3] == ["before", "after", "change"]
    found.save(tmp_path / "changes.parquet")
    found.save(tmp_path / "changes.csv")
    assert len(pd.read_csv(tmp_path / "changes.csv")) == 50
    assert pd.read_parquet(tmp_path / "changes.parquet")["change"].tolist() == frame.change.tolist()
    with pytest.raises(InputError, match="path: expected a file name that ends in"):
        found.save(tmp_path / "changes.txt")
    found.save(tmp_path / "changes.xlsx")
    assert len(pd.read_excel(tmp_path / "changes.xlsx", engine="openpyxl")) == 50
    again = pickle.loads(pickle.dumps(found))
    assert again.remainder["demand"] == found.remainder["demand"]
    assert repr(found).startswith("PathChanges('2000 → 2009', 50 paths, 'CO2', shapley")


def test_what_is_refused() -> None:
    before, after = pair()
    decompose = cf.structural_path_decomposition
    for wrong, message in (
        ({"method": "sum"}, "method: expected 'shapley'"),
        ({"top": 0}, "top: expected"),
        ({"top": 5, "threshold": 1.0}, "threshold: expected only one"),
        ({"threshold": 1e-300}, "threshold: expected at least"),
        ({"min_share": 2.0}, "min_share: expected a number above 0"),
    ):
        with pytest.raises(InputError, match=message):
            decompose(before, after, **wrong)
    with pytest.raises(InputError, match="min_share: expected a total change other than zero"):
        decompose(before, before, min_share=0.1)
    with pytest.raises(MemoryLimitError):
        decompose(before, after, threshold=1e-200)
    assert len(decompose(before, before)) == 0


# --- real tables ------------------------------------------------------------------------------


@pytest.mark.real_data
def test_wiod_converges_to_the_aggregate_as_the_threshold_falls(real_data: Path) -> None:
    # WIOD 2013 release (Timmer et al. 2015), CO2 by JRC (Corsatea et al. 2019).
    before, after = (cf.read(real_data / f"wiod2013_{y}.zip") for y in (2000, 2009))
    whole = cf.structural_decomposition(before, after).to_frame()["effect"]
    left = []
    for threshold in (1000.0, 100.0, 10.0):
        found = cf.structural_path_decomposition(before, after, threshold=threshold)
        close(found)
        left.append(found.remainder.abs())
        assert found.explained["intensity"] + found.remainder["intensity"] == pytest.approx(
            whole["intensity"]
        )
    assert (left[0][KINDS] > left[1][KINDS]).all()
    assert (left[1][KINDS] > left[2][KINDS]).all()
    assert left[2]["change"] < 0.25 * abs(found.total)
    logs = cf.structural_path_decomposition(before, after, threshold=100.0, method="lmdi")
    assert 0 < logs.unlogged < 100  # demands that change sign
    gap = logs.remainder[KINDS].sum() - logs.remainder["change"]
    assert abs(gap) < 1e-9 * abs(logs.total)
