"""What purchases cause, line by line and row by row, with the inverse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from support.references.reference import Array, Reference


@dataclass
class Spending:
    """A table in M.EUR, and all that amounts of money may need.

    index : P by (sector, year); rates : by currency; shares : basic, trade, transport by sector,
    or None for basic prices; suppliers : sectors of trade and of transport.
    """

    reference: Reference
    s: Array
    buyer: str | None = None
    index: dict[tuple[str, int], float] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    shares: dict[str, tuple[float, float, float]] | None = None
    suppliers: tuple[Sequence[str], Sequence[str]] = ((), ())

    @property
    def rows(self) -> list[tuple[str, str]]:
        r = self.reference
        return list(zip(r.region_of_row, r.sector_of_row, strict=True))

    def _use(self, row: int) -> float:
        """What the buyer's industries and final users buy of a row."""
        table, r, x = self.reference.table, self.reference, self.reference.table.x.to_numpy()
        used = 0.0
        for j, (region, _) in enumerate(self.rows):
            used += r.A[row, j] * x[j] * (region == self.buyer)
        for p, (region, _) in enumerate(table.demand):
            used += table.Y.to_numpy()[row, p] * (region == self.buyer)
        return max(used, 0.0)

    def origins(self, product: str, region: str) -> list[tuple[int, float]]:
        """Rows of a product, and the part of the money that each gets."""
        rows = [i for i, (r, k) in enumerate(self.rows) if k == product and region in ("", r)]
        if len(rows) == 1:
            return [(rows[0], 1.0)]
        if region or self.buyer is None:
            sizes = [max(float(self.reference.table.x.iloc[i]), 0.0) for i in rows]
        else:
            sizes = [self._use(i) for i in rows]
        return [(i, size / sum(sizes)) for i, size in zip(rows, sizes) if sum(sizes)]

    def demand(self, line: dict[str, Any], parts: Sequence[tuple[str, str, float]]) -> Array | None:
        """M.EUR at basic prices of each row, or None where a product is bought nowhere."""
        year, own = line["year"], self.reference.table.year
        y = np.zeros(len(self.rows))
        for product, where, weight in parts:
            origins = self.origins(product, where or line["region"])
            if not origins:
                return None
            ratio = 1.0 if year == own else self.index[product, own] / self.index[product, year]
            paid = line["amount"] * self.rates.get(line["currency"], 1.0) * ratio * weight / 1e6
            for row, share in origins:
                self._spend(y, row, paid * share)
        return y

    def _spend(self, y: Array, row: int, paid: float) -> None:
        region, product = self.rows[row]
        if self.shares is None:
            y[row] += paid
            return
        y[row] += paid * self.shares[product][0]
        for share, sectors in zip(self.shares[product][1:], self.suppliers, strict=True):
            supply = [i for i, (r, k) in enumerate(self.rows) if r == region and k in sectors]
            outputs = [max(float(self.reference.table.x.iloc[i]), 0.0) for i in supply]
            for i, output in zip(supply, outputs, strict=True):
                y[i] += paid * share * output / sum(outputs)

    def emitted(self, y: Array) -> Array:
        """Emissions by region, (R,)."""
        found = np.zeros(len(self.reference.table.regions))
        for i, amount in enumerate(self.s * (self.reference.L @ y)):
            found[self.reference.table.regions.index(self.rows[i][0])] += amount
        return found

    def tier(self, y: Array, k: int) -> float:
        """Emissions k purchases away."""
        return float(self.s @ np.linalg.matrix_power(self.reference.A, k) @ y)
