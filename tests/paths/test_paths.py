"""Structural paths against every path of small tables, their identities, and what peers get wrong.

The order counts to the last path, and values are compared bit for bit.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.references import path_reference as slow
from support.references.path_reference import BY_STAGE, Case, cases, listed, two_regions
from support.worlds.strategies import random_productive, seeds

import carbonflows_fast as cf

PATHS = ["value", "share", "stage", "path"]
STEPS = ["path", "step", "region", "sector"]
CRITERIA = {"top": 5, "threshold": 0.5, "min_share": 0.5, "coverage": 0.5}


# --- every path, in order -------------------------------------------------------------------------


@given(cases(), st.floats(0, 1), st.booleans())
def test_threshold_finds_every_path(case: Case, depth: float, above: bool) -> None:
    # On the very value of a path and just above it: what rounds differently is not lost.
    place = int(depth * (len(case.found) - 1))
    cut = abs(case.found[place][0]) if case.found else case.lowest or 1.0
    cut = float(np.nextafter(cut, np.inf)) if above else cut
    expected = [p for p in case.found if abs(p[0]) >= cut]
    got = case.paths(threshold=cut)
    assert listed(got) == expected
    assert got.nodes_needed == slow.prefixes_of([rows for _, rows in expected])
    # Peers prune by total multipliers, which look further; no filter makes a search look at more.
    classic = slow.classic_nodes(
        case.A, case.y, case.s, threshold=cut * (1 - slow.SLACK), max_stage=case.max_stage
    )
    assert got.nodes_needed <= got.nodes <= classic
    case.check_sums(got)
    some = case.paths(threshold=cut, max_paths=3)
    assert listed(some) == expected[:3]
    assert some.nodes_needed == slow.prefixes_of([rows for _, rows in expected[:3]])
    case.check_sums(some)


@given(cases(), st.floats(0, 1))
def test_top_is_the_first_of_all(case: Case, depth: float) -> None:
    assume(case.found)
    k = 1 + int(depth * (len(case.found) - 1))
    got = case.paths(top=k)
    assert listed(got) == case.found[:k]
    case.check_sums(got)
    assert listed(case.paths(top=k, max_paths=2)) == case.found[: min(k, 2)]


@given(cases(), st.floats(0.05, 0.95))
def test_coverage_is_the_smallest_set_that_reaches_it(case: Case, wanted: float) -> None:
    # A sum on the edge may fall on either side of it.
    assume(case.found and case.gross > 1e-6 * case.scale)
    sums = np.cumsum([abs(value) for value, _ in case.found]) / case.gross
    reached = np.flatnonzero(sums >= wanted)
    assume(reached.size)
    count = int(reached[0]) + 1
    assume((np.abs(sums[:count] - wanted) > 1e-9 * case.scale / case.gross).all())
    got = case.paths(coverage=wanted)
    assert listed(got) == case.found[:count]
    case.check_sums(got)
    assert listed(case.paths(coverage=wanted, max_paths=2)) == case.found[: min(count, 2)]


@given(cases(), st.floats(0, 1))
def test_min_share_is_relative_to_the_gross_total(case: Case, depth: float) -> None:
    sizes = [abs(value) for value, _ in case.found]
    gaps = [k for k in range(1, len(sizes)) if sizes[k] < 0.999 * sizes[k - 1]]
    assume(gaps)
    k = gaps[int(depth * (len(gaps) - 1))]
    cut = np.sqrt(sizes[k - 1]) * np.sqrt(sizes[k])
    assume(cut <= case.gross and case.gross > 1e-5 * case.scale)
    got = case.paths(min_share=cut / case.gross)
    assert listed(got) == case.found[:k]
    case.check_sums(got)


@given(cases(), st.integers(1, 60))
def test_same_bits_for_any_number_of_threads(case: Case, top: int) -> None:
    for options in ({"top": top}, {"threshold": case.lowest or 1.0}, {"max_paths": 7, "top": 9}):
        one, three = (case.paths(**options, threads=t) for t in (1, 3))
        assert listed(one) == listed(three)
        for name in ("total", "remainder", "coverage", "error_bound", "nodes", "nodes_needed"):
            assert np.array_equal(getattr(one, name), getattr(three, name), equal_nan=True)
        assert one.by_stage().equals(three.by_stage())


@given(cases(), seeds(), st.floats(0, 1))
def test_units_do_not_matter(case: Case, rng: np.random.Generator, depth: float) -> None:
    assume(case.found)
    k = 1 + int(depth * (len(case.found) - 1))

    def rescaled(d: Any) -> Case:
        A, y, s = case.A * d / d[:, None], case.y / d, case.s * d
        return Case(A, y, s, case.regions, case.masks, case.max_stage)

    # Powers of two round nowhere; other factors may even reverse paths of nearly one size.
    binary = rescaled(2.0 ** rng.integers(-20, 21, len(case.y)))
    assert listed(binary.paths(top=k)) == case.found[:k]
    cut = abs(case.found[k - 1][0])
    assert listed(binary.paths(threshold=cut)) == [p for p in case.found if abs(p[0]) >= cut]
    other = np.abs(rescaled(rng.uniform(0.01, 100.0, len(case.y))).paths(top=k).value)
    sizes = [abs(value) for value, _ in case.found[:k]]
    np.testing.assert_allclose(other, sizes, rtol=1e-12)


@pytest.mark.parametrize("interleaved", [False, True])
def test_many_tiles(interleaved: bool) -> None:
    # One region is larger than a tile may be, the smallest share one.
    rng = np.random.default_rng(11)
    names = np.repeat(list("ABCDE"), [60, 290, 5, 37, 1])
    if interleaved:
        names = rng.permutation(names)
    n = names.size
    A = random_productive(rng, n, negatives=True, density=0.02)
    A *= 0.9 / np.abs(A).sum(axis=0).max()
    y, s = rng.pareto(1.5, (2, n)) * (rng.random((2, n)) < 0.7)
    here = rng.random((3, n)) < [[0.5], [0.1], [0.8]]
    for masks in ({}, dict(zip(("start", "through", "end"), here))):
        case = Case(A, y, s, names.tolist(), masks)
        case.lowest = slow.low_threshold(A, y, s, nodes=400_000)
        got = case.paths(threshold=case.lowest, threads=3)
        assert listed(got) == case.found
        assert len(got) > 300
        assert got.stage.max() > 3
        assert listed(case.paths(top=len(got) - 1)) == case.found[:-1]
        case.check_sums(got)


# --- tables whose paths are known -----------------------------------------------------------------


def test_a_chain_that_emits_only_at_its_far_end() -> None:
    n = 40
    case = Case(np.diag(np.full(n - 1, 0.5), k=-1), np.eye(n)[0], 3 * np.eye(n)[-1], ["a"] * n)
    for options in ({"top": 5}, {"min_share": 0.999}, {"threshold": 1e-15}, {"coverage": 0.999}):
        got = case.paths(**options)
        assert listed(got) == [(3 * 0.5 ** (n - 1), tuple(range(n)))]
        case.check_sums(got)
    assert len(cf.structural_paths(case.table, max_stage=n - 2)) == 0
    assert len(cf.structural_paths(case.table, max_stage=n - 1)) == 1


def test_a_loop_of_hundreds_of_stages() -> None:
    case = Case(np.array([[0.9]]), np.ones(1), np.ones(1), ["a"])
    values = itertools.accumulate([0.9] * 499, lambda v, a: v * a, initial=1.0)
    expected = [(v, (0,) * (k + 1)) for k, v in enumerate(values)]
    for options in ({"top": 500}, {"threshold": expected[-1][0]}):
        got = case.paths(**options)
        assert listed(got) == expected
        case.check_sums(got)
    assert got.total == pytest.approx(10.0, rel=1e-9)
    assert got.nodes_needed == 500


def test_ties_are_in_the_order_of_the_table() -> None:
    n = 4
    case = Case(np.full((n, n), 0.125), np.full(n, 0.5), np.full(n, 2.0), ["a", "b", "a", "b"])
    chains = (itertools.product(range(n), repeat=stage + 1) for stage in range(3))
    expected = [(0.125**stage, rows) for stage, all_rows in enumerate(chains) for rows in all_rows]
    for k in (1, 3, 4, 5, 19, 20, 21, 83):
        assert listed(case.paths(top=k)) == expected[:k]


def test_the_threshold_itself_is_reached() -> None:
    # A path and the bounds on it multiply in other orders and round apart.
    rng = np.random.default_rng(7)
    A, y, s = rng.random((3, 3)), *rng.random((2, 3))
    case = Case(A / (1.1 * A.sum(axis=0).max()), y, s, ["a"] * 3)
    assert len(case.found) > 200
    for cut, _ in case.found:
        assert listed(case.paths(threshold=cut)) == [p for p in case.found if p[0] >= cut]


def test_all_paths_where_there_are_no_cycles() -> None:
    rng = np.random.default_rng(3)
    case = Case(np.tril(rng.random((7, 7)), -1), *rng.uniform(0.5, 2.0, (2, 7)), ["a"] * 7)
    got = case.paths(top=10_000)
    assert len(got) == 2**7 - 1  # every nonempty set of rows, in its order
    assert got.coverage == pytest.approx(1.0, rel=1e-9)
    case.check_sums(got)


# --- what peers get wrong -------------------------------------------------------------------------


def test_paths_behind_a_clean_supplier_are_found() -> None:
    # MARIO stops where a row's direct part is below the threshold.
    A = np.array([[0.0, 0, 0], [0.5, 0.1, 0], [0, 0.5, 0]])
    case = Case(A, np.array([100.0, 0, 0]), np.array([0.0, 0, 4.0]), ["a"] * 3)
    assert slow.mario_paths(case.A, case.y, case.s, threshold=1.0) == []
    assert listed(case.paths(threshold=1.0))[0] == (100.0, (0, 1, 2))
    table = cf.synthetic.world(3, 8)
    case = Case.of(table, table.Y.to_numpy().sum(axis=1))
    cut = 1e-4 * case.total
    lossy = slow.mario_paths(case.A, case.y, case.s, threshold=cut)
    assert set(lossy) < set(listed(case.paths(demand=case.y, threshold=cut)))


def test_stage_0_is_counted_once() -> None:
    # fastspa adds the direct part of what is bought a second time.
    table = cf.synthetic.world(3, 8)
    case = Case.of(table, table.Y.to_numpy().sum(axis=1))
    got = case.paths(demand=case.y, min_share=1e-4)
    by, direct = got.by_stage(), got.stage == 0
    assert by.total[0] == pytest.approx(case.s @ case.y, rel=1e-9)
    assert by.paths[0] == np.count_nonzero(direct) > 0
    finals = got.rows[got.starts[:-1]]
    assert np.array_equal(got.value[direct], (case.s * case.y)[finals[direct]])
    assert len(set(listed(got))) == len(got)
    assert got.total == pytest.approx(case.total, rel=1e-9)
    assert by.value.sum() < got.total


def test_the_largest_are_kept_wherever_they_stand() -> None:
    # fastspa stops at max_paths as it comes to them, and sorts what it has.
    n = 30
    case = Case(np.full((n, n), 0.01), np.arange(1.0, n + 1), np.arange(1.0, n + 1), ["a"] * n)
    largest = [(float(v * v), (v - 1,)) for v in range(n, n - 7, -1)]
    for options in ({"threshold": 0.5}, {"top": 500}, {"min_share": 1e-4}, {"coverage": 0.7}):
        got = case.paths(max_paths=7, **options)
        assert listed(got) == largest
        case.check_sums(got)


def test_totals_come_from_the_table_alone() -> None:
    # pyspa takes total requirements from its caller. Here x is wrong, and nothing may notice.
    for x in (1.0, 1e6):
        got = cf.structural_paths(two_regions(x=np.full(4, x)), top=4)
        assert got.total == pytest.approx(32.0, rel=1e-9)
        assert got.remainder == pytest.approx(6.0, rel=1e-8)
        assert got.coverage == pytest.approx(26 / 32, rel=1e-9)


# --- arguments and forms --------------------------------------------------------------------------


def test_what_a_result_holds() -> None:
    got = cf.structural_paths(two_regions(), top=4)
    value, share = [16.0, 4.0, 4.0, 2.0], [v / got.total for v in (16.0, 4.0, 4.0, 2.0)]
    rows = [[0, 3], [3], [0, 3, 3], [2]]
    assert (got.stressor, got.unit, len(got)) == ("CO2", "kt", 4)
    assert listed(got) == [(v, tuple(r)) for v, r in zip(value, rows)]
    arrow = got.to_arrow()
    assert arrow.column_names == PATHS
    assert arrow["value"].to_pylist() == value
    assert arrow["share"].to_pylist() == pytest.approx(share, rel=1e-12)
    assert arrow["stage"].to_pylist() == got.stage.tolist() == [1, 0, 2, 0]
    assert arrow["path"].to_pylist() == rows
    frame = got.to_frame()
    assert list(frame.columns) == PATHS
    assert frame.path.tolist() == [
        "GBR: Construction ← CHN: Basic metals",
        "CHN: Basic metals",
        "GBR: Construction ← CHN: Basic metals ← CHN: Basic metals",
        "CHN: Construction",
    ]
    steps, labels = got.steps(), two_regions().rows
    assert list(steps.columns) == STEPS
    assert [tuple(r) for r in steps.to_numpy()] == [
        (p, k, *labels[row]) for p, path in enumerate(rows) for k, row in enumerate(path)
    ]
    assert all(name in str(got.tree()) for name in ("Construction", "Basic metals"))


def test_rows_and_demand_by_name() -> None:
    table = two_regions()
    rows = {"start": "Construction", "through": ("GBR", "Basic metals"), "end": [("CHN", None)]}
    got = cf.structural_paths(table, top=np.int64(1), **rows)
    assert listed(got) == [(1.0, (0, 1, 3))]
    assert got.total == pytest.approx(4 / 3, rel=1e-9)
    weighted = cf.structural_paths(table, {"CO2": 2.0}, top=2)
    assert listed(weighted) == [(32.0, (0, 3)), (8.0, (3,))]
    only = cf.structural_paths(table, threshold=0.01, max_stage=2, demand="CHN")
    assert listed(only) == [(4.0, (3,)), (2.0, (2,)), (1.0, (3, 3)), (0.25, (3, 3, 3))]


def test_a_thousand_by_default() -> None:
    table = cf.synthetic.world(4, 10)
    got = listed(cf.structural_paths(table))
    assert got == listed(cf.structural_paths(table, top=1001))[:1000]


@pytest.mark.parametrize("name", list(CRITERIA))
@pytest.mark.parametrize("through", [None, "Basic metals"])
def test_nothing_bought_has_no_paths(name: str, through: Any) -> None:
    options = {name: CRITERIA[name], "through": through}
    got = cf.structural_paths(two_regions(), demand=np.zeros(4), **options)
    assert listed(got) == []
    assert (got.total, got.remainder, got.nodes, got.nodes_needed) == (0.0, 0.0, 0, 0)
    assert (got.stressor, got.unit) == ("CO2", "kt")
    assert np.isnan(got.coverage)
    assert got.to_arrow().column_names == list(got.to_frame().columns) == PATHS
    assert got.to_arrow().schema == cf.structural_paths(two_regions()).to_arrow().schema
    assert list(got.steps().columns) == STEPS
    assert (got.by_stage() == 0).all(axis=None)
    assert got.by_stage().columns.tolist() == BY_STAGE


def test_a_threshold_above_all_leaves_everything() -> None:
    got = cf.structural_paths(two_regions(), threshold=1e3)
    assert (len(got), got.coverage) == (0, 0.0)
    assert (got.total, got.remainder) == pytest.approx((32.0, 32.0), rel=1e-9)


@pytest.mark.parametrize(
    ("name", "bad"),
    [("top", bad) for bad in (0, -1, 1.5, True, "3")]
    + [("threshold", bad) for bad in (0, -1.0, np.nan, np.inf, "1", True)]
    + [("min_share", bad) for bad in (0, -0.1, 1.5, np.nan, "1")]
    + [("coverage", bad) for bad in (0, 1, 1.5, -0.5, np.nan, "1")]
    + [("max_paths", bad) for bad in (0, -1, 1.5, True)]
    + [("max_stage", bad) for bad in (-1, 1.5, True, "2")]
    + [("threads", 0), ("start", np.ones(3, dtype=bool)), ("end", np.ones(4)), ("through", [])],
)
def test_arguments_are_checked(name: str, bad: Any) -> None:
    with pytest.raises(cf.InputError, match=rf"^{name}: expected .*, got .*; "):
        cf.structural_paths(two_regions(), **{name: bad})


@pytest.mark.parametrize("pair", list(itertools.combinations(CRITERIA, 2)), ids=" ".join)
def test_one_criterion_at_a_time(pair: tuple[str, str]) -> None:
    with pytest.raises(cf.InputError, match="|".join(pair)):
        cf.structural_paths(two_regions(), **{name: CRITERIA[name] for name in pair})


@pytest.mark.parametrize("name", ["start", "through", "end"])
def test_unknown_rows_are_named(name: str) -> None:
    with pytest.raises(cf.LabelError, match=rf"^{name}: .*'Basic metal'.*'Basic metals'"):
        cf.structural_paths(two_regions(), **{name: "Basic metal"})


def test_what_cannot_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(cf.NotProductiveError):
        cf.structural_paths(two_regions(A=np.full((4, 4), 0.3)))
    # 16 ** 6 paths of five purchases alone: the limit itself would take some seconds to reach.
    monkeypatch.setattr("carbonflows_fast.paths._network.MOST_PATHS", 100_000)
    many = Case(np.full((16, 16), 2.0**-5), np.ones(16), np.ones(16), ["a"] * 16)
    with pytest.raises(cf.MemoryLimitError, match="max_paths"):
        many.paths(threshold=2.0**-25)
    first = [(1.0, (i,)) for i in range(16)] + [(2.0**-5, (0, j)) for j in range(4)]
    assert listed(many.paths(threshold=2.0**-25, max_paths=20)) == first


# --- WIOD 2009 ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wiod(real_data: Path) -> cf.Table:
    return cf.read(real_data / "wiod2013_2009.zip")


@pytest.mark.real_data
def test_every_path_of_a_millionth_of_wiod_2009(wiod: cf.Table) -> None:
    y = np.maximum(wiod.Y.to_numpy().sum(axis=1), 0.0)
    case = Case.of(wiod, y)
    cut = 1e-6 * case.total
    expected = slow.brute_force(case.A, y, case.s, threshold=cut)
    got = case.paths(demand=y, threshold=cut)
    assert listed(got) == expected
    assert len(got) == 42_650
    assert got.coverage == pytest.approx(0.7578, abs=1e-4)
    top = case.paths(demand=y, top=10_000)
    assert listed(top) == expected[:10_000]
    for paths in (got, top):
        assert abs(paths.value.sum() + paths.remainder - paths.total) <= 1e-9 * paths.total
        assert paths.nodes_needed <= paths.nodes <= 1.3 * paths.nodes_needed
        case.check_sums(paths)


@pytest.mark.real_data
def test_paths_through_one_sector_of_wiod_2009(wiod: cf.Table) -> None:
    # Inventories that shrink are negative demand: here they stay.
    y, sector = wiod.Y.to_numpy().sum(axis=1), "Basic Metals and Fabricated Metal"
    metals = np.asarray(wiod.rows.get_level_values("sector") == sector)
    case = Case.of(wiod, y, through=metals)
    left = [1.0]
    for share in (1e-4, 1e-5, 1e-6):
        cut = share * case.total
        got = cf.structural_paths(wiod, demand=y, threshold=cut, through=sector)
        case.check_sums(got)
        left.append(got.remainder / got.total)
        if share == 1e-5:
            expected = slow.brute_force(case.A, y, case.s, threshold=cut, through=metals)
            assert listed(got) == expected
    assert left == sorted(left, reverse=True)
    assert left[-1] < 0.5


def test_a_coverage_that_no_stage_allows_is_refused() -> None:
    table = cf.synthetic.world(2, 3)
    direct = cf.structural_paths(table, top=1).by_stage().total[0]
    share = float(direct) / cf.structural_paths(table, top=1).total
    assert len(cf.structural_paths(table, coverage=0.9 * share, max_stage=0)) > 0
    with pytest.raises(cf.InputError, match=r"coverage: .*max_stage=0 leaves"):
        cf.structural_paths(table, coverage=0.5 + share / 2, max_stage=0)
