"""Slow, obvious versions of bilateral trade and of sector studies, with dense inverses."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from support.references.reference import Array, Reference

Mask = npt.NDArray[np.bool_]


def eebt(reference: Reference, s: Array, *, groups: list[str] | None = None) -> dict[str, Array]:
    """Emissions embodied in what each row sells to each region, as (n, R): by use.

    Rows of one group are at home in each other; without groups each region is its own.
    """
    table = reference.table
    regions = list(table.regions)
    group_of = dict(zip(regions, groups or regions, strict=True))
    row_group = np.array([group_of[r] for r in reference.region_of_row])
    Z = reference.A * table.x.to_numpy()
    m = np.zeros(table.n)
    for group in dict.fromkeys(row_group):
        here = np.flatnonzero(row_group == group)
        inverse = np.linalg.inv(np.eye(here.size) - reference.A[np.ix_(here, here)])
        m[here] = s[here] @ inverse
    out = {"intermediate": np.zeros((table.n, len(regions)))}
    out["final"] = np.zeros_like(out["intermediate"])
    for q, region in enumerate(regions):
        bought = Z[:, reference.region_of_row == region].sum(axis=1)
        for i in np.flatnonzero(row_group != group_of[region]):
            out["intermediate"][i, q] = m[i] * bought[i]
            out["final"][i, q] = m[i] * reference.Y[i, q]
    return out


def domestic(reference: Reference, s: Array) -> Array:
    """What each region emits for what its own final users buy at home, (R,), home chains only."""
    found = []
    for q, region in enumerate(reference.table.regions):
        here = np.flatnonzero(reference.region_of_row == region)
        inverse = np.linalg.inv(np.eye(here.size) - reference.A[np.ix_(here, here)])
        found.append(s[here] @ inverse @ reference.Y[here, q])
    return np.array(found)


def study(reference: Reference, s: Array, T: Mask) -> dict[str, Any]:
    """A sector study by the textbook: every number from inverses of blocks."""
    A, Y, L = reference.A, reference.Y, reference.L
    O = ~T  # noqa: E741
    regions = list(reference.table.regions)
    off = np.linalg.inv(np.eye(int(O.sum())) - A[np.ix_(O, O)])
    z = np.zeros_like(Y)
    z[T] = Y[T] + A[np.ix_(T, O)] @ off @ Y[O]
    steps = np.zeros((len(regions), len(regions), Y.shape[1]))
    for p, emitter in enumerate(regions):
        m = np.where(reference.region_of_row == emitter, s, 0.0) @ L
        for r, maker in enumerate(regions):
            here = T & (reference.region_of_row == maker)
            steps[p, r] = m[here] @ z[here]
    m = s @ L
    x_T = L[np.ix_(T, T)] @ z[T]
    met = np.zeros(len(s))
    met[T], met[O] = m[T], m[T] @ A[np.ix_(T, O)] @ off
    tiers, v = [], z.sum(axis=1)
    for _ in range(11):
        tiers.append(s @ v)
        v = A @ v
    return {
        "steps": steps,
        "total": float(steps.sum()),
        "avoiding": float((s[O] @ off @ Y[O]).sum()),
        "direct": float(s[T] @ x_T.sum(axis=1)),
        "products": met[:, None] * Y,
        "tiers": np.array(tiers),
        "beyond": float(m @ v),
    }


def crossing(steps: Array, a: int, b: int) -> float:
    """The share, of sizes, of what is in different regions at two of the three steps."""
    places, sizes = np.indices(steps.shape), np.abs(steps)
    return float(sizes[places[a] != places[b]].sum() / sizes.sum())


def priced(steps: Array, system: list[bool]) -> float:
    """The share, of sizes, of what members consume that is emitted in members."""
    paid = everything = 0.0
    for (p, _, q), value in np.ndenumerate(steps):
        if system[q]:
            everything += abs(value)
            paid += abs(value) if system[p] else 0.0
    return paid / everything
