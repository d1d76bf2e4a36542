"""Uncertainty the slow way: the derivative of every answer to every cell, and dense covariances.

Derivatives are taken by complex steps: f(z + ih) has the derivative as its imaginary part over h,
exact to rounding, for h is so small that its square is nothing. No formula of the library is used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast.table import Table

Array = npt.NDArray[np.float64]
STEP = 1e-40
ACCOUNTS = ["production", "consumption", "imports", "exports", "net_imports", "households"]


@dataclass
class Kept:
    """Labels of rows and demand columns, and numbers of a table as it is."""

    regions: list[str]
    emitter: Any
    sector: Any
    consumer: Any
    x: Array
    A: Array
    S: Array
    weights: Array
    delivered: Array


@dataclass
class UncertaintyReference:
    """Answers of a perturbed table: flows (R, R), accounts (R, 6) or traded shares, as one vector.

    Attributes
    ----------
    weights : dict of stressor to weight
    sizes : dict of source to relative deviations of the whole shape
    shared : list of (sd, dict of source to relative loadings of the whole shape)
    """

    table: Table
    weights: dict[str, float]
    of: str
    sizes: dict[str, Array]
    shared: list[tuple[float, dict[str, Array]]]

    @cached_property
    def cells(self) -> dict[str, Array]:
        t = self.table
        return {"Z": t.Z.toarray(), "Y": t.Y.to_numpy(), "F": t.F.to_numpy(),
                "F_Y": t.F_Y.to_numpy()}  # fmt: skip

    @cached_property
    def kept(self) -> Kept:
        """What no change of cells moves, looked up once for thousands of answers."""
        t = self.table
        return Kept(
            list(t.regions), np.array(t.rows.get_level_values("region")),
            np.array(t.rows.get_level_values("sector")),
            np.array(t.demand.get_level_values("region")), t.x.to_numpy(), t.A.toarray(),
            t.S.to_numpy(), np.array([self.weights.get(name, 0.0) for name in t.stressors]),
            self.cells["Z"].sum(axis=1) + self.cells["Y"].sum(axis=1),
        )  # fmt: skip

    def answers(self, **changes: Any) -> Any:
        """Solve a table with changed cells; its output follows Z and Y."""
        kept, cells = self.kept, self.cells | changes
        after = kept.x + (cells["Z"].sum(axis=1) + cells["Y"].sum(axis=1) - kept.delivered)
        inverse_x = np.array(
            [1.0 / a if b != 0 else 0.0 for a, b in zip(after, kept.x, strict=True)]
        )
        s, F_Y = (kept.weights @ cells["F"]) * inverse_x, kept.weights @ cells["F_Y"]
        L = np.linalg.inv(np.eye(len(kept.x)) - cells["Z"] * inverse_x)
        E, own = [], []
        for q in kept.regions:
            emitted = s * (L @ cells["Y"][:, kept.consumer == q].sum(axis=1))
            E.append([emitted[kept.emitter == r].sum() for r in kept.regions])
            own.append(F_Y[kept.consumer == q].sum())
        return self.arranged(np.array(E).T, np.array(own))

    def arranged(self, E: Any, own: Any) -> Any:
        """Return the flows, or accounts of regions, as a flat vector."""
        if self.of == "flows":
            return E.ravel()
        if self.of == "traded_share":
            sizes, household_sizes = (np.where(np.real(part) < 0, -part, part) for part in (E, own))
            traded = sizes.sum() - np.trace(sizes)
            return traded / np.array([sizes.sum(), sizes.sum() + household_sizes.sum()])
        rows = []
        for r in range(len(E)):
            others = [q for q in range(len(E)) if q != r]
            made, used = E[r].sum() + own[r], E[:, r].sum() + own[r]
            rows.append([made, used, E[others, r].sum(), E[r, others].sum(), used - made, own[r]])
        return np.array(rows).ravel()

    def slope(self, source: str, cell: tuple[int, ...]) -> Array:
        """The derivative of all answers to one cell."""
        moved = self.cells[source].astype(complex)
        moved[cell] += 1j * STEP
        found: Array = np.imag(self.answers(**{source: moved})) / STEP
        return found

    @cached_property
    def slopes(self) -> dict[str, Array]:
        """Derivative × cell, (answers, *shape of the source); zero cells move nothing."""
        found = {}
        for source, cells in self.cells.items():
            size = self.answers().size
            out = np.zeros((size, *cells.shape))
            wanted = source in self.sizes or any(source in one for _, one in self.shared)
            for cell in np.argwhere(cells != 0) if wanted else ():
                out[:, *cell] = self.slope(source, tuple(cell)) * cells[tuple(cell)]
            found[source] = out
        return found

    @cached_property
    def parts(self) -> dict[str, Array]:
        """What the own error of each cell adds to variances, (answers, *shape of the source)."""
        return {
            source: np.square(slopes * self.sizes.get(source, 0.0))
            for source, slopes in self.slopes.items()
        }

    @cached_property
    def moves(self) -> list[Array]:
        """How one standard deviation of each shared error moves all answers."""
        size, found = self.answers().size, []
        for sd, loadings in self.shared:
            parts = [self.slopes[s] * loading for s, loading in loadings.items()]
            each = [part.reshape(size, -1).sum(axis=1) for part in parts]
            found.append(sd * np.sum(each, axis=0))
        return found

    @cached_property
    def covariances(self) -> list[Array]:
        """Covariance of all answers by source: Z, Y, F, F_Y, then each shared error."""
        size = self.answers().size
        found = []
        for source in ("Z", "Y", "F", "F_Y"):
            J = (self.slopes[source] * self.sizes.get(source, 0.0)).reshape(size, -1)
            found.append(J @ J.T)
        found += [np.outer(moved, moved) for moved in self.moves]
        return found

    @cached_property
    def covariance(self) -> Array:
        total: Array = np.sum(self.covariances, axis=0)
        return total
