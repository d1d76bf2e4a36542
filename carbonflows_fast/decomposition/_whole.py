"""Structural decomposition: how much of a change is due to what.

E = s'(I − A)⁻¹y changes because industries emit less per unit (intensity), need other inputs
(technology) or buy them elsewhere (trade), and because final users buy more (level), other products
(mix) or from elsewhere (origin).

Source: Dietzenbacher & Los (1998), Economic Systems Research 10 (averages over all orders); Sun
(1998), Energy Economics 20; Ang (2005), Energy Policy 33 (LMDI); Owen (1977) for nested factors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of, whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.decomposition._comparable import require_same_heads
from carbonflows_fast.decomposition._decomposition import Decomposition
from carbonflows_fast.decomposition._effect_errors import (
    EffectQuestion,
    effect_covariance,
    errors_of_years,
)
from carbonflows_fast.decomposition._effect_slopes import effect_slopes
from carbonflows_fast.decomposition._factor_splits import DemandParts, demand_parts, trade_parts
from carbonflows_fast.decomposition._lmdi import lmdi_effects
from carbonflows_fast.decomposition._mean_states import (
    MeanStates,
    integral_means,
    polar_means,
    shapley_means,
    solve_both_years,
)
from carbonflows_fast.decomposition._two_tables import TwoTables, two_tables_of
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._error_model._errors import Errors

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "Decomposition",
    "demand_factors",
    "effects_of",
    "structural_decomposition",
]

METHODS = ("integral", "shapley", "polar", "lmdi")
BY = ("region", "product", "coefficient")


def structural_decomposition(
    before: Table,
    after: Table,
    stressor: Any = None,
    *,
    demand: Any = None,
    method: Literal["integral", "shapley", "polar", "lmdi"] = "integral",
    by: Literal["region", "product", "coefficient"] | None = None,
    top: int = 1000,
    deflators: Any = None,
    errors: Errors | tuple[Errors, Errors] | None = None,
    correlation: float = 0.0,
) -> Decomposition:
    """Return what the change of a footprint between two tables is due to.

    Parameters
    ----------
    before, after : Table
        Two tables with the same rows and consumers, in any order, and the same stressors.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes; the default is all final demand. Only these
        columns must be the same in both tables.
    method : {"integral", "shapley", "polar", "lmdi"}
        - integral: along the straight line in s, A and y. It is every path's own average over the
          orders of all its factors, summed over all paths; :func:`structural_path_decomposition`
          converges to it.
        - shapley: the average over all orders of the three factors s, L and y.
        - polar: the mean of the two extreme orders, path by path.
        - lmdi: logarithmic mean Divisia over all products s_i l_ij y_j; nonnegative tables of at
          most 2,000 rows.
    by : {"region", "product", "coefficient"}, optional
        Split every effect further. region: the region of the emitter (intensity), of the buyer
        (technology, trade) or of the final consumer (demand). product: the product of the emitter,
        the input bought, or the product finally bought. coefficient: the coefficients a_ij whose
        changes matter most, technology and trade together; if the two cancel, a coefficient is not
        listed.
    top : int
        How many coefficients; the default is 1,000.
    deflators : array or Series of shape (n,), optional
        Price of each row in `after` over its price in `before`, 1.043 and not 104.3. The
        decomposition is then in prices of `before`. Without them it is in current prices, and all
        effects contain changes of prices.
    errors : Errors, or a pair of these, optional
        How wrong the cells of the tables may be: of both, or before and after. Effects have then
        standard deviations and covariances, for any method but "lmdi" and without `by`. A shared
        error of one name is one draw in both years. Deflators and population have no error.
    correlation : float
        Between the own errors of a cell in the two years, from 0 to 1; only with `errors`.

    Returns
    -------
    Decomposition

    Raises
    ------
    LabelError
        If rows or consumers differ; the message names them.
    InputError
        If an argument is wrong, or the method does not suit the tables; if units, gases or units of
        population differ; if deflators are index numbers of base 100; or if errors do not fit.
    NotProductiveError, ConvergenceError
        If a table, or one between the two, cannot be solved.

    Notes
    -----
    ΔE = ∫ (Δs'x + m'ΔA x + m'Δy) dt. Inputs are requirement × origin share, Δa = Δc·t̄ + c̄·Δt, and
    final demand is level × mix × origin, for each consumer; both splits are nested in the outer
    factors, so that intensity and totals do not depend on them. Each node needs two right-hand
    sides.

    A sum whose terms cancel is not split into shares if at most a quarter of the purchases remains,
    and only in part if less than half remains: inputs are then technology, origins move with level
    and mix, and the mix moves with the level (docs/explanation/methods.md).

    A different unit or price base of the whole table, the same in both years, changes no effect. A
    different one for each product shifts effects between level, mix and origin of final demand,
    because a level is a sum over products. Their sum, and all other effects, stay the same.

    With errors, sd is that of the first order. With g the derivative of an effect to a state
    x = (I − A)⁻¹ y, and λ = (I − A')⁻¹ g, g'dx = λ'(dA x + dy): two further right-hand sides for
    each state and effect give the derivatives to all cells.

    Source: Dietzenbacher & Los (1998), Economic Systems Research 10; Sun (1998), Energy Economics
    20; Ang (2005), Energy Policy 33 (LMDI); Owen (1977) for nested factors.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> before = cf.synthetic.world(2, 3)
    >>> after = before.with_changes(S=before.S * 0.8)
    >>> found = cf.structural_decomposition(before, after)
    >>> effects = found.to_frame()["effect"]
    >>> bool(abs(effects["intensity"] - found.total) < 1e-9 * found.before)
    True
    """
    one_of("method", method, METHODS)
    one_of("by", by, (None, *BY))
    unsure = errors_of_years(errors, correlation)
    if unsure is not None and (method == "lmdi" or by is not None):
        raise InputError.about(
            "errors",
            expected="None for method='lmdi'" if method == "lmdi" else "None where by= is given",
            got="errors",
            remedy="use method='integral'" if method == "lmdi" else "leave by out",
        )
    top = whole("top", top, remedy="leave it out for 1,000")
    pair = two_tables_of(before, after, stressor, demand, deflators)
    require_same_heads(pair.before.table, pair.after.table)
    solved = solve_both_years(pair, mixed=method == "shapley")
    nodes, covariance = 0, None
    if method == "lmdi":
        if by is not None:
            raise InputError.about(
                "by",
                expected="None for method='lmdi'",
                got=repr(by),
                remedy="use method='integral'",
            )
        parts = demand_parts(pair, logarithmic=True)
        frame = _of_totals(lmdi_effects(pair, demand_factors(parts)))
    else:
        choose = {"integral": integral_means, "shapley": shapley_means, "polar": polar_means}
        means = choose[method](pair, solved)
        nodes = means.nodes
        frame = _of_means(pair, means, by, int(top))
        if unsure is not None:
            asked = EffectQuestion((before, after), stressor, demand, *unsure)
            size = max(*map(abs, solved.emissions), solved.gross_before) or 1.0
            slopes = effect_slopes(pair, method, means, solved)
            matrix = effect_covariance(pair, asked, slopes, size) * size**2
            covariance = pd.DataFrame(matrix, slopes.names, slopes.names)
            covariance = covariance.loc[frame.index, frame.index]
    added = float(frame.attrs.pop("added"))
    return Decomposition(
        label=pair.label,
        prices=pair.prices,
        method=method,
        stressor=pair.stressor,
        unit=pair.unit,
        note=pair.no_heads,
        before=solved.emissions[0],
        after=solved.emissions[1],
        gross_before=max(solved.gross_before, abs(solved.emissions[0])),
        closure=abs(added - solved.change) / solved.size if solved.size else 0.0,
        nodes=nodes,
        _frame=frame,
        _covariance=covariance,
    )


def _of_totals(effects: dict[str, float]) -> pd.DataFrame:
    frame = pd.DataFrame({"effect": effects})
    frame.index.name = "factor"
    frame.attrs["added"] = float(frame["effect"].sum())
    return frame


def effects_of(pair: TwoTables, means: MeanStates) -> dict[str, float]:
    """Return the effects of all factors."""
    by_row, _ = _input_effects(pair, means)
    return {name: float(values.sum()) for name, values in by_row.items()} | {
        name: float(values.sum())
        for name, values in _demand_effects(means, demand_parts(pair)).items()
    }


def _of_means(pair: TwoTables, means: MeanStates, by: str | None, top: int) -> pd.DataFrame:
    """Put the effects together, by row, by column or by consumer as `by` wants them."""
    if by is None:
        return _of_totals(effects_of(pair, means))
    if by == "coefficient":
        return _coefficients(pair, means, top)
    by_row, by_buyer = _input_effects(pair, means)
    demand = _demand_effects(means, demand_parts(pair))
    table = pair.before.table
    if by == "product":
        labels, codes = table.content.sectors, pair.product_codes
        found = by_row | {name: values.sum(axis=1) for name, values in demand.items()}
        sums_by = {n: np.bincount(codes, v, len(labels)) for n, v in found.items()}
    else:
        labels, codes = table.content.regions, pair.region_codes
        sums_by = {n: np.bincount(codes, v, len(labels)) for n, v in by_buyer.items()}
        if pair.consumers == labels:
            sums_by |= {name: values.sum(axis=0) for name, values in demand.items()}
        else:  # an array does not say who consumes: use the maker of the product instead
            made = {name: values.sum(axis=1) for name, values in demand.items()}
            sums_by |= {n: np.bincount(codes, v, len(labels)) for n, v in made.items()}
    index = pd.MultiIndex.from_product([list(sums_by), labels], names=["factor", by])
    frame = pd.DataFrame({"effect": np.concatenate(list(sums_by.values()))}, index=index)
    frame.attrs["added"] = float(frame["effect"].sum())
    return frame


def _input_effects(
    pair: TwoTables, means: MeanStates
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """Return the effects of intensity, technology and trade, (n,): by seller and by buyer."""
    _, a0, a1 = pair.union
    trade = trade_parts(pair)
    by_row: dict[str, FloatArray] = {"intensity": (pair.after.s - pair.before.s) * means.x}
    by_buyer = dict(by_row)
    for name, part in (("technology", a1 - a0 - trade), ("trade", trade)):
        matrix = pair.on_pattern(part)
        transposed = matrix.T
        by_row[name], by_buyer[name] = np.zeros(pair.n), np.zeros(pair.n)
        for w, m, x in means.pairs:
            by_row[name] += w * m * (matrix @ x)
            by_buyer[name] += w * x * (transposed @ m)
    return by_row, by_buyer


def _demand_effects(means: MeanStates, parts: DemandParts) -> dict[str, FloatArray]:
    return {n: means.m[:, None] * change for n, change in demand_factors(parts).items()}


def demand_factors(parts: DemandParts) -> dict[str, FloatArray]:
    """Return the parts of ΔY by the factor that they are reported as."""
    if parts.heads is None:
        return {"demand level": parts.level, "demand mix": parts.mix, "demand origin": parts.origin}
    return {
        "population": parts.heads,
        "demand level": parts.level - parts.heads,
        "demand mix": parts.mix,
        "demand origin": parts.origin,
    }


def _coefficients(pair: TwoTables, means: MeanStates, top: int) -> pd.DataFrame:
    """Return the coefficients whose changes have the largest effects."""
    pattern, a0, a1 = pair.union
    trade = trade_parts(pair)
    weight = np.zeros(a0.size)
    rows = np.repeat(np.arange(pair.n), np.diff(pattern.indptr))
    for w, m, x in means.pairs:
        weight += (w * m)[rows] * x[pattern.indices]
    effect = (a1 - a0) * weight
    size = np.abs(effect)
    found = np.flatnonzero(size > 0)
    if found.size > top:
        found = found[size[found] >= np.partition(size[found], -top)[-top]]
    order = pair.before.tiles.order
    place = np.arange(pair.n) if order is None else order
    seller, buyer = place[rows[found]], place[pattern.indices[found]]
    best = np.lexsort((buyer, seller, -size[found]))[:top]
    labels = pair.before.table.rows
    columns: dict[str, Any] = {}
    for side, at in (("seller", seller[best]), ("buyer", buyer[best])):
        columns[f"{side}_region"] = labels.get_level_values("region")[at]
        columns[side] = labels.get_level_values("sector")[at]
    kept = found[best]
    columns |= {"before": a0[kept], "after": a1[kept], "effect": effect[kept]}
    columns |= {
        "technology": (a1 - a0 - trade)[kept] * weight[kept],
        "trade": trade[kept] * weight[kept],
    }
    frame = pd.DataFrame(columns)
    frame.attrs["added"] = means.total(pair)
    return frame
