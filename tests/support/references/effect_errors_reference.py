"""How sure effects are, the slow way: decompositions of perturbed tables, by dense inverses.

Everything is written for complex numbers, so that a complex step gives the derivative to a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from support.references.chain_errors_reference import perturbed
from support.references.uncertainty_reference import STEP, UncertaintyReference

Array = npt.NDArray[np.float64]


def size(z: Any) -> Any:
    return z * np.sign(np.real(z))


def clear(terms: Any) -> Any:
    """How far a sum is clear of terms that cancel."""
    everything = size(terms).sum()
    if np.real(everything) == 0:
        return 0.0
    kept = (size(terms.sum()) / everything - 0.25) / 0.25
    return 0.0 if kept.real <= 0 else 1.0 if kept.real >= 1 else kept


def mean_of_products(f: Any, g: Any) -> Any:
    return (f[0] * g[0] + f[1] * g[1]) / 3 + (f[0] * g[1] + f[1] * g[0]) / 6


@dataclass
class EffectErrorsReference:
    """Effects of two tables with perturbed cells; years are references that know their errors."""

    years: tuple[UncertaintyReference, UncertaintyReference]
    method: str
    columns: Any = None
    nodes: int = 8
    heads: Any = None
    deflators: Any = None

    def data(self, changes: tuple[dict[str, Any], dict[str, Any]]) -> list[dict[str, Any]]:
        found = []
        for slow, change in zip(self.years, changes, strict=True):
            of = perturbed(slow, change)
            kept = slow.kept
            if self.columns is not None and self.columns.dtype != bool:
                of["Y"] = self.columns[:, None].astype(of["Y"].dtype)
            else:
                own = kept.consumer
                asked = np.ones(len(own), bool) if self.columns is None else self.columns
                each = [of["Y"][:, asked & (own == q)].sum(axis=1) for q in kept.regions]
                of["Y"] = np.stack(each, axis=1)
            found.append(of)
        if self.deflators is not None:
            of, p = found[1], self.deflators
            of["A"], of["s"], own = of["A"] / p[:, None] * p, of["s"] * p, self.columns
            if own is None or own.dtype == bool:
                of["Y"] = of["Y"] / p[:, None]
        return found

    def effects(self, changes: tuple[dict[str, Any], dict[str, Any]] = ({}, {})) -> Any:
        zero, one = self.data(changes)
        n = len(zero["s"])
        sector = self.years[0].kept.sector
        L = [np.linalg.inv(np.eye(n) - of["A"]) for of in (zero, one)]
        s, y = [zero["s"], one["s"]], [zero["Y"].sum(axis=1), one["Y"].sum(axis=1)]
        if self.method == "polar":
            x = [L[a] @ y[a] for a in (0, 1)]
            m = [s[a] @ L[a] for a in (0, 1)]
            mean_x, mean_m = (x[0] + x[1]) / 2, (m[0] + m[1]) / 2
            P = (np.outer(m[0], x[1]) + np.outer(m[1], x[0])) / 2
        elif self.method == "shapley":
            w = [[1 / 3, 1 / 6], [1 / 6, 1 / 3]]
            both = [(a, b) for a in (0, 1) for b in (0, 1)]
            mean_x = sum(w[a][b] * (L[a] @ y[b]) for a, b in both)
            mean_m = sum(w[a][c] * (s[c] @ L[a]) for a, c in both)
            P = sum(
                w[c][b] / 2 * np.outer(s[c] @ L[a], L[1 - a] @ y[b])
                for c, b in both
                for a in (0, 1)
            )
        else:
            t, weights = np.polynomial.legendre.leggauss(self.nodes)
            mean_x, mean_m, P = 0, 0, 0
            for at, weight in zip((t + 1) / 2, weights / 2, strict=True):
                of = {k: (1 - at) * zero[k] + at * one[k] for k in ("A", "s", "Y")}
                inverse = np.linalg.inv(np.eye(n) - of["A"])
                x, m = inverse @ of["Y"].sum(axis=1), of["s"] @ inverse
                mean_x, mean_m = mean_x + weight * x, mean_m + weight * m
                P = P + weight * np.outer(m, x)
        change = one["A"] - zero["A"]
        trade = np.zeros_like(change + P)
        for p in np.unique(sector):
            rows = np.flatnonzero(sector == p)
            for j in range(n):
                a = [of["A"][rows, j] for of in (zero, one)]
                split = clear(a[0]) * clear(a[1])
                if np.real(split) > 0:
                    c = [each.sum() for each in a]
                    trade[rows, j] = split * (c[0] + c[1]) / 2 * (a[1] / c[1] - a[0] / c[0])
        demand = [mean_m @ part for part in self.demand_parts(zero["Y"], one["Y"], sector)]
        return np.array([
            (s[1] - s[0]) @ mean_x, ((change - trade) * P).sum(), (trade * P).sum(), *demand
        ])  # fmt: skip

    def demand_parts(self, Y0: Any, Y1: Any, sector: Any) -> list[Any]:
        """(Population,) level, mix and origin, summed over consumers, by row."""
        kind = np.result_type(Y0, Y1)
        n, consumers = Y0.shape
        parts = np.zeros((4, n), kind)
        for q in range(consumers):
            v = [Y0[:, q], Y1[:, q]]
            products = [sector == p for p in np.unique(sector)]
            level = [one.sum() for one in v]
            # Clear of what products are made of: all terms, not sums by product.
            whole = clear(v[0]) * clear(v[1])
            for here in products:
                split = clear(v[0][here]) * clear(v[1][here])
                B = [one[here].sum() for one in v]
                for i in np.flatnonzero(here):
                    u = [one[i] for one in v]
                    on_split, on_whole = np.real(split) > 0, np.real(whole) > 0
                    o = [u[k] / B[k] if on_split else 0.0 for k in (0, 1)]
                    b = [B[k] / level[k] if on_whole else 0.0 for k in (0, 1)]
                    cell = [u[k] / level[k] if on_whole else 0.0 for k in (0, 1)]
                    unit = whole * (
                        split * mean_of_products(b, o) + (1 - split) * (cell[0] + cell[1]) / 2
                    )
                    bought = (1 - whole) * (
                        split * (B[1] - B[0]) * (o[0] + o[1]) / 2 + (1 - split) * (u[1] - u[0])
                    )
                    heads: Any = 0.0
                    if self.heads is not None:
                        h = [one[q] for one in self.heads]
                        heads = (h[1] - h[0]) / 2 * (level[0] / h[0] + level[1] / h[1]) * unit
                    parts[0, i] += heads
                    parts[1, i] += (level[1] - level[0]) * unit + bought - heads
                    parts[2, i] += whole * (
                        split * (b[1] - b[0]) * mean_of_products(level, o)
                        + (1 - split) * (level[0] + level[1]) / 2 * (cell[1] - cell[0])
                    )
                    parts[3, i] += (
                        split
                        * (o[1] - o[0])
                        * (whole * mean_of_products(level, b) + (1 - whole) * (B[0] + B[1]) / 2)
                    )
        return list(parts if self.heads is not None else parts[1:])

    def slopes(self, year: int) -> dict[str, Array]:
        """Derivative × cell of a year, (effects, *shape of the source)."""
        slow, found = self.years[year], {}
        for source, cells in slow.cells.items():
            out = np.zeros((len(self.effects()), *cells.shape))
            wanted = source in slow.sizes or any(source in one for _, one in slow.shared)
            for cell in np.argwhere(cells != 0) if wanted else ():
                at = tuple(cell)
                moved = cells.astype(complex)
                moved[at] += 1j * STEP
                changes: Any = [{}, {}]
                changes[year] = {source: moved}
                out[:, *at] = np.imag(self.effects(tuple(changes))) / STEP * cells[at]
            found[source] = out
        return found

    def covariance(self, correlation: float) -> Array:
        """Shared errors of the two years are one draw, in their order."""
        slopes = [self.slopes(year) for year in (0, 1)]
        count = len(self.effects())
        total = np.zeros((count, count))
        for source in ("Z", "Y", "F", "F_Y"):
            J = [
                (slopes[k][source] * self.years[k].sizes.get(source, 0.0)).reshape(count, -1)
                for k in (0, 1)
            ]
            both = correlation * J[0] @ J[1].T
            total += J[0] @ J[0].T + J[1] @ J[1].T + both + both.T
        for at in range(max(len(one.shared) for one in self.years)):
            moved = np.zeros(count)
            for year, slow in enumerate(self.years):
                sd, loadings = slow.shared[at] if at < len(slow.shared) else (0.0, {})
                for source, loading in loadings.items():
                    moved += sd * (slopes[year][source] * loading).reshape(count, -1).sum(axis=1)
            total += np.outer(moved, moved)
        return total
