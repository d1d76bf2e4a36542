"""Chains, changes and tables made of others, and what each answer claims about its error."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from flint import arb, arb_mat
from support.exact.exact_case import Case, Claim, question
from support.exact.exact_questions import accounts, flows, multipliers
from support.references.exact_reference import Exact, any_sum, exact, missed, summed, transposed

import carbonflows_fast as cf
from carbonflows_fast.table._selection import select_stressor

# --- chains -----------------------------------------------------------------------------------


def _layers(case: Case, y: arb_mat, frame: Any) -> Iterator[Claim]:
    bound, s = frame.attrs["error_bound"], exact([case.s])
    m, p, so_far = s * case.true.L, y, arb(0)
    for emissions, cumulative, remainder in zip(
        frame.emissions.tolist(), frame.cumulative.tolist(), frame.remainder.tolist()
    ):
        value = (s * p).entries()[0]
        so_far += value
        p = case.true.A * p
        left = (m * p).entries()[0]
        yield Claim("emissions", abs(arb(emissions) - value), bound)
        yield Claim("cumulative", abs(arb(cumulative) - so_far), bound)
        yield Claim("remainder", abs(arb(remainder) - left), bound)


@question
def production_layers(case: Case) -> Iterator[Claim]:
    demand, y = case.demand_of_one()
    layers = int(case.rng.integers(0, 30))
    frame = cf.production_layers(case.table, case.stressor, demand=demand, layers=layers)
    yield from _layers(case, y, frame)


@question
def linkages(case: Case) -> Iterator[Claim]:
    """No bound is given."""
    for ask in (cf.elasticities, cf.sector_betweenness, cf.transaction_betweenness):
        frame = ask(case.table, case.stressor, demand=case.selected)
        assert not np.isinf(frame.select_dtypes("number").to_numpy()).any()
    yield from ()


@question
def structural_paths(case: Case) -> Iterator[Claim]:
    table, true, rng = case.table, case.true, case.rng
    demand, y = case.demand_of_one()
    filters: dict[str, Any] = {}
    for name in ("start", "through", "end"):
        if rng.random() < 0.25:
            rows = rng.random(table.n) < 0.5
            rows[rng.integers(table.n)] = True
            filters[name] = rows
    ask = case.one_of({"top": 20}, {"top": 200}, {"min_share": 0.01}, {"coverage": 0.5},
                      {"max_stage": 3, "top": 50})  # fmt: skip
    if "coverage" in ask or "min_share" in ask:
        ask["max_paths"] = 2000
    accuracy = case.accuracy()
    paths = cf.structural_paths(table, case.stressor, demand=demand, **ask, **filters, **accuracy)
    ones = np.ones(table.n, bool)
    y = true.times(filters.get("start", ones), y)
    s = np.where(filters.get("end", ones), case.s, 0.0)
    total = (exact([s]) * true.L * y).entries()[0]
    if "through" in filters:
        off = ~filters["through"]
        total -= (exact([s * off]) * true.L_among(off) * true.times(off, y)).entries()[0]
    yield Claim("total", abs(arb(paths.total) - total), paths.error_bound)
    # Values of the paths by their own product, exactly.
    A, y_, values = true.A.table(), y.entries(), []
    rows, starts = paths.rows.tolist(), paths.starts.tolist()
    for first, last in pairwise(starts):
        path = rows[first:last]
        value = y_[path[0]] * arb(float(s[path[-1]]))
        for buyer, seller in pairwise(path):
            value *= A[seller][buyer]
        values.append(value)
    yield Claim("remainder", abs(arb(paths.remainder) - (total - summed(values))),
                paths.error_bound)  # fmt: skip
    for value, found in zip(values, paths.value.tolist()):
        assert abs(arb(found) - value) <= 1e-12 * abs(value) + arb(1e-250)
    paths.to_frame(), paths.steps(), paths.by_stage(), repr(paths), paths.coverage


@question
def sector_study(case: Case) -> Iterator[Claim]:
    table, true, T = case.table, case.true, case.some_rows
    off, ones = ~T, np.ones(len(table.regions))
    accuracy = case.accuracy()
    study = cf.sector_study(table, case.stressor, sectors=T, demand=case.selected, **accuracy)
    bound, Y = study.error_bound, true.demand(case.columns)
    X = true.L_among(off) * true.times(off, Y)
    z = true.times(T, Y + true.A * X)
    m = true.source_multipliers(case.s).table()
    zt, regions = z.table(), list(table.regions)
    sums = {
        (p, r, q): summed(
            m[a][j] * zt[j][c] for j in range(table.n) if T[j] and true.row_region[j] == r
        )
        for a, p in enumerate(regions)
        for r in regions
        for c, q in enumerate(regions)
    }
    flow = study.flow
    errors = [
        arb(v) - sums[p, r, q]
        for p, r, q, v in zip(flow.emitted, flow.made, flow.consumed, flow.value.tolist())
    ]
    yield Claim("flow", any_sum(errors), bound)
    total = summed(sums.values())
    yield Claim("total", abs(arb(study.total) - total), bound)
    x = (true.L * Y * exact(ones)).entries()
    direct = summed(arb(float(v)) * x[i] for i, v in enumerate(case.s) if T[i])
    yield Claim("direct", abs(arb(study.direct) - direct), bound)
    yield Claim("upstream", abs(arb(study.upstream) - (total - direct)), bound)
    by = study.by("made")
    errors = [arb(float(v)) - summed(e for (_, r, _), e in sums.items() if r == k)
              for k, v in by.items()]  # fmt: skip
    yield Claim("by", any_sum(errors), by.attrs["error_bound"])

    multiplier = exact([case.s]) * true.L
    entering = true.times(off, transposed(true.times(T, true.A)) * transposed(multiplier))
    w = (transposed(true.L_among(off)) * entering).entries()
    through = [multiplier.entries()[i] if T[i] else w[i] for i in range(table.n)]
    products = study.products
    cells = [[through[i] * v for v in row] for i, row in enumerate(Y.table())]
    errors = missed(products, arb_mat(cells))
    yield Claim("products", any_sum(errors), products.attrs["error_bound"])
    yield from (
        Claim(f"tiers {claim.what}", claim.error, claim.bound)
        for claim in _layers(case, z * exact(ones), study.tiers)
    )
    study.border_shares, study.price_coverage(regions[:1]), repr(study)


# --- change -----------------------------------------------------------------------------------


def _footprint(table: cf.Table, s: Any) -> arb:
    true = Exact(table)
    return (exact([s]) * true.L * true.demand() * exact(np.ones(len(table.regions)))).entries()[0]


def _intensity(table: cf.Table, stressor: Any) -> Any:
    return select_stressor(table, stressor).s


@question
def structural_path_decomposition(case: Case) -> Iterator[Claim]:
    tables = case.table, case.other
    method = case.one_of("shapley", "lmdi", "polar")
    ask = case.one_of({"top": 20}, {"min_share": 0.05, "max_paths": 500})
    if case.rng.random() < 0.98:  # near the edge the rest takes millions of prefixes, and seconds
        ask["max_stage"] = int(case.rng.integers(1, 5))
    found = cf.structural_path_decomposition(*tables, case.stressor, method=method, **ask)
    ends = [_footprint(table, _intensity(table, case.stressor)) for table in tables]
    yield Claim("total", abs(arb(found.total) - (ends[1] - ends[0])), found.error_bound)
    A = [Exact(table).A.table() for table in tables]
    Y = [exact(table.Y.to_numpy()).table() for table in tables]
    s = [_intensity(table, case.stressor) for table in tables]
    rows, starts, listed = found.rows.tolist(), found.starts.tolist(), arb(0)
    for first, last in pairwise(starts):
        path = rows[first:last]
        for end, sign in ((0, -1), (1, 1)):
            value = summed(Y[end][path[0]]) * arb(float(s[end][path[-1]])) * sign
            for buyer, seller in pairwise(path):
                value *= A[end][seller][buyer]
            listed += value
    left = arb(float(found.remainder["change"]))
    yield Claim("remainder", abs(left - (ends[1] - ends[0] - listed)), found.error_bound)
    found.to_frame(), repr(found)


@question
def structural_decomposition(case: Case) -> Iterator[Claim]:
    """No bound but the closure is given."""
    method = case.one_of("integral", "shapley", "polar", "lmdi")
    by = None if method == "lmdi" else case.one_of(None, None, "region", "product", "coefficient")
    found = cf.structural_decomposition(case.table, case.other, case.stressor, method=method, by=by)
    assert not np.isinf(found.to_frame().effect).any()
    yield from ()


# --- tables -----------------------------------------------------------------------------------


@question
def check(case: Case) -> Iterator[Claim]:
    str(cf.check(case.table))
    yield from ()


@question
def check_years(case: Case) -> Iterator[Claim]:
    str(cf.check(case.table, case.other))
    yield from ()


def _changed(case: Case) -> cf.Table:
    """Return a table made from another by a public function."""
    table, rng = case.table, case.rng
    how = case.one_of("aggregate", "with_changes", "open", "pickle", "repair", "output")
    if how == "aggregate":
        groups = {region: f"G{rng.integers(2)}" for region in table.regions}
        sectors = {sector: f"S{rng.integers(2)}" for sector in table.sectors}
        return table.aggregate(**case.one_of({"regions": groups}, {"sectors": sectors},
                                             {"regions": groups, "sectors": sectors}))  # fmt: skip
    if how == "with_changes":
        changes = case.one_of(
            {"Y": table.Y * rng.random(table.Y.shape)}, {"S": table.S * rng.random(table.n)},
            {"A": table.A.toarray() * rng.random((table.n, table.n))},
        )  # fmt: skip
        return table.with_changes(**changes)
    if how == "output":
        return cf.Table(A=table.A, Y=table.Y, S=table.S, F_Y=table.F_Y, stressor_units="kt",
                        regions=list(case.true.row_region),
                        sectors=list(table.rows.get_level_values("sector")),
                        demand=list(table.demand))  # fmt: skip
    if how == "pickle":
        return pickle.loads(pickle.dumps(table))  # type: ignore[no-any-return]
    if how == "repair":
        return cf.repair(table, **case.one_of(
            {"balance": True}, {"negative_output": True}, {"column_sums": 0.95},
            {"negatives": 1e-3}, {"emissions_without_output": "spread"},
            {"purchases_without_output": "spread"}, {"duplicates": True},
        ))[0]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "table")
        cf.save(table, path)
        opened = cf.open(path, verify=True)
        assert opened.equals(table)
        return pickle.loads(pickle.dumps(table)) if rng.random() < 0.5 else opened


@question
def changed_table(case: Case) -> Iterator[Claim]:
    """What was aggregated, changed, saved, repaired or solved for answers as any table does."""
    here = Case.__new__(Case)
    here.__dict__ |= {"rng": case.rng, "recipe": case.recipe, "table": _changed(case)}
    ask = case.one_of(accounts, multipliers, flows, production_layers, sector_study)
    yield from ask(here)
