"""Responsibility and extraction, and what they claim about their error."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from flint import arb, arb_mat
from support.exact.exact_case import Case, Claim, question
from support.references.exact_reference import any_sum, exact, identity, summed, transposed

import carbonflows_fast as cf
from carbonflows_fast.table._selection import select_stressor


def _errors(found: Any, true: list[arb]) -> list[arb]:
    return [arb(float(v)) - t for v, t in zip(found, true, strict=True)]


def _income(case: Case) -> list[arb]:
    """1 − Σ_i a_ij where there is output."""
    bought = (transposed(case.true.A) * exact(np.ones(case.table.n))).entries()
    made = case.table.x.to_numpy() != 0.0
    return [1 - a if m else arb(0) for a, m in zip(bought, made.tolist(), strict=True)]


def _enabled(case: Case) -> list[arb]:
    x = exact(case.table.x.to_numpy())
    w = (case.true.L * case.true.times(case.s, x)).entries()
    return [v * one for v, one in zip(_income(case), w, strict=True)]


@question
def enabled(case: Case) -> Iterator[Claim]:
    frame = cf.enabled(case.table, case.stressor, **case.accuracy())
    errors = _errors(frame["enabled"], _enabled(case))
    yield Claim("rows", any_sum(errors), frame.attrs["error_bound"])


@question
def responsibility(case: Case) -> Iterator[Claim]:
    table, true = case.table, case.true
    told = cf.responsibility(table, case.stressor, **case.accuracy())
    bound, R = told.attrs["error_bound"], len(table.regions)
    x = (true.L * true.demand()).table()
    s = [arb(v) for v in case.s.tolist()]
    households = [arb(0)] * R
    for value, q in zip(select_stressor(table, case.stressor).F_Y.tolist(), true.consumer):
        households[true.regions.index(q)] += arb(value)
    by_row = [true.regions.index(r) for r in true.row_region]
    consumed, income = list(households), list(households)
    for i, row in enumerate(x):
        for q in range(R):
            consumed[q] += s[i] * row[q]
    for i, value in enumerate(_enabled(case)):
        income[by_row[i]] += value
    yield Claim("consumption", any_sum(_errors(told["consumption"], consumed)), bound)
    yield Claim("income", any_sum(_errors(told["income"], income)), bound)
    exported = [summed(v for q, v in enumerate(row) if q != by_row[i]) for i, row in enumerate(x)]
    adjusted, names = list(consumed), table.rows.get_level_values("sector")
    for name in dict.fromkeys(names):
        rows = np.flatnonzero(names == name).tolist()
        whole, size = summed(exported[i] for i in rows), summed(abs(exported[i]) for i in rows)
        if not abs(whole) > size * 1e-9:
            if size > 0:
                return  # whether signs cancel is a question of rounding
            continue
        average = summed(s[i] * exported[i] for i in rows) / whole
        for i in rows:
            adjusted[by_row[i]] += (s[i] - average) * exported[i]
    errors = _errors(told["technology_adjusted"], adjusted)
    yield Claim("technology", any_sum(errors), bound)


def _left(case: Case, D: list[arb], direction: str) -> tuple[list[arb], list[arb]]:
    """Return output with and without what is taken out."""
    true, n = case.true, case.table.n
    A, y = true.A.table(), (exact(case.table.Y.to_numpy()) * exact(np.ones(
        len(case.table.demand)))).entries()  # fmt: skip
    by_row = arb_mat([[D[i] * A[i][j] for j in range(n)] for i in range(n)])
    by_column = arb_mat([[A[i][j] * D[j] for j in range(n)] for i in range(n)])
    if direction == "forward":
        x = [arb(v) for v in case.table.x.to_numpy().tolist()]
        v = arb_mat(n, 1, _income(case))
        z = ((identity(n) - transposed(by_row)).inv() * v).entries()
        return x, [a * b for a, b in zip(x, z, strict=True)]
    before = (true.L * arb_mat(n, 1, y)).entries()
    if direction == "total":
        y = [d * v for d, v in zip(D, y, strict=True)]
    without = by_row if direction == "total" else by_column
    return before, ((identity(n) - without).inv() * arb_mat(n, 1, y)).entries()


@question
def extraction(case: Case) -> Iterator[Claim]:
    part = case.one_of(1.0, 0.5, 0.3, float(case.rng.uniform(1e-3, 1)))
    direction, rows = case.one_of("total", "backward", "forward"), case.some_rows
    frame = cf.extraction(case.table, rows, stressor=case.stressor, direction=direction,
                          part=part, **case.accuracy())  # fmt: skip
    D = [1 - arb(part) if taken else arb(1) for taken in rows.tolist()]
    before, after = _left(case, D, direction)
    s, bound = [arb(v) for v in case.s.tolist()], frame.attrs["error_bound"]
    for name, true in (
        ("emissions", [a * b for a, b in zip(s, before, strict=True)]),
        ("emissions_left", [a * b for a, b in zip(s, after, strict=True)]),
        ("emissions_lost", [a * (b - c) for a, b, c in zip(s, before, after, strict=True)]),
    ):
        yield Claim(f"{direction} {name}", any_sum(_errors(frame[name], true)), bound)


@question
def carbon_price(case: Case) -> Iterator[Claim]:
    """Charges at home and at the border; payments are per consumer."""
    table, true = case.table, case.true
    regions = table.regions
    inside = case.rng.random(len(regions)) < 0.5
    if not inside.any():
        return
    border = case.one_of(None, "direct", "total")
    found = cf.carbon_price(
        table, case.stressor, 2.0, regions=[r for r, yes in zip(regions, inside) if yes],
        border=border, per="unit", **case.accuracy(),
    )  # fmt: skip
    n, bound = table.n, found.error_bound
    here = [bool(inside[regions.index(r)]) for r in true.row_region]
    own = [2 * arb(v) if yes else arb(0) for v, yes in zip(case.s.tolist(), here, strict=True)]
    A, L, x = true.A.table(), true.L, [arb(v) for v in table.x.to_numpy().tolist()]
    abroad = [arb(0) if yes else 2 * arb(v) for v, yes in zip(case.s.tolist(), here, strict=True)]
    if border == "total":
        abroad = (arb_mat([abroad]) * L).entries()
    at_border = [v if border and not yes else arb(0) for v, yes in zip(abroad, here, strict=True)]
    charged = [
        own[j] + (summed(at_border[i] * A[i][j] for i in range(n)) if here[j] else 0)
        for j in range(n)
    ]
    rises = (arb_mat([charged]) * L).entries()
    Y = table.Y.to_numpy()
    paid = []
    for k, (region, _) in enumerate(table.demand):
        value = summed(rises[i] * arb(float(Y[i, k])) for i in range(n))
        if inside[regions.index(region)]:
            value += summed(at_border[i] * arb(float(Y[i, k])) for i in range(n))
        paid.append(value)
    yield Claim("paid", any_sum(_errors(found.payments["paid"], paid)), bound)
    costs = [rises[j] * x[j] for j in range(n) if here[j]]
    yield Claim("cost", any_sum(_errors(found.exposure["cost"], costs)), bound)
    emitted = [arb(0)] * len(regions)
    for i in range(n):
        emitted[regions.index(true.row_region[i])] += own[i] * x[i]
    kept = [value for value, yes in zip(emitted, inside, strict=True) if yes]
    yield Claim("revenue", any_sum(_errors(found.revenue["emissions"], kept)), bound)
