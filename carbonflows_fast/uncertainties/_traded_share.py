"""How sure the share of emissions is that crosses a border.

It is Σ_rq w_rq E_rq + Σ_q h_q H_q with weights that are derivatives, H_q what the final users of q
emit: for the share s of G = Σ|E|, w_rq is (1 − s)/G for r ≠ q and −s/G for r = q, times the sign of
E_rq. An error of z_ij moves it by Σ_q b_i^q (ξ_j^q − ξ_i^q), b_i^q = Σ_r m_i^r w_rq: R terms that
have to be added up before the square is taken, for every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._region_flows import summed_by_group
from carbonflows_fast.uncertainties._error_model._cells import cells_of_Y, cells_of_Z
from carbonflows_fast.uncertainties._error_model._errors import SOURCES, named

if TYPE_CHECKING:
    from carbonflows_fast.accounting._region_flows import RegionFlows
    from carbonflows_fast.table import Table
    from carbonflows_fast.uncertainties._measured import Measured

__all__ = ["OF_ALL", "TradedOrigins", "TradedShare"]

OF_ALL = ("industries", "all")
"""Whose emissions it is a share of: industries', or those of final users as well."""


@dataclass(frozen=True, slots=True, eq=False)
class TradedOrigins:
    """Variances of both shares by the row whose data are wrong, and by region of final users.

    Attributes
    ----------
    table : Table
    by_row : ndarray, shape (n, 2)
    direct : ndarray, shape (R, 2)
    """

    table: Table
    by_row: FloatArray
    direct: FloatArray

    def by_region(self) -> FloatArray:
        """Return variances by region of the seller, emitter or final user, (2, 1, R)."""
        p = self.table.content
        found = sums.sum_by_group(self.by_row, p.region_codes, len(p.regions)) + self.direct
        return found.T[:, None, :]

    def by_sector(self) -> FloatArray:
        """Return the same by sector, and of final users last, (2, 1, sectors + 1)."""
        p = self.table.content
        found = sums.sum_by_group(self.by_row, p.sector_codes, len(p.sectors) + 1)
        found[-1] = self.direct.sum(axis=0)
        return found.T[:, None, :]


class TradedShare:
    """Both traded shares of a table, and what errors do to them."""

    def __init__(self, measured: Measured, flow: RegionFlows) -> None:
        self._measured = measured
        self._E, self._H = flow.matrix, flow.households
        crossing = 1.0 - np.eye(len(self._E))
        traded = float((np.abs(self._E) * crossing).sum())
        industries = float(np.abs(self._E).sum())
        sizes = (industries, industries + float(np.abs(self._H).sum()))
        shares = [traded / size if size else float("nan") for size in sizes]
        index = pd.Index(list(OF_ALL), name="share of")
        self.value = pd.DataFrame({"traded_share": shares}, index)
        scale = measured.at.scale
        per = [scale / size if size else 0.0 for size in sizes]
        known = np.nan_to_num(shares)
        self._weights = [
            np.sign(self._E) * (crossing - share) * one
            for share, one in zip(known, per, strict=True)
        ]
        self._direct = [np.zeros_like(self._H), -known[1] * np.sign(self._H) * per[1]]

    def moves(self) -> dict[str, FloatArray]:
        """Return how one standard deviation of each shared error moves both, (2, 1)."""
        found = {}
        for name, (E, households) in self._measured.shared.items():
            pairs = zip(self._weights, self._direct, strict=True)
            moved = [(W * E).sum() + (h * households).sum() for W, h in pairs]
            found[name] = np.array(moved)[:, None]
        return found

    def variances(self) -> tuple[dict[str, FloatArray], TradedOrigins]:
        """Return variances by source, (2, 1) each, and where those of single cells come from."""
        measured, table = self._measured, self._measured.table
        rows = {name: self._by_row(name) for name in ("Z", "Y", "F")}
        direct = np.zeros((len(self._H), 2))
        if "F_Y" in measured.emitted:
            own = summed_by_group(measured.emitted["F_Y"], measured.consumers, measured.size)
            direct = np.stack([np.square(h) * own for h in self._direct], axis=1)
        found = {name: by_row.sum(axis=0)[:, None] for name, by_row in rows.items()}
        found["F_Y"] = direct.sum(axis=0)[:, None]
        variances = {name: found[name] for name in SOURCES}
        variances |= {name: np.square(moved) for name, moved in self.moves().items()}
        by_row: FloatArray = np.sum(list(rows.values()), axis=0)
        return variances, TradedOrigins(table, by_row, direct)

    def _by_row(self, source: str) -> FloatArray:
        measured = self._measured
        if getattr(measured.errors, source) is None:
            return np.zeros((measured.table.n, 2))
        of = {"Z": self._by_deliveries, "Y": self._by_demand, "F": self._by_emissions}[source]
        return np.stack([of(W) for W in self._weights], axis=1)

    def _by_deliveries(self, W: FloatArray) -> FloatArray:
        measured = self._measured
        with named(measured.errors):
            cells = cells_of_Z(measured.table, measured.errors.Z, 2)
        return cells.spread(measured.at.carried @ W, measured.at.centred)

    def _by_demand(self, W: FloatArray) -> FloatArray:
        measured = self._measured
        b, shares = measured.at.carried @ W, measured.at.shares
        with named(measured.errors):
            cells = cells_of_Y(measured.table, measured.errors.Y)
        variances = measured.by_consumer(np.square(cells, out=cells))
        moved = b - (b * shares).sum(axis=1, keepdims=True)
        found: FloatArray = (variances * np.square(moved)).sum(axis=1)
        return found

    def _by_emissions(self, W: FloatArray) -> FloatArray:
        measured = self._measured
        moved = (W[measured.codes] * measured.at.shares).sum(axis=1)
        found: FloatArray = measured.emitted["F"] * np.square(moved)
        return found
