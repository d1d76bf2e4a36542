"""A world with invented numbers: EXIOBASE's labels and size, for examples, tests and timings.

Nothing here is a measurement. The labels are facts (EXIOBASE 3's region codes and product names);
every number is drawn from a random generator, shaped so that solvers and studies meet what they
would meet in a real table: strong domestic blocks, gravity trade, few large and many small
regions, few dirty and many clean sectors, sectors without output, negative inventory changes.

Only operations that IEEE 754 rounds exactly are applied to what the generator draws (no exp or
log, no BLAS), so that a seed gives the same world for any number of threads and any vector
instructions of the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arguments import share, whole
from carbonflows_fast._base.arrays import FloatArray, row_sums
from carbonflows_fast.synthetic import _recipe
from carbonflows_fast.synthetic._recipe import compound, skewed
from carbonflows_fast.table import Table

__all__ = ["world"]

MOST: Final = 1_000_000  # regions, sectors or stressors, to catch a slip of the pen
TINY: Final = 1e-300  # in place of a zero that nothing will be divided into
NAME: Final = "synthetic world (invented numbers)"
WORLD_DEMAND: Final = 70e6  # M.EUR of final demand in the base year: the size of a world economy
WORLD_PEOPLE: Final = 7.7e9
IMPORTED: Final = 1 / 3  # of all inputs, by value, in the base year
MEAN_INPUTS: Final = 0.51  # mean column sum of A
OWN_INPUTS: Final = 0.12  # purchases of a sector's own kind of product, over all others
ZERO_OUTPUTS: Final = 0.04  # of all sectors
LAYERS: Final = 28  # production layers from final demand to output; what is left out is 1e-7 of x


def world(
    regions: int = 49,
    sectors: int = 200,
    *,
    year: int = 2019,
    stressors: int = 1,
    density: float = 0.32,
    seed: int = 0,
) -> Table:
    """Return a synthetic multi-regional table: invented numbers with a realistic structure.

    Parameters
    ----------
    regions, sectors : int
        Number of regions and of sectors in each. Labels are the first of EXIOBASE 3's 49 region
        codes and 200 product names, followed by 'R050', 'Product 201' and so on.
    year : int
        1900 to 2100. Intensities, input coefficients, trade shares and the size of regions
        drift steadily from year to year (intensities by about −2 % a year); labels, the places
        of the nonzeros and the sectors without output are the same in every year of a seed.
    stressors : int
        The first is 'CO2', the others are 'stressor 2' and so on; all in kt.
    density : float
        Share of the cells of Z that are not zero, at most 1. Domestic blocks are denser, foreign
        ones sparser. Every sector with output buys from itself, and sectors without output
        neither sell nor buy, which limits what small tables and extreme densities can reach.
    seed : int
        A different seed gives a different world.

    Returns
    -------
    Table
        n = regions · sectors rows, 7 · regions columns of final demand, Z as csr_array, with the
        unit M.EUR, x = Z·1 + Y·1. Column sums of A lie between 0.2 and 0.85, which bounds its
        spectral radius. About a third of inputs are imported. Named
        'synthetic world (invented numbers)'.

    Raises
    ------
    InputError
        If an argument is out of range.

    Notes
    -----
    A foreign input coefficient is a_ri,qj ∝ t_ij τ_i g_rq c_ri: technology, tradability, gravity
    (size of the seller over distance squared) and comparative advantage; a domestic one is
    t_ij (1 − τ_i) c_qi. Both parts of a column are scaled to its import share and its sum. Then
    final demand Y is drawn, x' = y + Ay + … + A^k y adds up its production layers, Z = A x̂' and
    x = Z·1 + Y·1. So the table balances by construction, and no system of equations is solved.
    Source: Tinbergen (1962), Shaping the World Economy (gravity); the rest is made up.

    Examples
    --------
    >>> table = world(3, 5, seed=1)
    >>> table.n, table.regions, table.name
    (15, ('AT', 'BE', 'BG'), 'synthetic world (invented numbers)')
    """
    R = whole("regions", regions, 1, MOST, remedy="give e.g. 49")
    K = whole("sectors", sectors, 1, MOST, remedy="give e.g. 200")
    when = whole("year", year, 1900, 2100, remedy="give e.g. 2019") - _recipe.BASE_YEAR
    k = whole("stressors", stressors, 1, MOST, remedy="give e.g. 1")
    economy = _Economy(R, K, when, whole("seed", seed, 0, 2**63 - 1, remedy="give e.g. 0"))
    Z = _coefficients(economy, share("density", density, all_of_it=True, remedy="give e.g. 0.32"))
    Y = _final_demand(economy)
    y = row_sums(Y)
    Z.data *= _output(Z, y)[Z.indices]  # A until here; in place, for it is large
    x = row_sums(Z) + y
    F, F_Y = _emissions(economy, x, k)
    codes = _recipe.region_codes(R)
    names = _recipe.product_names(K)
    return Table(
        Z=Z,
        Y=Y,
        F=F,
        x=x,
        F_Y=F_Y,
        regions=[code for code in codes for _ in names],
        sectors=names * R,
        demand=[(code, category) for code in codes for category in _recipe.CATEGORIES],
        stressors=["CO2", *(f"stressor {e}" for e in range(2, k + 1))],
        stressor_units="kt",
        row_units="M.EUR",
        population=economy.population,
        year=when + _recipe.BASE_YEAR,
        name=NAME,
    )


# --- the economy behind the numbers ---------------------------------------------------------


class _Economy:
    """What is drawn for regions, products and pairs of them; the cells of Z follow from it.

    Attributes
    ----------
    size : (R,), final demand in M.EUR
    near : (R, R), gravity of seller p for buyer q, columns with sum 1, zero diagonal
    active : (R, K), whether a sector has output
    advantage : (R, K), comparative advantage of a region in a product
    technology : (K, K), input of i per unit of j, of any scale; every entry is positive
    inputs : (R, K), column sums of A
    imported : (R, K), share of a sector's inputs that comes from abroad
    """

    def __init__(self, R: int, K: int, years: int, seed: int) -> None:
        self.R, self.K, self.years, self.seed = R, K, years, seed
        self.products = _recipe.products(K)
        kinds = self.products.kind
        rng = self.stream(0)
        base_size = skewed(rng, R) ** 2
        base_size *= WORLD_DEMAND / base_size.sum()
        wealth = skewed(rng, R)
        people = base_size / wealth * compound(rng.uniform(-2e-3, 2e-2, R), years)
        self.population = np.round(people * (WORLD_PEOPLE / WORLD_DEMAND))
        self.size = base_size * compound(rng.uniform(5e-3, 4.5e-2, R), years)
        self.openness = np.clip(np.sqrt(np.sqrt(base_size.mean() / base_size)), 0.5, 2.0)
        self.active = self._choose_active(rng, base_size)
        self.advantage = skewed(rng, (R, K)) * skewed(rng, (R, _recipe.KINDS))[:, kinds]
        self.advantage *= self.active
        # The places of the nonzeros are drawn from these two, which no year changes.
        self.base_near = self._gravity(rng, base_size * self.openness)
        self.base_technology = self._technology(rng)

        self.tradable = _recipe.TRADABLE[kinds]
        bought = (self.base_technology * self.tradable[:, None]).sum(axis=0) / K
        trade = self.openness[:, None] * bought
        self.trade_scale = self._trade_scale(trade, base_size)
        trade *= self.trade_scale * compound(rng.uniform(1e-3, 8e-3, (R, K)), years)
        self.imported = np.minimum(trade, 0.9) if R > 1 else np.zeros((R, K))
        near = self.base_near * self.size * compound(rng.uniform(-0.015, 0.015, (R, R)), years)
        self.near = near / np.maximum(near.sum(axis=0), TINY)
        self.technology = self.base_technology * compound(rng.uniform(-0.01, 0.01, (K, K)), years)
        inputs = _recipe.INPUTS[kinds] + rng.uniform(-0.12, 0.12, (R, K))
        inputs = inputs + (MEAN_INPUTS - inputs.mean())
        inputs = inputs * compound(rng.uniform(-2e-3, 2e-3, (R, K)), years)
        self.inputs = np.clip(inputs, 0.25, 0.8)

    def stream(self, *purpose: int) -> np.random.Generator:
        """Return the generator of one purpose: what one draws never shifts another's numbers."""
        return np.random.default_rng([self.seed, *purpose])

    def _choose_active(self, rng: np.random.Generator, size: FloatArray) -> Any:
        """Leave out a few sectors: unusual products, in small regions above all."""
        count = int(ZERO_OUTPUTS * self.R * self.K + 0.5)
        rare = np.where(np.isin(self.products.kind, _recipe.RARE), 4.0, 1.0)
        score = rng.random((self.R, self.K)) * rare / np.sqrt(np.sqrt(size))[:, None]
        active = np.ones((self.R, self.K), dtype=np.bool_)
        active.reshape(-1)[np.argsort(-score, axis=None, kind="stable")[:count]] = False
        active[~active.any(axis=1), -1] = True  # no region without any production
        return active

    def _gravity(self, rng: np.random.Generator, mass: FloatArray) -> FloatArray:
        """Return the pull of seller p on buyer q: mass over distance squared; mean 1 abroad."""
        place = rng.random((self.R, 2))
        away = ((place[:, None, :] - place[None, :, :]) ** 2).sum(axis=2)
        pull: FloatArray = mass[:, None] / (0.05 + away) * skewed(rng, (self.R, self.R))
        np.fill_diagonal(pull, 0.0)
        pull *= self.R * max(self.R - 1, 1) / max(pull.sum(), TINY)
        return pull

    def _technology(self, rng: np.random.Generator) -> FloatArray:
        kinds, K = self.products.kind, self.K
        technology: FloatArray = _recipe.PURCHASES[np.ix_(kinds, kinds)] + 0.3
        bulk = self.products.bulk * skewed(rng, K) ** 2
        technology *= bulk[:, None] * skewed(rng, (K, K))
        technology *= 1.0 / technology.sum(axis=0)
        technology[np.arange(K), np.arange(K)] += OWN_INPUTS * skewed(rng, K)
        technology *= K / technology.sum(axis=0)  # mean 1 in every column
        return technology

    def _trade_scale(self, trade: FloatArray, size: FloatArray) -> float:
        """Return the factor on openness × tradability with which a third of inputs is imported."""
        inputs = _recipe.INPUTS[self.products.kind]
        demand = self.products.mix / np.maximum(self.products.mix.sum(axis=0), TINY)
        demand = (demand * _recipe.CATEGORY_SHARES).sum(axis=1)
        output = demand
        for _ in range(LAYERS):  # of a world without borders, as a guide to the size of sectors
            output = (self.base_technology * (inputs * output / self.K)).sum(axis=1) + demand
        weight = size[:, None] * (inputs * output)
        weight = weight / weight.sum()
        return _solve_scale(
            lambda scale: float((np.minimum(scale * trade, 0.9) * weight).sum()), IMPORTED
        )


def _solve_scale(mean: Callable[[float], float], target: float) -> float:
    """Return the scale at which an increasing mean meets the target, by bisection."""
    low, high = 0.0, 1e6
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if mean(middle) < target else (low, middle)
    return high


# --- Z --------------------------------------------------------------------------------------


@dataclass
class _Odds:
    """Probability that a cell (p, i, q, j) is not zero: min(1, near_pq reach_pi need_ij)."""

    near: Any  # (R, R) float32
    reach: Any  # (R, K) float32
    need: Any  # (K, K) float32


def _odds(economy: _Economy, density: float) -> _Odds:
    """Scale the odds so that the expected share of nonzero cells is the density asked for."""
    R, K, active = economy.R, economy.K, economy.active
    near = np.sqrt(economy.base_near) + 0.1
    np.fill_diagonal(near, 6.0)
    reach = np.sqrt(economy.advantage)
    need = np.sqrt(np.sqrt(economy.base_technology))
    # A sample of cells says what a scale gives, and all of them where they are few.
    rng, cells = economy.stream(1), (R * K) ** 2
    at = np.arange(cells) if cells <= 1_000_000 else rng.integers(0, cells, 1_000_000)
    p, i, q, j = np.unravel_index(at, (R, K, R, K))
    odds = near[p, q] * reach[p, i] * need[i, j] * active[q, j]
    certain = (p == q) & (i == j) & active[p, i]  # every sector buys from itself
    scale = _solve_scale(
        lambda scale: float(np.where(certain, 1.0, np.minimum(odds * scale, 1.0)).mean()), density
    )
    return _Odds(
        near=(near * scale).astype(np.float32),
        reach=reach.astype(np.float32),
        need=need.astype(np.float32),
    )


def _coefficients(economy: _Economy, density: float) -> Any:
    """Return A as csr_array, made one block row (seller p, all buyers) after the other."""
    R, K = economy.R, economy.K
    odds = _odds(economy, density)
    columns, numbers, counts = [], [], [np.zeros(1, np.int64)]
    domestic, foreign = np.zeros(R * K), np.zeros(R * K)
    for p in range(R):
        column, number, count = _block_row(economy, odds, p)
        sums = np.bincount(column, number, R * K)
        own = slice(p * K, (p + 1) * K)
        domestic[own] = sums[own]
        sums[own] = 0.0
        foreign += sums
        columns.append(column)
        numbers.append(number)
        counts.append(count)
    # Both parts of a column are scaled to their share of the column's sum.
    share = np.where(foreign > 0, economy.imported.ravel(), 0.0)
    active, inputs = economy.active.ravel(), economy.inputs.ravel()
    at_home, abroad = np.zeros(R * K), np.zeros(R * K)
    np.divide(inputs * (1 - share), domestic, out=at_home, where=active)
    np.divide(inputs * share, foreign, out=abroad, where=foreign > 0)
    for p in range(R):
        scale = abroad.copy()
        scale[p * K : (p + 1) * K] = at_home[p * K : (p + 1) * K]
        numbers[p] *= scale[columns[p]]
    indptr = np.cumsum(np.concatenate(counts))
    data = np.concatenate(numbers)
    numbers.clear()  # one copy at a time: this is most of the memory
    wide = np.int64 if indptr[-1] > np.iinfo(np.int32).max else np.int32
    indices = np.concatenate(columns).astype(wide, copy=False)
    return sp.csr_array((data, indices, indptr.astype(wide)), shape=(R * K, R * K))


def _block_row(economy: _Economy, odds: _Odds, p: int) -> tuple[Any, FloatArray, Any]:
    """Return columns, unscaled coefficients and counts by row of what region p sells."""
    R, K, active = economy.R, economy.K, economy.active
    rng = economy.stream(2, p)
    chance = (odds.reach[p][:, None] * odds.need)[:, None, :] * odds.near[p][None, :, None]
    stored = rng.random((K, R, K), dtype=np.float32) < chance
    stored &= active[None, :, :] & active[p][:, None, None]
    stored[np.arange(K), p, np.arange(K)] = active[p]
    flat = np.flatnonzero(stored)

    abroad = economy.technology * (economy.tradable * economy.advantage[p])[:, None]
    value = abroad[:, None, :] * economy.near[p][None, :, None]
    home = (1 - economy.tradable) * economy.advantage[p]
    value[:, p, :] = economy.technology * home[:, None]
    number = value.ravel()[flat] * skewed(rng, flat.size)
    return (flat % (R * K)).astype(np.int32), number, stored.sum(axis=(1, 2))


def _output(A: Any, y: FloatArray) -> FloatArray:
    """Return y + Ay + A²y + … to the last of the production layers."""
    x = y
    for _ in range(LAYERS):
        x = A @ x + y
    return x


# --- Y, F and F_Y ---------------------------------------------------------------------------


def _final_demand(economy: _Economy) -> FloatArray:
    """Return Y (n, 7 R); only inventory changes have negative entries."""
    R, K, products = economy.R, economy.K, economy.products
    Y = np.zeros((R * K, R * len(_recipe.CATEGORIES)))
    cells = Y.reshape(R, K, R, -1)
    wanted = economy.openness[:, None] * economy.tradable * (0.5 * economy.trade_scale)
    for q in range(R):
        rng = economy.stream(3, q)
        imported = np.minimum(wanted[q] * compound(rng.uniform(1e-3, 8e-3, K), economy.years), 0.8)
        seller = economy.advantage * economy.near[:, q, None] * skewed(rng, (R, K))
        seller *= rng.random((R, K)) < 0.5
        abroad = seller.sum(axis=0)
        imported = np.where(abroad > 0, np.where(economy.active[q], imported, 1.0), 0.0)
        supply = np.divide(imported * seller, abroad, out=np.zeros((R, K)), where=abroad > 0)
        supply[q] = np.where(economy.active[q], 1.0 - imported, 0.0)
        mix = products.mix * skewed(rng, products.mix.shape)
        mix *= compound(rng.uniform(-0.01, 0.01, mix.shape), economy.years)
        mix *= _recipe.CATEGORY_SHARES / np.maximum(mix.sum(axis=0), TINY)
        mix[:, _recipe.INVENTORIES] *= np.where(rng.random(K) < 0.4, -1.0, 1.0)
        cells[:, :, q, :] = supply[:, :, None] * (mix * economy.size[q])[None, :, :]
    # Withdrawals from stocks stay below a fifth of purchases, so that output is positive.
    taken = Y[:, _recipe.INVENTORIES :: len(_recipe.CATEGORIES)]
    sold, used = np.maximum(Y, 0.0).sum(axis=1), np.maximum(-taken, 0.0).sum(axis=1)
    limit = np.minimum(1.0, np.divide(0.2 * sold, used, out=np.ones(R * K), where=used > 0))
    taken *= np.where(taken < 0, limit[:, None], 1.0)
    return Y


def _emissions(economy: _Economy, x: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Return F (k, n) and F_Y (k, 7 R) in kt; final users emit through households only."""
    R, K, width = economy.R, economy.K, len(_recipe.CATEGORIES)
    F, F_Y = np.zeros((k, R * K)), np.zeros((k, R * width))
    for e in range(k):
        rng = economy.stream(4, e)
        # Squared twice: a fourth power would not round the same everywhere.
        of_product = economy.products.intensity if e == 0 else (skewed(rng, K) ** 2) ** 2 / 50
        intensity = of_product * skewed(rng, R)[:, None] * skewed(rng, (R, K))
        intensity = intensity * compound(rng.uniform(-0.035, -0.005, (R, K)), economy.years)
        F[e] = intensity.ravel() * x
        of_households = 0.035 * skewed(rng, R)
        of_households *= compound(rng.uniform(-0.035, -0.005, R), economy.years)
        F_Y[e, ::width] = of_households * economy.size
    return F, F_Y
