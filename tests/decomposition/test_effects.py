"""Effects of the factors of paths against every order of change and against their limits."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from support.references import effects_reference as reference
from support.references.effects_reference import ROWS, Paths, many_paths, one_path
from support.worlds.strategies import seeds

from carbonflows_fast.decomposition import _path_kernels as kernels
from carbonflows_fast.decomposition._mean_states import gauss_rules

Array = npt.NDArray[np.float64]
METHODS = ("shapley", "polar", "lmdi")
INTENSITY, TECHNOLOGY, TRADE, DEMAND = range(4)


def effects(method: str, paths: Paths) -> tuple[Array, Array, int]:
    """Run a kernel on read-only arrays."""
    arguments: list[Any] = list(vars(paths).values())
    for array in arguments:
        array.flags.writeable = False
    positions, origins, kinds, left = kernels.path_effects(
        kernels.METHODS.index(method), *arguments, *gauss_rules(paths.starts)
    )
    for q in range(len(paths)):  # the parts by position, put together by kind
        e, origin = positions[paths.places(q)], origins[paths.places(q)]
        size = 1e-12 * (paths.scale(q) + np.abs(e).sum() + np.abs(origin).sum())
        assert origin[-1] == 0.0
        parts = [e[-1], (e - origin)[1:-1].sum(), origin.sum(), e[0] - origin[0]]
        np.testing.assert_allclose(parts, kinds[q], rtol=1e-12, atol=size)
    return positions, kinds, left


def of_one(method: str, *factors: list[float], **options: Any) -> tuple[Array, Array]:
    """Return positions and kinds of a single path."""
    positions, kinds, _ = effects(method, one_path(*factors, **options))
    return positions, kinds[0]


@pytest.mark.parametrize(
    ("method", "means_of"),
    [("shapley", reference.shapley_means), ("polar", reference.polar_means)],
)
@given(paths=many_paths())
def test_effects_are_averages_over_orders(method: str, means_of: Any, paths: Paths) -> None:
    positions, kinds, _ = effects(method, paths)
    for q in range(len(paths)):
        f0, f1 = paths.factors(q)
        means = means_of(f0, f1)
        close = {"rtol": 1e-12, "atol": 1e-12 * paths.scale(q)}
        np.testing.assert_allclose(
            positions[paths.places(q)], (np.array(f1) - np.array(f0)) * means, **close
        )
        expected = reference.nested_kinds(means, f0, f1, paths.requirements(q), paths.parts(q))
        np.testing.assert_allclose(kinds[q], expected, **close)


@given(many_paths())
def test_lmdi_is_its_formula_with_tiny_numbers_for_zeros(paths: Paths) -> None:
    positions, kinds, left = effects("lmdi", paths)
    shapley, shapley_kinds, _ = effects("shapley", paths)
    count = 0
    for q in range(len(paths)):
        expected = reference.lmdi(*paths.factors(q), paths.requirements(q), paths.parts(q))
        if expected is None:
            count += 1
            np.testing.assert_array_equal(positions[paths.places(q)], shapley[paths.places(q)])
            np.testing.assert_array_equal(kinds[q], shapley_kinds[q])
            continue
        close = {"rtol": 1e-12, "atol": 1e-12 * paths.scale(q)}
        np.testing.assert_allclose(positions[paths.places(q)], expected[0], **close)
        np.testing.assert_allclose(kinds[q], expected[1], **close)
    assert left == count


@pytest.mark.parametrize("method", METHODS)
@given(paths=many_paths())
def test_effects_add_up_to_the_change(method: str, paths: Paths) -> None:
    positions, kinds, _ = effects(method, paths)
    assert positions.shape == (paths.rows.size + len(paths),)
    assert kinds.shape == (len(paths), 4)
    for q in range(len(paths)):
        f0, f1 = paths.factors(q)
        change = math.prod(f1) - math.prod(f0)
        here = positions[paths.places(q)]
        atol = 1e-12 * paths.scale(q)
        assert here.sum() == pytest.approx(change, rel=1e-12, abs=atol)
        assert kinds[q].sum() == pytest.approx(change, rel=1e-12, abs=atol)
        assert kinds[q, INTENSITY] == here[-1]
        # Technology and trade of the steps, with both parts of demand, are what the rest is.
        assert kinds[q, 1:].sum() == pytest.approx(here[:-1].sum(), rel=1e-12, abs=atol)


@given(many_paths(longest=4))
def test_parts_of_a_step_are_the_orders_that_keep_them_together(paths: Paths) -> None:
    _, kinds, _ = effects("shapley", paths)
    for q in range(len(paths)):
        f0, f1 = paths.factors(q)
        c0, c1, split = paths.requirements(q)
        if min(split, default=1.0) < 1.0:
            continue
        groups = [[(a, b)] for a, b in zip(f0, f1, strict=True)]
        for i, (x0, x1) in enumerate(zip(c0, c1, strict=True), start=1):
            groups[i] = [(x0, x1), (f0[i] / x0, f1[i] / x1)]
        owen = reference.nested_orders(groups)
        shapley = reference.shapley_means(f0, f1)
        parts = paths.parts(q)
        atol = 1e-12 * paths.scale(q)
        for part, place, extra in ((0, TECHNOLOGY, 0.0), (1, TRADE, parts[1] * shapley[0])):
            expected = sum(pair[part] for pair in owen[1:-1]) + extra
            assert kinds[q, place] == pytest.approx(expected, rel=1e-12, abs=atol)


@pytest.mark.parametrize("method", METHODS)
@given(paths=many_paths(), rng=seeds())
def test_units_that_are_powers_of_two_leave_the_bits(
    method: str, paths: Paths, rng: np.random.Generator
) -> None:
    d = 2.0 ** rng.integers(-6, 7, ROWS)
    starts = paths.starts[:-1]
    unit = 1.0 / d[paths.rows]
    unit[1:] *= d[paths.rows[:-1]]
    unit[starts] = 1.0 / d[paths.rows[starts]]
    other = replace(
        paths,
        before=paths.before * unit,
        after=paths.after * unit,
        s0=paths.s0 * d * 2.0**-9,
        s1=paths.s1 * d * 2.0**-9,
        required=paths.required * np.array([unit, unit, np.ones_like(unit)]),
        demand_part=paths.demand_part / d,
        origin_part=paths.origin_part / d,
    )
    for one, two in zip(effects(method, paths), effects(method, other), strict=True):
        scale = 1.0 if isinstance(one, int) else 2.0**-9
        np.testing.assert_array_equal(one * scale, two)


def test_polar_is_shapley_for_two_factors_only() -> None:
    two = [2.0, 3.0], [5.0, 7.0]
    np.testing.assert_allclose(of_one("polar", *two)[0], of_one("shapley", *two)[0], rtol=1e-14)
    three = [1.0, 1.0, 1.0], [2.0, 3.0, 4.0]
    # ½(3·4 + 1), ½·2·(4 + 2), ½·3·(1 + 2·3); Shapley: ⅓·12 + ⅙(3 + 4) + ⅓ and so on.
    np.testing.assert_allclose(of_one("polar", *three)[0], [6.5, 6.0, 10.5], rtol=1e-14)
    np.testing.assert_allclose(of_one("shapley", *three)[0], [5.5, 8.0, 9.5], rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_equal_values_have_effects_that_cancel(method: str) -> None:
    # Published code drops a path whose value is the same in both years.
    positions, kinds = of_one(method, [2.0, 0.25, 3.0, 1.0], [4.0, 0.25, 1.5, 1.0])
    assert positions[0] > 0.5
    assert positions[1] == positions[3] == 0.0
    assert positions[2] < -0.5
    assert positions.sum() == pytest.approx(0.0, abs=1e-14)
    assert kinds[DEMAND] == positions[0]
    assert kinds[TECHNOLOGY] == positions[2]
    if method == "lmdi":
        np.testing.assert_allclose(positions[0], 1.5 * math.log(2.0), rtol=1e-15)


@pytest.mark.parametrize("excess", [1e-15, 1e-12, -1e-9, 1e-4])
def test_logarithmic_means_of_nearly_equal_values(excess: float) -> None:
    # Large effects that cancel, and final demand whose own mean is of nearly equal values.
    f0, f1 = [0.7, 0.1, 7.0], [0.7 * (1.0 + excess), 0.3, 7.0 / 3.0]
    positions, kinds = of_one("lmdi", f0, f1, origin=-0.2)
    paths = one_path(f0, f1, origin=-0.2)
    expected = reference.lmdi(f0, f1, paths.requirements(0), paths.parts(0))
    assert expected is not None
    np.testing.assert_allclose(positions, expected[0], rtol=1e-14)
    np.testing.assert_allclose(kinds, expected[1], rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_a_path_without_change_has_no_effects(method: str) -> None:
    for f in ([2.0, 0.3, -3.0, 1.0], [2.0, 0.0, 3.0, 0.0], [0.0, 0.0]):
        positions, kinds = of_one(method, f, f)
        assert not positions.any()
        assert not kinds.any()


def test_zeros_share_a_new_or_vanished_value() -> None:
    # Published code gives the whole value to every zero factor, so that effects exceed it.
    old, new = [2.0, 0.0, 0.5, 0.0], [4.0, 0.25, 0.5, 3.0]
    value = 1.5
    for f0, f1, sign in ((old, new, 1.0), (new, old, -1.0)):
        positions, kinds = of_one("lmdi", f0, f1)
        np.testing.assert_array_equal(positions, [0.0, sign * value / 2, 0.0, sign * value / 2])
        np.testing.assert_array_equal(kinds, [sign * value / 2, sign * value / 2, 0.0, 0.0])
    # Zero in both years, by different factors: the logarithmic means vanish faster.
    positions, kinds = of_one("lmdi", [2.0, 0.0, 1.0], [0.0, 0.5, 1.0])
    assert not positions.any()
    assert not kinds.any()
    # Shapley does give such factors what they would have done together with the other.
    np.testing.assert_allclose(of_one("shapley", [2.0, 0.0, 1.0], [0.0, 0.5, 1.0])[0][:2],
                               [-0.5, 0.5])  # fmt: skip


def test_limits_are_approached_like_one_over_the_logarithm() -> None:
    limit, _ = of_one("lmdi", [2.0, 0.0, 0.5, 0.0], [4.0, 0.25, 0.5, 3.0])
    errors = []
    for digits in (75, 150, 300):
        delta = 10.0**-digits
        positions, _ = of_one("lmdi", [2.0, delta, 0.5, delta], [4.0, 0.25, 0.5, 3.0])
        assert positions.sum() == pytest.approx(1.5, rel=1e-13)
        errors.append(np.abs(positions - limit).max())
    np.testing.assert_allclose(np.array(errors) * [75, 150, 300], errors[2] * 300, rtol=0.02)
    assert errors[2] < 0.003


@pytest.mark.parametrize("method", METHODS)
def test_a_new_origin_is_trade_and_a_new_requirement_is_technology(method: str) -> None:
    # The product was bought elsewhere before; then it was not bought at all.
    for c0, kind in ((0.5, TRADE), (0.0, TECHNOLOGY)):
        for order in (1, -1):
            (f0, x0), (f1, x1) = [([3.0, 0.0, 2.0], c0), ([3.0, 0.25, 2.0], 0.5)][::order]
            _, kinds = of_one(method, f0, f1, c0=[x0], c1=[x1])
            expected = np.zeros(4)
            expected[kind] = order * 1.5
            np.testing.assert_array_equal(kinds, expected)


@pytest.mark.parametrize("method", METHODS)
def test_technology_and_trade_may_cancel_in_a_coefficient(method: str) -> None:
    positions, kinds = of_one(method, [3.0, 0.25, 2.0], [3.0, 0.25, 2.0], c0=[0.25], c1=[0.5])
    assert not positions.any()
    assert kinds[TECHNOLOGY] == -kinds[TRADE] > 1.0
    if method == "lmdi":
        np.testing.assert_allclose(kinds[TECHNOLOGY], 1.5 * math.log(2.0), rtol=1e-15)
    else:
        np.testing.assert_allclose(kinds[TECHNOLOGY], 6.0 * 0.25 * 0.75, rtol=1e-15)


@pytest.mark.parametrize("method", METHODS)
def test_what_does_not_change_has_no_effect_at_all(method: str) -> None:
    # Requirements as before, then origin shares as before: exactly zero, not rounding.
    factors = [3.0, 0.1, 0.7], [4.1, 0.3, 0.6]
    assert of_one(method, *factors, c0=[0.35], c1=[0.35])[1][TECHNOLOGY] == 0.0
    assert of_one(method, *factors)[1][TRADE] == 0.0


@pytest.mark.parametrize("method", METHODS)
def test_parts_of_final_demand(method: str) -> None:
    # Demand of the row is what it was, its origin cost it 1 and its level gave it 1.
    _, kinds = of_one(method, [3.0, 0.25, 2.0], [3.0, 0.25, 2.0], origin=-1.0)
    np.testing.assert_allclose(kinds, [0.0, 0.0, -0.5, 0.5], rtol=1e-15)
    # New demand: its parts share the value in proportion, also where they exceed it.
    for f0, f1, sign in (([0.0, 0.5], [4.0, 0.5], 1.0), ([4.0, 0.5], [0.0, 0.5], -1.0)):
        _, kinds = of_one(method, f0, f1, origin=sign * -1.0)
        np.testing.assert_allclose(kinds, [0.0, 0.0, sign * -0.5, sign * 2.5], rtol=1e-15)


def test_a_change_of_sign_is_left_to_shapley_and_counted() -> None:
    sure = [-3.0, 0.5, 2.0], [-4.0, 0.25, 2.5]
    paths = one_path(*sure)
    assert effects("lmdi", paths)[2] == 0
    positions = effects("lmdi", paths)[0]
    assert positions.sum() == pytest.approx(0.5, rel=1e-14)
    assert positions[0] < 0 < positions[1]
    changing = one_path([-3.0, 0.5, 2.0], [4.0, 0.25, 2.5])
    assert effects("lmdi", changing)[2] == 1
    np.testing.assert_array_equal(effects("lmdi", changing)[0], effects("shapley", changing)[0])
    # Two changes of sign leave the value positive, but no logarithm.
    assert effects("lmdi", one_path([-3.0, -0.5, 2.0], [4.0, 0.25, 2.5]))[2] == 1


@pytest.mark.parametrize("method", METHODS)
def test_no_paths(method: str) -> None:
    none = np.zeros(0)
    paths = Paths(np.zeros(1, np.int64), np.zeros(0, np.int32), none, none, np.ones(ROWS),
                  np.ones(ROWS), np.zeros((3, 0)), np.ones(ROWS), np.ones(ROWS))  # fmt: skip
    positions, kinds, left = effects(method, paths)
    assert (positions.size, kinds.shape, left) == (0, (0, 4), 0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("length", [50, 200, 300])
def test_long_paths(method: str, length: int) -> None:
    rng = np.random.default_rng(length)
    f0, f1 = rng.uniform(0.5, 1.8, (2, length + 1)).tolist()
    positions, kinds = of_one(method, f0, f1)
    change = math.prod(f1) - math.prod(f0)
    scale = np.abs(positions).sum()
    assert positions.sum() == pytest.approx(change, rel=1e-12, abs=1e-12 * scale)
    assert kinds.sum() == pytest.approx(change, rel=1e-12, abs=1e-12 * scale)


@pytest.mark.parametrize("method", METHODS)
def test_values_that_underflow(method: str) -> None:
    # Nothing is zero but the value before: the logarithms still add up to the change.
    for order in (1, -1):
        f0, f1 = [[1.0, *[1e-200] * 2, 1.0], [1.0, *[1e-100] * 2, 1.0]][::order]
        positions, kinds = of_one(method, f0, f1)
        assert positions.sum() == pytest.approx(order * 1e-200, rel=1e-12)
        assert kinds.sum() == pytest.approx(order * 1e-200, rel=1e-12)


def test_nodes_are_those_of_the_needed_orders() -> None:
    nodes, weights = gauss_rules(np.array([0, 1, 6, 10]))  # 2, 6 and 5 factors
    half = math.sqrt(0.15)
    np.testing.assert_allclose(nodes, [0.5, 0.0, 0.0, 0.5 - half, 0.5, 0.5 + half])
    np.testing.assert_allclose(weights, [1, 0, 0, 5 / 18, 8 / 18, 5 / 18])
    assert gauss_rules(np.array([0]))[0].size == 0
