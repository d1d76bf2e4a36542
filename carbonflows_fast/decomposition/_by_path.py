"""Structural path decomposition: which supply chains changed, and which of their links did it.

Every path has a value before and after. The search ranks all paths of either table by how much
they changed, new and vanished ones included, and attributes each change to the path's own factors.

Source: Wood & Lenzen (2009), Energy Economics 31:335; Sun (1998), Energy Economics 20, and
Dietzenbacher & Los (1998), Economic Systems Research 10 (the average over all orders); Wood &
Lenzen (2006), Energy Policy 34 (limits of LMDI at zeros).
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.accounting._solves import demand_size
from carbonflows_fast.decomposition._factor_splits import DemandParts, demand_parts, requirements
from carbonflows_fast.decomposition._lmdi_of_paths import lmdi_of_all_paths
from carbonflows_fast.decomposition._mean_states import (
    gauss_rules,
    integral_means,
    polar_means,
    solve_both_years,
)
from carbonflows_fast.decomposition._path_changes import PathChanges
from carbonflows_fast.decomposition._two_tables import TwoTables, two_tables_of
from carbonflows_fast.decomposition._whole import effects_of
from carbonflows_fast.errors import InputError, MemoryLimitError, NotProductiveError
from carbonflows_fast.paths._limits import MODES, MOST_PATHS, SearchLimits, search_limits
from carbonflows_fast.paths._network import (
    PREFIXES_A_PATH,
    SMALLEST,
    Network,
    exponent_of,
    network_of,
)
from carbonflows_fast.table._selection import select_demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["PathChanges", "structural_path_decomposition"]

METHODS = ("shapley", "lmdi", "polar")
FIRST = 1e-3  # of the largest conceivable change: where the search for the top begins
GROWTH = 0.85  # growth of the number of paths with a falling threshold, from tables tried
MOST_PREFIXES = 4_000_000  # prefixes per round of a search for the top: more are not worth it
CLOSES = 1e-6  # of the change, or of a thousandth of the larger E: otherwise effects are not known
FEW = 50  # fewer paths than this predict nothing


def structural_path_decomposition(
    before: Table,
    after: Table,
    stressor: Any = None,
    *,
    demand: Any = None,
    top: int | None = None,
    threshold: float | None = None,
    min_share: float | None = None,
    max_paths: int | None = None,
    max_stage: int | None = None,
    method: Literal["shapley", "lmdi", "polar"] = "shapley",
    deflators: Any = None,
    threads: int | None = None,
) -> PathChanges:
    """Return the supply chains that changed most, exactly, and what each change is due to.

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
    top : int, optional
        The number of largest changes; 1,000 if none of these three is given. A path with the same
        value counts if one of its factors changed. The result is shorter if there are no more, or
        if finding more would take millions of prefixes that hardly change.
    threshold : float, optional
        All changes of at least this size, in the stressor's unit.
    min_share : float, optional
        All changes of at least this share of the total change, in (0, 1].
    max_paths : int, optional
        Return at most this number, the largest.
    max_stage : int, optional
        Longest path, in purchases.
    method : {"shapley", "lmdi", "polar"}
        How a change is attributed to a path's factors: the average over all orders in which they
        change, logarithmic mean Divisia, or the mean of the two extreme orders.
    deflators : array or Series of shape (n,), optional
        Price of each row in `after` over its price in `before`, 1.043 and not 104.3. Without them
        the decomposition is in current prices.
    threads : int, optional

    Returns
    -------
    PathChanges
        Ordered by |change|, ties by fewer stages, then by positions; the same bits for any number
        of threads. `total` and `remainder` are of all paths of any length.

    Raises
    ------
    LabelError, InputError
        If the tables cannot be compared, or an argument is wrong.
    MemoryLimitError
        If there are more paths than may be kept.
    NotProductiveError, ConvergenceError
        If a table cannot be solved.

    Notes
    -----
    With f a path's factors (y, every a, s), Δv = Σ_i Δf_i ∫₀¹ Π_{j≠i} f_j(t) dt, which is Shapley's
    average. Source: Wood & Lenzen (2009), Energy Economics 31:335; Ang (2005), Energy Policy 33.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> before = cf.synthetic.world(2, 3)
    >>> after = before.with_changes(S=before.S * 0.8)
    >>> found = cf.structural_path_decomposition(before, after, top=5)
    >>> bool(abs(found.kinds[:, 0] - found.change).max() < 1e-9 * abs(found.total))
    True
    >>> bool(abs(found.explained.change + found.remainder.change - found.total) < 1e-6)
    True
    """
    one_of("method", method, METHODS)
    limits = search_limits(top, threshold, min_share, None, max_paths, max_stage, MODES[:3])
    count = thread_count(threads)
    pair = two_tables_of(before, after, stressor, demand, deflators)
    found = _search(pair, limits, demand, count)
    positions, origins, kinds, unlogged = _attributed(pair, found, method)
    return PathChanges(
        before=found["before"],
        after=found["after"],
        starts=found["starts"],
        rows=found["rows"],
        kinds=kinds,
        positions=positions,
        origins=origins,
        label=pair.label,
        prices=pair.prices,
        method=method,
        stressor=pair.stressor,
        unit=pair.unit,
        total=found["total"],
        error_bound=found["error_bound"],
        pruned=found["pruned"],
        nodes=found["nodes"],
        unlogged=unlogged,
        _all_effects=partial(_whole, pair, method),
        _table=pair.before.table,
    )


def _search(pair: TwoTables, limits: SearchLimits, demand: Any, threads: int) -> dict[str, Any]:
    """Find the paths; arrays in table order, in the stressor's unit."""
    order = pair.order
    y = [pair.in_table_order(year.y) for year in pair.years]
    s = [pair.in_table_order(year.s) for year in pair.years]
    exponent = max(exponent_of(values) for values in s)
    networks: list[Network] = [
        network_of(year.table, values, None, limits.max_stage, threads, exponent)
        for year, values in zip(pair.years, s, strict=True)
    ]
    shift = max(exponent_of(values) for values in y)
    scale = exponent + shift
    demands = [np.ascontiguousarray(np.ldexp(year.y, -shift)) for year in pair.years]
    one_sign = all(net.prepared.nonnegative for net in networks) and min(map(np.min, s)) >= 0.0
    joint = _core.Changes(
        networks[0].chains, networks[1].chains, demands[0], demands[1], bool(one_sign), threads
    )
    totals = [net.total(values) for net, values in zip(networks, y, strict=True)]
    sizes = [demand_size(year.table, select_demand(year.table, demand)) for year in pair.years]
    bounds = [net.error_bound(*size) for net, size in zip(networks, sizes, strict=True)]
    total, bound = totals[1] - totals[0], sum(bounds)
    raw = _rounds(joint, limits, total, bound, scale, order, threads)
    _, v0, v1, starts, rows, f0, f1, pruned, nodes = raw
    return {
        "before": np.ldexp(v0, scale),
        "after": np.ldexp(v1, scale),
        "starts": starts,
        "rows": rows,
        "first": f0,
        "second": f1,
        "pruned": np.ldexp(pruned, scale),
        "nodes": nodes,
        "total": total,
        "error_bound": bound,
        "shift": shift,
    }


def _rounds(
    joint: _core.Changes,
    limits: SearchLimits,
    total: float,
    bound: float,
    scale: int,
    order: Any,
    threads: int,
) -> tuple[Any, ...]:
    """Search with falling thresholds until enough is found; each round starts again."""
    most = limits.most
    top = limits.mode == "top"
    limit = max(MOST_PREFIXES, 64 * (most or 0)) if top else PREFIXES_A_PATH * MOST_PATHS

    def find(least: float, *, last: bool) -> tuple[Any, ...]:
        raw = joint.find(
            least,
            last,
            -1 if most is None else most,
            MOST_PATHS if most is None else max(MOST_PATHS, 2 * most),
            limit,
            order,
            threads,
        )
        return raw

    if top:
        floor, least = SMALLEST, max(FIRST * joint.largest, SMALLEST)
    else:
        floor = least = _least(limits, total, bound, scale)
        if most is not None:
            least = max(FIRST * joint.largest, floor)
    if joint.largest == 0.0:
        return find(1.0, last=False)  # every path is worth nothing, before and after
    found: tuple[Any, ...] | None = None
    enough, too_low = math.inf, 0.0  # thresholds that succeeded, and that failed
    got, stalled = -1, 0  # rounds in a row that found nothing new
    while True:
        raw = find(least, last=least <= SMALLEST)
        if raw[0]:
            stalled = stalled + 1 if raw[1].size == got else 0
            found, enough, got = raw, least, raw[1].size
            if least <= floor or (most is not None and got >= most):
                return raw
            needed = (1.3 * (most or 1) / max(got, 1)) ** (1.0 / GROWTH)
            step = math.log(min(max(needed, 1.5), 64.0 if got < FEW else 1024.0))
            least = max(floor, least * math.exp(-min(step * 2.0**stalled, 700.0)))
        elif top and (found is not None or least < joint.largest):
            too_low = least
            least = min(16.0 * least, joint.largest)  # far fewer than expected
        else:
            raise MemoryLimitError.about(
                limits.mode,
                expected=f"a limit that {most or MOST_PATHS:,} changes meet at most",
                got=f"{getattr(limits, limits.mode)!r}, which takes more",
                remedy="ask for less",
            )
        if too_low > 0.0 and found is not None:
            if enough < 1.5 * too_low:
                return found  # all others change too little to be distinguished
            if least <= too_low or least >= enough:
                least = math.sqrt(too_low) * math.sqrt(enough)  # the product may underflow


def _least(limits: SearchLimits, total: float, bound: float, scale: int) -> float:
    """Return the smallest change that is asked for, scaled."""
    if limits.min_share is not None:
        if abs(total) <= bound:
            raise InputError.about(
                "min_share",
                expected="a total change other than zero",
                got=f"{total:.3g}",
                remedy="ask by top or threshold",
            )
        least = limits.min_share * abs(total)
    else:
        least = float(limits.threshold or 0.0)
    scaled = float(np.ldexp(least, -scale))
    if scaled < SMALLEST:
        raise InputError.about(
            limits.mode,
            expected=f"at least {np.ldexp(SMALLEST, scale):.0e} in the unit",
            got=repr(getattr(limits, limits.mode)),
            remedy="ask for the top paths instead",
        )
    return scaled


def _attributed(
    pair: TwoTables, found: dict[str, Any], method: str
) -> tuple[FloatArray, FloatArray, FloatArray, int]:
    """Return the effects by position, their trade parts, the effects by kind, and the paths without
    a logarithm.
    """
    from carbonflows_fast.decomposition import _path_kernels as kernels

    starts, rows = found["starts"], found["rows"]
    first, second = found["first"].copy(), found["second"].copy()
    # A path's first factor is its final demand, which was scaled by a power of two.
    heads = starts[:-1]
    for factors in (first, second):
        factors[heads] = np.ldexp(factors[heads], found["shift"])
    codes, place = pair.before.table.content.sector_codes, pair.place
    buyers = place[np.concatenate([rows[:1], rows[:-1]])]  # of first steps, whatever
    required = np.array([values[codes[rows], buyers] for values in requirements(pair)])
    parts = demand_parts(pair)
    effects: tuple[FloatArray, FloatArray, FloatArray, int] = kernels.path_effects(
        kernels.METHODS.index(method),
        starts,
        rows,
        first,
        second,
        pair.in_table_order(pair.before.s),
        pair.in_table_order(pair.after.s),
        required,
        *_demand_vectors(pair, parts),
        *gauss_rules(starts),
    )
    return effects


def _demand_vectors(pair: TwoTables, parts: DemandParts) -> tuple[FloatArray, FloatArray]:
    """Return what level and mix, and what origin, did to y of every row, all consumers together."""
    own = (parts.level + parts.mix).sum(axis=1)
    return pair.in_table_order(own), pair.in_table_order(parts.origin.sum(axis=1))


def _whole(pair: TwoTables, method: str) -> dict[str, float] | None:
    """Return the four effects of all paths together, if they can be known."""
    solved = solve_both_years(pair, mixed=False)
    try:
        if method == "lmdi":
            effects = lmdi_of_all_paths(pair, solved)
        else:
            effects = effects_of(
                pair, (polar_means if method == "polar" else integral_means)(pair, solved)
            )
    except NotProductiveError:  # between the tables; the change itself is known all the same
        return None
    if effects is None or abs(sum(effects.values()) - solved.change) > CLOSES * solved.size:
        return None
    return {
        "intensity": effects["intensity"],
        "technology": effects["technology"],
        "trade": effects["trade"] + effects["demand origin"],
        "demand": sum(
            effects[n] for n in effects if n in ("population", "demand level", "demand mix")
        ),
    }
