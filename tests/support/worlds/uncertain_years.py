"""Two tables of the same rows, in other orders, with errors of both, and what these come to."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from support.references.effect_errors_reference import EffectErrorsReference
from support.references.uncertainty_reference import UncertaintyReference
from support.worlds.uncertain_tables import errors_of, questions

import carbonflows_fast as cf

__all__ = ["later", "two_years"]


def later(rng: np.random.Generator, table: cf.Table, negatives: bool) -> cf.Table:
    """The same rows with other numbers, some of them gone, some new."""
    n = table.n
    A = np.abs(table.A.toarray()) + (rng.random((n, n)) < 0.2) * 0.02
    A = A * rng.uniform(0.5, 1.5, (n, n)) * (rng.random((n, n)) < 0.9)
    idle = table.x.to_numpy() == 0
    A[idle], A[:, idle] = 0.0, 0.0
    A *= np.minimum(1.0, 0.85 / np.maximum(np.abs(A).sum(axis=0), 1e-9))
    Y = np.abs(table.Y.to_numpy()) * rng.uniform(0.5, 1.5, table.Y.shape)
    S = np.abs(table.S.to_numpy()) * rng.uniform(0.5, 1.5, table.S.shape)
    if negatives:
        A[rng.random((n, n)) < 0.1] *= -1.0
        Y[rng.random(Y.shape) < 0.15] *= -0.3
        S[rng.random(S.shape) < 0.05] *= -1.0
    x = np.linalg.solve(np.eye(n) - A, Y.sum(axis=1))
    x[np.abs(x) < 1e-3 * np.abs(x).max(initial=0.0)] = 0.0
    A[:, x == 0], Y[x == 0], A[x == 0] = 0.0, 0.0, 0.0
    return cf.Table(
        A=A, Y=Y, S=S, x=x, F_Y=table.F_Y.to_numpy() * 1.1 if table.content.F_Y is not None
        else None, regions=table.rows.get_level_values("region"),
        sectors=table.rows.get_level_values("sector"), demand=list(table.demand),
        stressors=list(table.stressors), stressor_units=[str(u) for u in table.stressor_units],
        row_units="M.EUR",
        population=None if table.content.population is None else
        {k: v * 1.3 for k, v in table.population.to_dict().items()},
    )  # fmt: skip


def turned(table: cf.Table, rows: Any, columns: Any) -> cf.Table:
    """The same table in another order."""
    return cf.Table(
        A=table.A.toarray()[np.ix_(rows, rows)], Y=table.Y.to_numpy()[np.ix_(rows, columns)],
        S=table.S.to_numpy()[:, rows], x=table.x.to_numpy()[rows],
        F_Y=None if table.content.F_Y is None else table.F_Y.to_numpy()[:, columns],
        regions=table.rows.get_level_values("region")[rows],
        sectors=table.rows.get_level_values("sector")[rows],
        demand=[table.demand[k] for k in columns], stressors=list(table.stressors),
        stressor_units=[str(u) for u in table.stressor_units], row_units="M.EUR",
        population=None if table.content.population is None else table.population.to_dict(),
    )  # fmt: skip


def put_back(cells: dict[str, Any], rows: Any, columns: Any) -> dict[str, Any]:
    """Cells of a turned table in the order of the table that it was made of."""
    found = {}
    for source, values in cells.items():
        first = rows if source in ("Z", "Y") else np.arange(values.shape[0])
        second = rows if source in ("Z", "F") else columns
        found[source] = np.zeros_like(values)
        found[source][np.ix_(first, second)] = values
    return found


@st.composite
def two_years(draw: Any, method: str) -> tuple[dict[str, Any], EffectErrorsReference]:
    """What `structural_decomposition` is asked, and the same the slow way."""
    before, stressor, errors, slow = draw(questions())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    plain = later(rng, before, draw(st.booleans()))
    rows, columns = np.arange(before.n), np.arange(len(before.demand))
    if draw(st.booleans()):
        rows, columns = rng.permutation(rows), rng.permutation(columns)
    after = turned(plain, rows, columns)
    second, own, shared = draw(errors_of(after))
    own = put_back(own, rows, columns)
    shared = [(sd, put_back(one, rows, columns)) for sd, one in shared]
    demand: Any = draw(st.sampled_from([None, before.regions[-1], "own"]))
    asked: Any = None
    if demand == "own":
        demand = asked = rng.uniform(0.5, 3.0, before.n)
    elif demand is not None:
        asked = np.array(before.demand.get_level_values("region")) == demand
    deflators = rng.uniform(0.7, 1.4, before.n) if draw(st.booleans()) else None
    heads = None
    if before.content.population is not None and (asked is None or asked.dtype == bool):
        heads = tuple(
            np.where(
                [asked is None or q == demand for q in before.regions],
                one.population.reindex(list(before.regions)).to_numpy(), 1.0)
            for one in (before, plain)
        )  # fmt: skip
        if not all((np.isfinite(one) & (one > 0)).all() for one in heads):
            heads = None
    years = slow, UncertaintyReference(plain, slow.weights, "", own, shared)
    reference = EffectErrorsReference(years, method, asked, 8, heads, deflators)
    given = {
        "before": before, "after": after, "stressor": stressor, "demand": demand,
        "method": method, "deflators": deflators, "errors": (errors, second),
    }  # fmt: skip
    return given, reference
