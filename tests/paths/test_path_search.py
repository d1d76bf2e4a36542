"""What could go wrong inside a path search: short lists, deep chains, memory, copies."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references import path_reference as slow
from support.references.path_reference import Case, listed
from support.worlds.strategies import seeds

import carbonflows_fast as cf


def wide(rng: np.random.Generator, n: int, signed: bool) -> Case:
    """Entries over five decades: lists of suppliers end, and are prolonged, within a search."""
    A = 10.0 ** rng.uniform(-5, 0, (n, n)) * (rng.random((n, n)) < 0.5)
    A *= 0.6 / max(A.sum(axis=0).max(), 1e-9)
    s, y = 10.0 ** rng.uniform(-4, 0, (2, n)) * (rng.random((2, n)) < 0.4)
    if signed:
        A[rng.random((n, n)) < 0.2] *= -1.0
        y[rng.random(n) < 0.2] *= -1.0
    y[0], s[-1] = 1.0, 0.5
    return Case(A, y, s, ["a", "b"] * (n // 2))


@given(seeds(), st.booleans(), st.sampled_from([None, 1, 2, 3]), st.booleans())
def test_lists_that_end_lose_nothing(
    rng: np.random.Generator, signed: bool, max_stage: int | None, filtered: bool
) -> None:
    case = wide(rng, 30, signed)
    case.max_stage = max_stage
    if filtered:
        case.masks = {"through": rng.random(30) < 0.2}
    found = case.found
    for place in sorted({0, *(len(found) * np.array([0.1, 0.5, 0.9, 0.99])).astype(int)}):
        if place < len(found):
            cut = abs(found[place][0])
            assert listed(case.paths(threshold=cut)) == [p for p in found if abs(p[0]) >= cut]
            assert listed(case.paths(top=place + 1)) == found[: place + 1]


def test_a_supplier_just_below_the_shared_lists_is_found() -> None:
    # The shared lists end at a thousandth of the best supplier, 0.0005 here.
    A = np.zeros((6, 6))
    A[1:5, 0] = 0.5, 0.0007, 0.000505, 0.000498
    case = Case(A, np.eye(6)[0], np.array([0.0, 1, 1, 1, 1, 0]), ["a"] * 6)
    for threshold, count in ((0.000499, 3), (0.000495, 4), (0.00049, 4)):
        assert len(case.paths(threshold=threshold)) == count
    y, s = np.eye(6)[0] + np.eye(6)[5], np.array([0.0, 1, 1, 1, 1, 0.0004985])
    assert len(listed(Case(A, y, s, ["a"] * 6).paths(top=4))) == 4


def test_few_stages_are_bounded_by_what_few_stages_lead_to() -> None:
    A = np.zeros((5, 5))
    A[1, 0] = A[2, 1] = A[3, 2] = 0.5
    s, y = np.array([0, 0, 1e-5, 1, 2.45e-6]), np.array([1.0, 0, 0, 0, 1.0])
    case = Case(A, y, s, ["a"] * 5, max_stage=2)
    assert listed(case.paths(top=1)) == [(2.5e-6, (0, 1, 2))]
    assert len(case.paths(threshold=2e-6)) == 2


def test_a_total_that_cancels_has_shares_of_the_sizes() -> None:
    y, s, A = np.eye(3)[0], np.array([0.0, 1.0, -1.0]), np.zeros((3, 3))
    A[1:, 0] = 0.5
    case = Case(A, y, s, ["a"] * 3, max_stage=2)
    assert len(case.paths(threshold=0.1)) == 2
    for options, count in (({"coverage": 0.6}, 2), ({"coverage": 0.4}, 1), ({"min_share": 0.4}, 2)):
        got = case.paths(**options)
        assert (len(got), got.coverage) == (count, count / 2)
        assert (got.total, got.gross) == (0.0, 1.0)
        assert np.abs(got.share).tolist() == [0.5] * count


def test_a_sink_does_not_end_the_search() -> None:
    """A sink of −4 and sources of 1 to 5: "the paths reported" were 500 % of the net total."""
    y = np.array([5.0, -4.0, 3.0, 1.0])
    case = Case(np.zeros((4, 4)), y, np.ones(4), list("abcd"), max_stage=0)
    got = case.paths(coverage=0.9)
    assert got.value.tolist() == [5.0, -4.0, 3.0]
    assert (got.total, got.gross, got.coverage) == (5.0, 13.0, 12 / 13)
    assert "92.3 % covered" in repr(got)
    assert got.share.tolist() == [5 / 13, -4 / 13, 3 / 13]


def loop(a: float) -> cf.Table:
    return cf.Table(A=[[a]], Y=[1.0], S=[[1.0]], x=[1.0], regions="r", sectors=["s"], stressors="g")


def test_rows_of_long_paths_are_counted_as_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # 6,900 paths of 3,450 purchases on average.
    assert len(cf.structural_paths(loop(0.999), coverage=0.999)) == 6905
    monkeypatch.setattr("carbonflows_fast.paths._network.MOST_PATHS", 100_000)
    with pytest.raises(cf.MemoryLimitError, match=r"coverage: .*max_paths"):
        cf.structural_paths(loop(0.999), coverage=0.999)


def test_stages_that_carry_nothing_take_no_time() -> None:
    table = cf.synthetic.world(2, 3)
    few = cf.structural_paths(table, coverage=0.5, max_stage=100_000_000)
    assert listed(few) == listed(cf.structural_paths(table, coverage=0.5))


def test_paths_can_be_pickled() -> None:
    paths = cf.structural_paths(cf.synthetic.world(2, 3), top=5, through="Paddy rice")
    copy = pickle.loads(pickle.dumps(paths))
    assert listed(copy) == listed(paths)
    pd.testing.assert_frame_equal(copy.by_stage(), paths.by_stage())


def test_the_bound_covers_total_and_remainder() -> None:
    table = cf.synthetic.world(6, 12)
    A, s = table.A.toarray(), table.S.to_numpy()[0]
    y = np.ascontiguousarray(table.Y.to_numpy().sum(axis=1))
    total = slow.exact_total(A, y, s)
    for paths in (
        cf.structural_paths(table, demand=y, min_share=1e-5),
        cf.structural_paths(table, demand=y, top=50),
    ):
        assert abs(paths.total - total) <= paths.error_bound + 1e-13 * total
        missing = total - float(np.sum(paths.value))
        assert abs(paths.remainder - missing) <= paths.error_bound + 1e-13 * total
        assert paths.error_bound <= 1e-9 * total


@pytest.mark.parametrize("argument", ["start", "through", "end"])
def test_a_series_is_taken_by_its_labels(argument: str) -> None:
    table = cf.synthetic.world(2, 3)
    mask = pd.Series([True, True, True, False, False, False], table.rows)
    by_mask: Any = {argument: mask}
    by_array: Any = {argument: mask.to_numpy()}
    assert (
        cf.structural_paths(table, **by_mask).total == cf.structural_paths(table, **by_array).total
    )
    with pytest.raises(cf.LabelError, match=rf"^{argument}: .*in the same order.*reindex"):
        cf.structural_paths(table, **{argument: mask[::-1]})


@pytest.mark.parametrize(
    "bad",
    [{"threshold": np.array([1.0, 2.0])}, {"threshold": 10**400}, {"threshold": np.complex128(1)},
     {"top": 2**31}, {"demand": pd.DataFrame([[1.0]])}, {"demand": np.full(6, 1e308)}],
    ids=["array", "huge", "complex", "many", "frame", "overflow"],
)  # fmt: skip
def test_odd_values_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(cf.InputError, match=rf"^{next(iter(bad))}: expected "):
        cf.structural_paths(cf.synthetic.world(2, 3), **bad)
