"""Reference implementations: slow, obvious, with the inverse that the library never forms.

Every number is written as its definition reads. Nothing is shared with the library but the
table's own data, so that an error would have to be made twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast.table import Table

Array = npt.NDArray[np.float64]


def refined_solve(A: Array, Y: Array, *, start: Array, steps: int = 3) -> Array:
    """Solve (I − A) X = Y in extended precision, improving `start` step by step."""
    wide_A, wide_Y = A.astype(np.longdouble), Y.astype(np.longdouble)
    X = start.astype(np.longdouble)
    L = np.linalg.inv(np.eye(len(A)) - A)
    for _ in range(steps):
        residual = wide_Y - (X - wide_A @ X)
        X = X + (L @ residual.astype(np.float64)).astype(np.longdouble)
    return X


@dataclass
class Reference:
    """All accounts of a table, from L = (I − A)⁻¹."""

    table: Table
    demand: Any = None  # array (n, q); None: final demand by consuming region

    @cached_property
    def A(self) -> Array:
        return self.table.A.toarray()

    @cached_property
    def L(self) -> Array:
        return np.linalg.inv(np.eye(self.table.n) - self.A)

    @cached_property
    def region_of_row(self) -> npt.NDArray[Any]:
        return np.array(self.table.rows.get_level_values("region"))

    @cached_property
    def sector_of_row(self) -> npt.NDArray[Any]:
        return np.array(self.table.rows.get_level_values("sector"))

    @cached_property
    def sectors(self) -> list[str]:
        return list(dict.fromkeys(self.sector_of_row))

    @cached_property
    def Y(self) -> Array:
        """Final demand by consuming region."""
        if self.demand is not None:
            return np.asarray(self.demand)
        consumer = np.array(self.table.demand.get_level_values("region"))
        Y = self.table.Y.to_numpy()
        return np.column_stack([Y[:, consumer == q].sum(axis=1) for q in self.table.regions])

    @cached_property
    def x(self) -> Array:
        """Output for each consumer."""
        return self.L @ self.Y

    def M(self, s: Array) -> Array:
        return s @ self.L

    def flows(self, s: Array) -> Array:
        """E_rq: sum of s_i x_i^(q) over the rows i of region r."""
        E = np.zeros((len(self.table.regions), self.Y.shape[1]))
        for r, region in enumerate(self.table.regions):
            here = self.region_of_row == region
            for q in range(self.Y.shape[1]):
                E[r, q] = (s[here] * self.x[here, q]).sum()
        return E

    def households(self, F_Y: Array) -> Array:
        consumer = np.array(self.table.demand.get_level_values("region"))
        return np.array([F_Y[consumer == q].sum() for q in self.table.regions])

    def accounts(self, s: Array, F: Array, F_Y: Array) -> pd.DataFrame:
        E, direct = self.flows(s), self.households(F_Y)
        rows = []
        for r, region in enumerate(self.table.regions):
            others = [q for q in range(len(E)) if q != r]
            production = sum(E[r]) + direct[r]
            consumption = sum(E[:, r]) + direct[r]
            rows.append(
                {
                    "production": production,
                    "consumption": consumption,
                    "imports": sum(E[others, r]),
                    "exports": sum(E[r, others]),
                    "net_imports": consumption - production,
                    "net_share": (consumption - production) / production if production else np.nan,
                    "households": direct[r],
                    "unallocated": sum(F[self.region_of_row == region]) - sum(E[r]),
                }
            )
        return pd.DataFrame(rows, index=pd.Index(self.table.regions, name="region"), dtype=float)

    def traded(self, s: Array) -> float:
        """Sum of the sizes of what crosses a border."""
        E = np.abs(self.flows(s))
        return float(sum(E[r, q] for r in range(len(E)) for q in range(len(E)) if r != q))

    def net_transfers(self, s: Array) -> float:
        E = self.flows(s)
        return float(sum(max(0.0, sum(E[:, r]) - sum(E[r])) for r in range(len(E))))

    def by_emitting_sector(self, s: Array) -> Array:
        return np.array([[s[i] * v for v in self.x[i]] for i in range(self.table.n)])

    def serving(self, sector: str) -> Array:
        """Output (n, q) for what each consumer buys of a product, whatever its origin."""
        return self.L @ np.where((self.sector_of_row == sector)[:, None], self.Y, 0.0)

    def by_product(self, s: Array) -> Array:
        """P[(r, p), q]: emitted in r for what q buys of p."""
        regions, sectors = self.table.regions, self.sectors
        out = np.zeros((len(regions), len(sectors), self.Y.shape[1]))
        for p, sector in enumerate(sectors):
            emitted = s[:, None] * self.serving(sector)
            for r, region in enumerate(regions):
                out[r, p] = emitted[self.region_of_row == region].sum(axis=0)
        return out.reshape(-1, self.Y.shape[1])

    def footprints(self, S: Array) -> dict[str, Array]:
        """D_cba, D_pba, D_imp and D_exp, one stressor a row."""
        regions, sectors, n = self.table.regions, self.sectors, self.table.n
        D_cba = np.zeros((len(S), len(regions) * len(sectors)))
        D_imp, total, exported = np.zeros_like(D_cba), np.zeros(n), np.zeros(n)
        for p, sector in enumerate(sectors):
            x = self.serving(sector)
            for q, region in enumerate(regions):
                abroad = self.region_of_row != region
                D_cba[:, q * len(sectors) + p] = S @ x[:, q]
                D_imp[:, q * len(sectors) + p] = S[:, abroad] @ x[abroad, q]
                total += x[:, q]
                exported += np.where(abroad, x[:, q], 0.0)
        return {"D_cba": D_cba, "D_pba": S * total, "D_imp": D_imp, "D_exp": S * exported}
