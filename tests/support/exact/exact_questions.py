"""Solves, accounts and flows of a random table, and what each answer claims about its error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any
from unittest import mock

import numpy as np
from flint import arb, arb_mat
from support.exact.exact_case import Case, Claim, question
from support.references.exact_reference import any_sum, exact, identity, missed, summed, transposed

import carbonflows_fast as cf
from carbonflows_fast.accounting import _imported_footprints
from carbonflows_fast.table._selection import select_stressor

# --- solving ----------------------------------------------------------------------------------


def _weight(case: Case) -> tuple[Any, Any]:
    """Return a weight, or None, and the weight that the bound is about."""
    n, rng = case.table.n, case.rng
    kind = case.one_of("none", "none", "random", "zeros", "wide", "wild", "output")
    if kind == "none":
        return None, np.ones(n)
    t = rng.random(n) + 1e-3
    if kind == "wide":
        t = 10.0 ** rng.uniform(-40, 40, n)
    elif kind == "wild":
        t = 10.0 ** rng.uniform(-300, 0, n)
    elif kind == "zeros":
        t = np.where(rng.random(n) < 0.5, 0.0, t)
        t[rng.integers(n)] = 1.0
    elif kind == "output":
        t = 1.0 / np.maximum(np.abs(case.table.x.to_numpy()), 1e-90)
    return t, np.where(t > 0.0, t, 0.01 * t.mean())  # as the argument is documented


def _solve(case: Case, *, adjoint: bool) -> Iterator[Claim]:
    table, rng = case.table, case.rng
    dtype = case.one_of("float64", "float64", "float32")
    method = case.one_of("auto", "gmres", "gauss-seidel", "direct")
    system = cf.system(table, dtype=dtype)
    k = int(rng.integers(1, 7))
    own = table.S.to_numpy() if adjoint else table.Y.to_numpy().T
    sides = own if rng.random() < 0.5 else rng.normal(size=(k, table.n)) * np.abs(own).max(axis=0)
    given, t = _weight(case)
    x0 = None if rng.random() < 0.8 else sides * case.one_of(1.0, 2.0)
    rtol = case.one_of(1e-10, 1e-10, 1e-6, 1e-12)
    options = {"weight": given, "method": method, "rtol": rtol}
    if adjoint:
        solution = system.solve_adjoint(sides, x0=x0, **options)
        found, true = solution.values.T, transposed(case.true.L) * exact(sides.T)
    else:
        solution = system.solve(sides.T, x0=None if x0 is None else x0.T, **options)
        found, true = solution.values, case.true.L * exact(sides.T)
    assert solution.report.error_bound <= rtol
    where = f"{method} {dtype}"
    for j, bound in enumerate(solution.report.error_bounds.tolist()):
        errors = missed(found[:, j], arb_mat([[row[j]] for row in true.table()]))
        weights = [arb(v) for v in t.tolist()]
        size = summed(w * abs(arb(v)) for w, v in zip(weights, found[:, j].tolist()))
        yield Claim(where, summed(w * abs(e) for w, e in zip(weights, errors)), arb(bound) * size)


@question
def solve(case: Case) -> Iterator[Claim]:
    yield from _solve(case, adjoint=False)


@question
def solve_adjoint(case: Case) -> Iterator[Claim]:
    yield from _solve(case, adjoint=True)


# --- accounts and flows -----------------------------------------------------------------------


@question
def multipliers(case: Case) -> Iterator[Claim]:
    table = case.table
    frame = cf.multipliers(table, **case.accuracy())
    true = case.true.multipliers(table.S.to_numpy())
    x = table.x.to_numpy()
    x = np.where(x > 0, x, x[x > 0].min(initial=np.inf) if (x > 0).any() else 1.0)
    for k, name in enumerate(table.stressors):
        errors = missed(frame.loc[name], arb_mat([true.table()[k]]))
        bound = frame.attrs["error_bound"][name]
        # Of any part of final demand.
        bought = [summed(abs(v) for v in row) for row in exact(table.Y.to_numpy()).table()]
        weights = [b + arb(v) / 100 for b, v in zip(bought, x.tolist())]
        yield Claim("", summed(w * abs(e) for w, e in zip(weights, errors)), bound)


def _flows(case: Case) -> tuple[arb_mat, arb_mat, arb_mat]:
    """Return the outputs (n, R), emissions by row (n, R) and the matrix (R, R)."""
    x = case.true.L * case.true.demand(case.columns)
    emitted = case.true.times(case.s, x)
    return x, emitted, case.true.by_region(emitted)


@question
def accounts(case: Case) -> Iterator[Claim]:
    frame = cf.accounts(case.table, case.stressor, demand=case.selected, **case.accuracy())
    bound, R = frame.attrs["error_bound"], len(case.table.regions)
    E = _flows(case)[2].table()
    chosen = select_stressor(case.table, case.stressor)
    F_Y = [
        summed(
            arb(v)
            for v, q, c in zip(chosen.F_Y.tolist(), case.true.consumer, case.columns)
            if q == region and c
        )
        for region in case.table.regions
    ]
    rows = [summed(E[r]) for r in range(R)]
    columns = [summed(E[r][q] for r in range(R)) for q in range(R)]
    true = {
        "production": [a + h for a, h in zip(rows, F_Y)],
        "consumption": [a + h for a, h in zip(columns, F_Y)],
        "imports": [a - E[r][r] for r, a in enumerate(columns)],
        "exports": [a - E[r][r] for r, a in enumerate(rows)],
        "net_imports": [a - b for a, b in zip(columns, rows)],
        "households": F_Y,
    }
    if "unallocated" in frame:
        F = [arb(v) for v in chosen.F.tolist()]
        true["unallocated"] = [
            summed(f for f, r in zip(F, case.true.row_region) if r == region) - rows[i]
            for i, region in enumerate(case.table.regions)
        ]
    for name, values in true.items():
        errors = missed(frame[name], arb_mat([values]))
        yield Claim(name, any_sum(errors), bound)


def _flows_of(case: Case) -> cf.Flows:
    """Return the flows, perhaps after they were asked for more or less accurately."""
    if case.rng.random() < 0.3:
        cf.flows(case.table, case.stressor, demand=case.selected, **case.accuracy())
    accuracy = case.accuracy()
    found = cf.flows(case.table, case.stressor, demand=case.selected, **accuracy)
    assert found.report.error_bound <= accuracy.get("rtol", 1e-10)
    return found


def _groups(case: Case, found: Any) -> tuple[Any, list[str]]:
    """Return the flows, perhaps in groups of regions, and the group of each region."""
    regions = list(case.table.regions)
    if case.rng.random() < 0.6:
        return found, regions
    groups = {region: f"G{case.rng.integers(2)}" for region in regions}
    return found.aggregate(regions=groups), [groups[region] for region in regions]


def _grouped(case: Case, rows: list[str], E: arb_mat, groups: list[str]) -> dict[Any, arb]:
    """Sum rows × regions by (row, group of the column)."""
    sums: dict[Any, arb] = {}
    for row, values in zip(rows, E.table()):
        for group, value in zip(groups, values):
            sums[row, group] = sums.get((row, group), arb(0)) + value
    return sums


def _compared(frame: Any, sums: dict[Any, arb], where: Any = None) -> list[arb]:
    """Return the errors of a frame, whose cells are found in `sums` by their labels."""
    return [
        arb(float(value)) - sums[row, column]
        for row, values in zip(frame.index, frame.to_numpy())
        for column, value in zip(frame.columns, values)
        if where is None or where(row, column)
    ]


@question
def flows(case: Case) -> Iterator[Claim]:
    found = _flows_of(case)
    found, groups = _groups(case, found)
    _, emitted, E = _flows(case)
    sums = _grouped(case, groups, E, groups)
    errors = _compared(found.matrix, sums)
    yield Claim("matrix", any_sum(errors), found.error_bound)
    yield Claim("total", abs(arb(found.total) - summed(E.entries())), found.error_bound)
    net = [
        summed(v for (r, q), v in sums.items() if q == g)
        - summed(v for (r, q), v in sums.items() if r == g)
        for g in dict.fromkeys(groups)
    ]
    transfers = summed(v.max(arb(0)) for v in net)
    yield Claim("net_transfers", abs(arb(found.net_transfers) - transfers), found.error_bound)
    by_sector = found.by_emitting_sector()
    of_region = dict(zip(case.table.regions, groups))
    rows = [(of_region[region], sector) for region, sector in case.table.rows]
    errors = _compared(by_sector, _grouped(case, rows, emitted, groups))
    yield Claim("by_emitting_sector", any_sum(errors), by_sector.attrs["error_bound"])
    for frame, sign in ((found.net_importers(), 1), (found.net_exporters(), -1)):
        regions = list(dict.fromkeys(groups))
        errors = [arb(float(v)) - net[regions.index(r)] for r, v in frame.net_imports.items()]
        yield Claim("net importers", any_sum(errors), found.error_bound)
        assert (sign * frame.net_imports >= 0).all()
    region = case.one_of(*found.matrix.index)
    partners = found.partners(region)
    for column, pair in (("imports", lambda p: (p, region)), ("exports", lambda p: (region, p))):
        errors = [arb(float(v)) - sums[pair(p)] for p, v in partners[column].items()]
        yield Claim("partners", any_sum(errors), partners.attrs["error_bound"])
    found.to_frame(), found.top(3), found.traded_share, found.traded_share_all, repr(found)


def _by_product(case: Case) -> dict[Any, arb]:
    """Emitted in a region, by product and consumer."""
    m = case.true.source_multipliers(case.s).table()
    Y = case.true.demand(case.columns).table()
    sums: dict[Any, arb] = {}
    for r, region in enumerate(case.table.regions):
        for q, consumer in enumerate(case.table.regions):
            for j, (_, product) in enumerate(case.table.rows):
                key = (region, product), consumer
                sums[key] = sums.get(key, arb(0)) + m[r][j] * Y[j][q]
    return sums


@question
def flows_by_product(case: Case) -> Iterator[Claim]:
    found = _flows_of(case)
    found, groups = _groups(case, found)
    of_region = dict(zip(case.table.regions, groups))
    sums: dict[Any, arb] = {}
    for ((region, product), consumer), value in _by_product(case).items():
        key = (of_region[region], product), of_region[consumer]
        sums[key] = sums.get(key, arb(0)) + value
    frame = found.by_product()
    yield Claim("by_product", any_sum(_compared(frame, sums)), frame.attrs["error_bound"])
    region = case.one_of(*found.matrix.index)
    origins = found.origins(region)
    swapped = {(p, r): v for ((r, p), q), v in sums.items() if q == region}
    yield Claim("origins", any_sum(_compared(origins, swapped)), origins.attrs["error_bound"])


def _trade(case: Case, of_region: dict[str, str], use: str | None) -> dict[Any, arb]:
    """EEBT by row and importing group."""
    table, true = case.table, case.true
    groups = [of_region[r] for r in true.row_region]
    Y = true.demand(case.columns)
    if case.selected is None:
        x = exact(table.x.to_numpy())
    else:
        x = true.L * Y * exact(np.ones(len(table.regions)))
    n, A, y, x = table.n, true.A.table(), Y.table(), x.entries()
    home = [[a if groups[i] == groups[j] else arb(0) for j, a in enumerate(row)]
            for i, row in enumerate(A)]  # fmt: skip
    m = (exact([case.s]) * (identity(n) - arb_mat(home)).inv()).entries()
    sums: dict[Any, arb] = {}
    for i in range(n):
        row = (groups[i], table.rows[i][1])
        for group in dict.fromkeys(of_region.values()):
            amount = arb(0)
            if groups[i] != group:
                if use != "final":
                    amount += summed(A[i][j] * x[j] for j in range(n) if groups[j] == group)
                if use != "intermediate":
                    amount += summed(
                        y[i][q] for q, r in enumerate(table.regions) if of_region[r] == group
                    )
            sums[row, group] = sums.get((row, group), arb(0)) + m[i] * amount
    return sums


@question
def flows_of_trade(case: Case) -> Iterator[Claim]:
    found = _flows_of(case)
    found, groups = _groups(case, found)
    of_region = dict(zip(case.table.regions, groups))
    use = case.one_of(None, None, "intermediate", "final")
    sums = _trade(case, of_region, use)
    frame = found.by_traded_product(use)
    yield Claim("by_traded_product", any_sum(_compared(frame, sums)), frame.attrs["error_bound"])
    both: dict[Any, arb] = {}
    for (row, q), value in sums.items():
        both[row[0], q] = both.get((row[0], q), arb(0)) + value
    frame = found.bilateral_trade(use)
    yield Claim("bilateral_trade", any_sum(_compared(frame, both)), frame.attrs["error_bound"])
    if use is None:
        kinds = ("energy", "commodity", "product", "service")
        of_sector = {s: kinds[i % 4] for i, s in enumerate(case.table.sectors)}
        split = found.split(of_sector)
        border = {k: arb(0) for k in kinds}
        final = {k: arb(0) for k in kinds}
        for (row, _), value in sums.items():
            border[of_sector[row[1]]] += value
        for ((region, product), consumer), value in _by_product(case).items():
            if of_region[region] != of_region[consumer]:
                final[of_sector[product]] += value
        for column, true in (("by_border_product", border), ("by_final_product", final)):
            errors = [arb(float(v)) - true[k] for k, v in split[column].items()]
            yield Claim(f"split {column}", any_sum(errors), split.attrs["error_bound"])
        region, sector = case.one_of(*found.by_emitting_sector().index)
        frame = found.sector(region, sector)
        errors = [
            arb(float(v)) - both_
            for v, both_ in zip(
                frame.exported_to, (sums[(region, sector), g] for g in frame.index), strict=True
            )
        ]
        yield Claim("sector exported_to", any_sum(errors), frame.attrs["error_bound"])


@question
def change_from(case: Case) -> Iterator[Claim]:
    before, after = case.table, case.other
    flows_before = cf.flows(before, case.stressor, **case.accuracy())
    frame = cf.flows(after, case.stressor, **case.accuracy()).change_from(flows_before)
    sums = []
    for table in (before, after):
        here = Case.__new__(Case)
        here.__dict__ |= {"rng": case.rng, "recipe": case.recipe, "table": table,
                          "stressor": case.stressor, "selected": None}  # fmt: skip
        sums.append(_grouped(here, list(table.regions), _flows(here)[2], list(table.regions)))
    errors = [
        arb(float(v)) - (sums[1][r, q] - sums[0][r, q])
        for r, q, v in zip(frame["from"], frame["to"], frame["change"])
    ]
    yield Claim("change", any_sum(errors), frame.attrs["error_bound"])


FOOTPRINTS = ("M", "D_cba", "D_pba", "D_imp", "D_exp")


@question
def footprints(case: Case) -> Iterator[Claim]:
    """The sum of all errors of a stressor is within its bound, for M in the weight of M."""
    table = case.table
    found = cf.footprints(table, **case.accuracy())
    names = [*FOOTPRINTS, *(f"{name}_reg" for name in FOOTPRINTS[1:])]
    true: dict[tuple[str, str], list[arb]] = {}
    cost = case.one_of(None, 0.0, 1e30)  # D_imp by factors, or by pairs or columns
    way = mock.patch.object(_imported_footprints, "inverse_cost", return_value=cost)
    for name in case.rng.permutation(names)[:4]:
        with nullcontext() if cost is None else way:
            frame = getattr(found, name)
        weights = _demanded(table) if name == "M" else [arb(1)] * frame.shape[1]
        for stressor, bound in frame.attrs["error_bound"].items():
            if (name, stressor) not in true:
                true |= _footprints(case, stressor)
            values = true[name, stressor]
            errors = [arb(float(v)) - t for v, t in zip(frame.loc[stressor], values, strict=True)]
            yield Claim(name, summed(w * abs(e) for w, e in zip(weights, errors)), bound)


def _demanded(table: cf.Table) -> list[arb]:
    """Return Σ|Y| + x / 100 by row."""
    x = table.x.to_numpy()
    x = np.where(x > 0, x, x[x > 0].min(initial=np.inf) if (x > 0).any() else 1.0)
    bought = [summed(abs(v) for v in row) for row in exact(table.Y.to_numpy()).table()]
    return [b + arb(v) / 100 for b, v in zip(bought, x.tolist())]


def _footprints(case: Case, stressor: str) -> dict[tuple[str, str], list[arb]]:
    """Return all accounts of a stressor by name, in the order of their columns."""
    table, regions = case.table, list(case.table.regions)
    labels = list(dict.fromkeys(sector for _, sector in table.rows))
    s = [arb(v) for v in table.S.loc[stressor].tolist()]
    own, L, Y = list(case.true.row_region), case.true.L.table(), case.true.demand().table()
    x = (case.true.L * case.true.demand()).table()
    rows = range(table.n)
    M = [summed(s[i] * L[i][j] for i in rows) for j in rows]
    foreign = {
        q: [summed(s[i] * L[i][j] for i in rows if own[i] != q) for j in rows] for q in regions
    }
    sold = {p: [j for j, (_, sector) in enumerate(table.rows) if sector == p] for p in labels}
    made = {
        "M": M,
        "D_cba": [summed(M[j] * Y[j][k] for j in sold[p])
                  for k, _ in enumerate(regions) for p in labels],
        "D_imp": [summed(foreign[q][j] * Y[j][k] for j in sold[p])
                  for k, q in enumerate(regions) for p in labels],
        "D_pba": [s[i] * summed(x[i]) for i in rows],
        "D_exp": [s[i] * summed(v for v, q in zip(x[i], regions) if q != own[i]) for i in rows],
    }  # fmt: skip
    F_Y = table.F_Y.loc[stressor].tolist()
    direct = [summed(arb(v) for v, q in zip(F_Y, case.true.consumer) if q == r) for r in regions]
    for name in FOOTPRINTS[1:]:
        bought = name in ("D_cba", "D_imp")
        home = [q for q in regions for _ in labels] if bought else own
        by_region = [summed(v for v, q in zip(made[name], home) if q == r) for r in regions]
        if name in ("D_cba", "D_pba"):
            by_region = [v + d for v, d in zip(by_region, direct)]
        made[f"{name}_reg"] = by_region
    return {(name, stressor): values for name, values in made.items()}


@question(rare=True)
def calc_all(case: Case) -> Iterator[Claim]:
    io = cf.to_pymrio(case.table)
    cf.calc_all(io)
    yield from ()
