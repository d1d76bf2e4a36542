"""Draws against dense ones: cell by cell, table by table, and by what they come to."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.references.draw_reference import DRAWN, DrawReference, factor, philox, word
from support.references.uncertainty_reference import UncertaintyReference
from support.running.solving import iterated
from support.worlds.strategies import table_arguments

import carbonflows_fast as cf
from carbonflows_fast import _core
from carbonflows_fast._base.machine import build_info
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._drawing._perturbed import Perturber
from carbonflows_fast.uncertainties._error_model._errors import DISTRIBUTIONS

Array = npt.NDArray[np.float64]


# --- random words and factors -------------------------------------------------------------------


def test_philox_gives_the_published_words() -> None:
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
    known = {
        ((0,) * 4, (0, 0)): "6627e8d5 e169c58d bc57ac4c 9b00dbd8",
        ((2**32 - 1,) * 4, (2**32 - 1,) * 2): "408f276d 41c83b0e a20bc7c6 6d5451fd",
        (pi, (0xA4093822, 0x299F31D0)): "d16cfe09 94fdcceb 5001e420 24126ea1",
    }
    for (counter, key), words in known.items():
        assert " ".join(f"{one:08x}" for one in philox(counter, key)) == words


@given(
    st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1),
    st.sampled_from(DISTRIBUTIONS),
    st.lists(st.just(0.0) | st.floats(1e-3, 0.4), min_size=1, max_size=40),
)  # fmt: skip
@settings(max_examples=40)
def test_factors_are_quantiles_of_their_words(
    seed: int, number: int, stream: int, distribution: str, deviations: list[float]
) -> None:
    given_sizes = np.array(deviations)
    kind = DISTRIBUTIONS.index(distribution)
    got = [
        _core.draw_factors(seed, number, stream, kind, given_sizes, name)
        for name in build_info()["instruction_sets"]
    ]
    for other in got:
        np.testing.assert_array_equal(other, got[0])
    words = [word(seed, number, stream, place) for place in range(len(deviations))]
    expected = [factor(distribution, d, one) for d, one in zip(deviations, words, strict=True)]
    np.testing.assert_allclose(got[0], expected, rtol=3e-6)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
@pytest.mark.parametrize("deviation", [0.01, 0.1, 0.4, 2.0])
def test_factors_have_mean_one_and_their_deviation(distribution: str, deviation: float) -> None:
    if deviation > 1.0 and distribution != "lognormal":
        deviation = {"truncated_normal": 0.5, "uniform": 0.577, "triangular": 0.408}[distribution]
    count = 1_000_000
    kind = DISTRIBUTIONS.index(distribution)
    found = _core.draw_factors(5, 3, 1, kind, np.full(count, deviation), "baseline")
    assert found.min() >= 0.0
    apart = found - 1.0
    assert abs(apart.mean()) < 4 * deviation / np.sqrt(count)
    squares = apart**2
    assert abs(squares.mean() - deviation**2) < 4 * squares.std() / np.sqrt(count)
    for lag in (1, 2, 4, 64):
        assert abs(np.corrcoef(found[lag:], found[:-lag])[0, 1]) < 4 / np.sqrt(count)


# --- whole draws --------------------------------------------------------------------------------


@st.composite
def forms(draw: Any, table: cf.Table, source: str, signed: bool = False) -> tuple[Any, Array]:
    """Deviations or loadings in one of several forms, and as a dense array."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape, least = getattr(table, source).shape, -0.4 if signed else 0.0
    form = draw(st.sampled_from(["number", "array", "frame", "sparse", "mapping"]))
    dense = rng.uniform(least, 0.4, shape)
    if form == "number":
        return float(dense[0, 0]), np.full(shape, dense[0, 0])
    if form == "sparse":
        dense = np.where(rng.random(shape) < 0.5, dense, 0.0)
        return sp.csr_array(dense), dense
    if form == "mapping" and source in "ZY":
        seller = np.array(table.rows.get_level_values("region"))
        buyer = table.rows if source == "Z" else table.demand
        same = seller[:, None] == np.array(buyer.get_level_values("region"))
        inside, between = rng.uniform(least, 0.4, 2)
        return {"domestic": inside, "trade": between}, np.where(same, inside, between)
    if form == "frame":
        like = getattr(table, source) if source != "Z" else None
        labels = (table.rows, table.rows) if like is None else (like.index, like.columns)
        return pd.DataFrame(dense, *labels), dense
    return (np.asfortranarray(dense) if draw(st.booleans()) else dense), dense


@st.composite
def questions(draw: Any) -> tuple[cf.Table, Any, cf.Errors, DrawReference]:
    """A table, a stressor, errors, and their draws the slow way."""
    table = cf.Table(**draw(table_arguments()))
    names = [draw(st.sampled_from(table.stressors))]
    weights, stressor = {names[0]: 1.0}, names[0]
    if len(table.stressors) > 1 and draw(st.booleans()):
        stressor = weights = dict(zip(table.stressors, (1.0, 25.0, -0.5), strict=False))
    usable = ["Z", "Y", "F", "F_Y"] if table.content.F_Y is not None else ["Z", "Y", "F"]
    sources = draw(st.lists(st.sampled_from(usable), unique=True))
    own = {source: draw(forms(table, source)) for source in sources}
    shared = []
    for name in ("one", "two")[: draw(st.integers(0, 2))]:
        moved = draw(st.lists(st.sampled_from(usable), min_size=1, unique=True))
        loadings = {source: draw(forms(table, source, signed=True)) for source in moved}
        shared.append((name, draw(st.floats(0.0, 0.4)), loadings))
    distribution = draw(st.sampled_from(DISTRIBUTIONS))
    errors = cf.Errors(
        **{source: form for source, (form, _) in own.items()},
        shared=[
            cf.SharedError(name, sd, **{source: form for source, (form, _) in loadings.items()})
            for name, sd, loadings in shared
        ],
        distribution=distribution,
    )
    dense = [(sd, {s: cells for s, (_, cells) in one.items()}) for _, sd, one in shared]
    sizes = {source: cells for source, (_, cells) in own.items()}
    of = draw(st.sampled_from(["accounts", "flows"]))
    slow = UncertaintyReference(table, weights, of, sizes, dense)
    seed = draw(st.integers(0, 2**64 - 1))
    lognormal = distribution == "lognormal" and table.year is not None
    rho = draw(st.sampled_from([0.0, 1.0, 0.3] if lognormal else [0.0, 1.0]))
    names, year = [one[0] for one in shared], (table.year or 0) % 2**16
    return table, stressor, errors, DrawReference(slow, names, seed, distribution, year, rho)


@given(questions(), st.booleans())
@settings(max_examples=40)
def test_every_draw_is_the_dense_table_solved_again(question: Any, by_region: bool) -> None:
    table, stressor, errors, slow = question
    with iterated() if by_region else nullcontext():
        try:
            drawn = cf.uncertainty(
                table, stressor, errors, of=slow.slow.of, draws=3, seed=slow.seed,
                correlation=slow.correlation,
            ).drawn  # fmt: skip
        except cf.NotProductiveError:
            assume(False)
    weights = np.array([slow.slow.weights.get(name, 0.0) for name in table.stressors])
    size = float(np.abs(weights) @ np.abs(table.F.to_numpy()).sum(axis=1))
    size += float(np.abs(weights) @ np.abs(table.F_Y.to_numpy()).sum(axis=1))
    for row, number in enumerate(drawn.samples.index):
        answers, linear = slow.draw(number)
        near = {"rtol": 1e-4, "atol": 2e-5 * size}
        np.testing.assert_allclose(drawn._answers[row].ravel(), answers, **near)
        np.testing.assert_allclose(drawn._linear[row].ravel(), linear, **near)


def test_two_thousand_plain_draws_agree_within_their_sampling_error() -> None:
    table, count = cf.synthetic.world(3, 3), 2000
    for sd in (0.1, 0.3):
        found = cf.uncertainty(table, "CO2", cf.Errors(Z=sd, Y=sd, F=sd), draws=1000, seed=1).drawn
        plain = plain_draws(table, sd, count)
        names = ["production", "consumption", "net_imports"]
        value = {one: getattr(found, one) for one in ("mean", "sd")}
        value |= {p: found.quantile(p) for p in (0.05, 0.95)}
        for what, (got, error) in value.items():
            own = sampled(plain, what)
            se = np.std([sampled(plain[some], what) for some in resamples(count)], axis=0)
            off = (got[names] - own) / np.hypot(error[names], se)
            assert (np.abs(off.to_numpy()) < 4.5).all(), (sd, what, off)


def resamples(count: int) -> Any:
    return np.random.default_rng(3).integers(0, count, (100, count))


def sampled(draws: Array, what: Any) -> Array:
    if what == "mean":
        return draws.mean(axis=0)  # type: ignore[no-any-return]
    return draws.std(axis=0, ddof=1) if what == "sd" else np.quantile(draws, what, axis=0)


def plain_draws(table: cf.Table, sd: float, count: int) -> Array:
    """Production, consumption and net imports of a table with random cells, (draws, R, 3)."""
    rng, tau = np.random.default_rng(7), np.sqrt(np.log1p(sd**2))

    def moved(cells: Array) -> Array:
        normal = rng.standard_normal((count, *cells.shape))
        found: Array = cells * np.exp(tau * normal - tau**2 / 2)
        return found

    n, R = table.n, len(table.regions)
    Z, Y = moved(table.Z.toarray()), moved(table.Y.to_numpy())
    F = moved(table.F.loc["CO2"].to_numpy())
    x = Z.sum(axis=2) + Y.sum(axis=2)
    L = np.linalg.inv(np.eye(n) - Z / x[:, None, :])
    consumer = np.array(table.demand.get_level_values("region"))
    by_consumer = np.stack([Y[:, :, consumer == q].sum(axis=2) for q in table.regions], axis=2)
    E = ((F / x)[:, :, None] * (L @ by_consumer)).reshape(count, R, n // R, R).sum(axis=2)
    own = table.F_Y.loc["CO2"].groupby(level="region", sort=False).sum().to_numpy()
    made, used = E.sum(axis=2) + own, E.sum(axis=1) + own
    return np.stack([made, used, used - made], axis=2)


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_fifty_draws_know_the_mean_as_well_as_five_thousand_plain_ones(of: Any) -> None:
    """Means of 50 draws scatter by less than means of 5,000 would, and by what they say."""
    table = cf.synthetic.world(4, 30)
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
    runs = [cf.uncertainty(table, "CO2", errors, of=of, draws=50, seed=k) for k in range(12)]
    columns = list(runs[0].drawn.mean.value.columns) if of == "flows" else DRAWN[1:3]
    means = np.array([run.drawn.mean.value[columns] for run in runs])
    claimed = np.mean([run.drawn.mean.error[columns] ** 2 for run in runs], axis=0) ** 0.5
    plain = runs[0].sd[columns].to_numpy() / np.sqrt(5000)
    assert np.median(claimed / plain) < 1.0
    assert np.median(means.std(axis=0, ddof=1) / plain) < 1.0
    assert 0.5 < np.median(means.std(axis=0, ddof=1) / claimed) < 2.0
    sds = np.array([run.drawn.sd.value[columns] for run in runs])
    said = np.mean([run.drawn.sd.error[columns] ** 2 for run in runs], axis=0) ** 0.5
    assert 0.5 < np.median(sds.std(axis=0, ddof=1) / said) < 2.0
    assert np.median(said / (runs[0].sd[columns] / np.sqrt(2 * 5000))) < 1.0


# --- same bits ----------------------------------------------------------------------------------


SHARED = cf.SharedError("trade", 0.2, Z={"trade": 1.0}, Y=0.5, F={"CO2": 1.0})


def rows_of(table: cf.Table, of: Any, draws: int, **errors: Any) -> pd.DataFrame:
    found = cf.uncertainty(
        table, "CO2", cf.Errors(**(errors or {"Z": 0.1, "Y": 0.1, "F": 0.1, "shared": SHARED})),
        of=of, draws=draws, seed=11,
    )  # fmt: skip
    assert found.drawn is not None
    return found.drawn.samples


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_a_draw_has_the_same_bits_among_others_and_on_any_threads(
    of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with iterated():  # several blocks for threads to share
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "1")
        many = rows_of(cf.synthetic.world(4, 30), of, 6)
        few = rows_of(cf.synthetic.world(4, 30), of, 3)
        monkeypatch.setenv("CARBONFLOWS_NUM_THREADS", "2")
        threads = rows_of(cf.synthetic.world(4, 30), of, 6)
    pd.testing.assert_frame_equal(many.iloc[:3], few, check_exact=True)
    pd.testing.assert_frame_equal(many, threads, check_exact=True)
    assert len(np.unique(many.to_numpy()[:, 0])) == 6


def cells(table: cf.Table, number: int, **errors: Any) -> Array:
    """Z of a draw over x, with shared errors, in the order of the table."""
    flow = region_flows(table, "CO2")
    perturber = Perturber(table, flow.stressor, cf.Errors(**errors), 11)
    for other in (number + 1, number):  # what was drawn before leaves nothing
        drawn = perturber.own(other)
        perturber.with_shared(drawn)
    found: Array = drawn.tiles.to_csr().toarray()
    return found


def test_cells_have_the_same_bits_in_other_tiles_and_forms() -> None:
    one = cf.synthetic.world(4, 30)
    n = one.n
    expected = cells(one, 3, Z=0.2, shared=SHARED)
    with iterated():
        np.testing.assert_array_equal(cells(cf.synthetic.world(4, 30), 3, Z=0.2, shared=SHARED),
                                      expected)  # fmt: skip
    same: list[Any] = [{"domestic": 0.2, "trade": 0.2}, np.full((n, n), 0.2)]
    for form in same:
        np.testing.assert_array_equal(cells(one, 3, Z=form, shared=SHARED), expected)
    by_cell = cells(one, 3, Z=sp.csr_array(np.full((n, n), 0.2)), shared=SHARED)
    np.testing.assert_allclose(by_cell, expected, rtol=1e-6)
    assert not np.array_equal(cells(one, 4, Z=0.2, shared=SHARED), expected)


@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_a_draw_is_the_same_for_every_form_of_its_errors(of: Any) -> None:
    table = cf.synthetic.world(3, 5)
    first, category = table.regions[0], table.categories[0]
    plain = rows_of(table, of, 2, Z=0.1, Y=0.1, F=0.1)
    law = cf.BySize(0.1, 0.0)
    by_size = rows_of(table, of, 2, Z=law, Y=law, F=law)
    pd.testing.assert_frame_equal(by_size, plain, rtol=1e-12)
    own, Y = np.zeros((15, 15)), np.zeros(table.Y.shape)
    own[:5] = 0.2
    Y[:, [name == category for _, name in table.demand]] = 0.3
    arrays = rows_of(table, of, 2, Z=own, Y=Y)
    pairs = rows_of(table, of, 2, Z={(first, None): 0.2}, Y={category: 0.3})
    pd.testing.assert_frame_equal(pairs, arrays, rtol=1e-12)
    laws = {(first, None): cf.BySize(0.2, 0.0)}
    pd.testing.assert_frame_equal(rows_of(table, of, 2, Z=laws, Y=Y), arrays, rtol=1e-12)


def test_sizes_that_are_too_unsure_for_a_distribution_are_refused() -> None:
    errors = cf.Errors(Z={"trade": cf.BySize(0.6, 0.0)}, distribution="uniform")
    with pytest.raises(InputError, match=r"Z: expected relative deviations of at most 0\.577"):
        cf.uncertainty(cf.synthetic.world(3, 5), "CO2", errors, draws=2)
    edge = cf.Errors(Z=cf.BySize(3**-0.5, 0.0), distribution="uniform")
    assert cf.uncertainty(cf.synthetic.world(2, 3), "CO2", edge, draws=2).drawn is not None


def test_a_table_in_another_order_is_drawn_by_its_own_places() -> None:
    """Rows of regions that are not together are moved for the tiles, and cells are not."""
    table = cf.synthetic.world(3, 4)
    turned = np.arange(table.n).reshape(3, 4).T.ravel()
    rows = table.rows[turned]
    other = cf.Table(
        Z=table.Z.toarray()[np.ix_(turned, turned)], Y=table.Y.to_numpy()[turned],
        F=table.F.to_numpy()[:, turned], regions=rows.get_level_values(0),
        sectors=rows.get_level_values(1), demand=list(table.demand), stressors=table.stressors,
    )  # fmt: skip
    moved, A = cells(other, 2, Z=0.1), other.A.toarray()
    for i, j in ((0, 0), (1, 5), (11, 3), (7, 7)):
        expected = factor("lognormal", 0.1, word(11, 2, 0, i * other.n + j))
        assert moved[i, j] == pytest.approx(A[i, j] * expected, rel=3e-6)
