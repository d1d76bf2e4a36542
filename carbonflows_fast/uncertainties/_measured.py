"""Everything that first-order variances are made of, over one scale."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._accounts import account_columns
from carbonflows_fast.accounting._region_flows import RegionFlows, summed_by_group
from carbonflows_fast.accounting._solves import source_multipliers
from carbonflows_fast.uncertainties._answers import ACCOUNTS, Answers, account_derivatives
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import SOURCES, Errors, SharedError, named
from carbonflows_fast.uncertainties._origins import Origins
from carbonflows_fast.uncertainties._spread import (
    BALANCED,
    Buyers,
    FinalBuyers,
    Industries,
    Point,
    Spread,
    paired,
    spread_of,
)

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Measured"]

COVARIANCES = ("production", "consumption", "net_imports", "industries")


class Measured:
    """Everything that variances are made of, over the scale of the point."""

    def __init__(self, table: Table, flow: RegionFlows, errors: Errors, rtol: float) -> None:
        p, x, stressor = table.content, table.x.to_numpy(), flow.stressor
        self.table, self.errors, self.stressor = table, errors, stressor
        self.codes, self.consumers, self.size = p.region_codes, p.demand_codes, len(p.regions)
        shares = np.zeros(flow.x.shape)
        np.divide(flow.x, x[:, None], out=shares, where=x[:, None] != 0.0)
        carried = (source_multipliers(table, stressor.s, rtol)[0] * x).T
        largest = [np.abs(a).max(initial=0.0) for a in (carried, stressor.F, stressor.F_Y)]
        scale = max(largest) or 1.0
        self.at = Point(shares, shares.mean(axis=0), carried / scale, scale)
        with named(errors):
            self.emitted = {
                source: np.square(self._cells(source, errors)).sum(axis=0)
                for source in ("F", "F_Y")
                if getattr(errors, source) is not None
            }
        self.shared = {}
        for one in errors.shared:
            with named(one):
                self.shared[one.name] = self._moved_by(one)

    @cached_property
    def spreads(self) -> dict[str, Spread]:
        """What independent errors of Z and Y do, by source: the pass over squared tiles."""
        return {source: spread_of(buyers, self.at) for source, buyers in self._buyers().items()}

    def shared_in_unit(self) -> dict[str, tuple[FloatArray, FloatArray]]:
        """Return how a standard deviation of each shared error moves E and F_Y, in the unit."""
        scale = self.at.scale
        return {name: (E * scale, own * scale) for name, (E, own) in self.shared.items()}

    def _buyers(self) -> dict[str, Buyers]:
        found: dict[str, Buyers] = {}
        if self.errors.Y is not None:  # before Z, whose squares need much memory
            with named(self.errors):
                cells = cells_of_Y(self.table, self.errors.Y)
            found["Y"] = FinalBuyers(self.by_consumer(np.square(cells, out=cells)))
            del cells
        if self.errors.Z is not None:
            with named(self.errors):
                found["Z"] = Industries(cells_of_Z(self.table, self.errors.Z, 2))
        return found

    def by_consumer(self, cells: FloatArray) -> FloatArray:
        """Return columns of Y summed by consumer, (n, R)."""
        return sums.sum_columns_by_group(cells, self.consumers, self.size)

    def _cells(self, source: str, given: Errors | SharedError) -> FloatArray:
        deviations = getattr(given, source)
        return cells_of_stressor(self.table, self.stressor, source, deviations) / self.at.scale

    def _moved_by(self, one: SharedError) -> tuple[FloatArray, FloatArray]:
        """Return how a shared error of one standard deviation moves E (R, R) and F_Y (R,)."""
        a, carried = self.at.centred, self.at.carried
        E, households = np.zeros((self.size, self.size)), np.zeros(self.size)
        if one.Z is not None:
            moved = cells_of_Z(self.table, one.Z, 1).times(np.c_[np.ones(len(a)), a])
            E += paired(carried, moved[:, 1:] - a * moved[:, :1])
        if one.Y is not None:
            moved = self.by_consumer(cells_of_Y(self.table, one.Y))
            E += paired(carried, moved - self.at.shares * moved.sum(axis=1, keepdims=True))
        if one.F is not None:
            moved = self._cells("F", one).sum(axis=0)
            E += sums.weighted_sums(self.at.shares, moved, self.codes, self.size)
        if one.F_Y is not None:
            moved = self._cells("F_Y", one).sum(axis=0)
            households += summed_by_group(moved, self.consumers, self.size)
        return one.sd * E, one.sd * households

    def moves(self, of: str) -> dict[str, FloatArray]:
        """Return how one standard deviation of each shared error moves flows or accounts."""
        if of == "flows":
            return {name: E for name, (E, _) in self.shared.items()}
        columns = {name: account_columns(*parts, None) for name, parts in self.shared.items()}
        for one in self.errors.shared:
            if one.F is None and one.F_Y is None:  # buyers emit nothing by themselves
                columns[one.name]["production"] = np.zeros(self.size)
        return {
            name: np.stack([moved[account] for account in ACCOUNTS], axis=1)
            for name, moved in columns.items()
        }

    def origins(self, of: str) -> Origins:
        answers = Answers(of, self.at, self.codes)
        return Origins(
            self.table, self.stressor, self.errors, self.at, self.spreads, self.emitted, answers
        )

    # ---- variances by source -------------------------------------------------------------------

    def _sources(
        self, found: dict[str, FloatArray], shape: tuple[int, int]
    ) -> dict[str, FloatArray]:
        """Return all sources in order, zero where no error is given."""
        names = [*SOURCES, *self.shared]
        return {name: found.get(name, np.zeros(shape)) for name in names}

    def of_flows(self) -> dict[str, FloatArray]:
        """Return the variances of E_rq by source, (R, R) each."""
        found = {source: spread.flows(self.at) for source, spread in self.spreads.items()}
        if "F" in self.emitted:
            squares, F = np.square(self.at.shares), self.emitted["F"]
            found["F"] = sums.weighted_sums(squares, F, self.codes, self.size)
        found |= {name: np.square(moved) for name, moved in self.moves("flows").items()}
        return self._sources(found, (self.size, self.size))

    def of_accounts(self) -> dict[str, FloatArray]:
        """Return the variances of accounts by source, (R, accounts) each."""
        along = account_derivatives(self.at.carried.sum(axis=1, keepdims=True), self.at.carried)
        found = {
            source: np.stack([spread.variance(*along[name]) for name in ACCOUNTS], axis=1)
            for source, spread in self.spreads.items()
        }
        if "F" in self.emitted:
            found["F"] = self._of_emissions()
        if "F_Y" in self.emitted:
            own = summed_by_group(self.emitted["F_Y"], self.consumers, self.size)
            has = np.isin(ACCOUNTS, ("production", "consumption", "households"))
            found["F_Y"] = np.where(has, own[:, None], 0.0)
        found |= {name: np.square(moved) for name, moved in self.moves("accounts").items()}
        return _without_rounding(self._sources(found, (self.size, len(ACCOUNTS))))

    def _of_emissions(self) -> FloatArray:
        """Return the variances of accounts by errors of F, (R, accounts)."""
        here = (self.codes[:, None] == np.arange(self.size)).astype(np.float64)
        shares, F = self.at.shares, self.emitted["F"][:, None]
        everyone = shares.sum(axis=1, keepdims=True)
        along = account_derivatives(np.ones_like(everyone), here)
        by_account = [along[name][0] * shares + along[name][1] * everyone for name in ACCOUNTS]
        return np.stack([(F * np.square(one)).sum(axis=0) for one in by_account], axis=1)

    def covariances(self) -> dict[str, FloatArray]:
        """Return the covariances between regions of some accounts, (R, R) each.

        "industries" is production without what final users emit.
        """
        at, size = self.at, self.size
        found = {name: np.zeros((size, size)) for name in COVARIANCES}
        for spread in self.spreads.values():
            found["industries"] += spread.production(at)
            found["consumption"] += spread.consumption
            found["net_imports"] += spread.net_imports(at)
        if "F" in self.emitted:
            F, shares = self.emitted["F"], at.shares
            made = (self.codes[:, None] == np.arange(size)) * shares.sum(axis=1, keepdims=True)
            for name, one in (("industries", made), ("consumption", shares)):
                found[name] += paired(one, F[:, None] * one)
            found["net_imports"] += paired(shares - made, F[:, None] * (shares - made))
        found["production"] += found["industries"]
        if "F_Y" in self.emitted:
            own = np.diag(summed_by_group(self.emitted["F_Y"], self.consumers, size))
            for name in ("production", "consumption"):
                found[name] += own
        for E, households in self.shared.values():
            moved = account_columns(E, households, None)
            moved["industries"] = moved["production"] - households
            for name, matrix in found.items():
                matrix += np.outer(moved[name], moved[name])
        return found


def _without_rounding(variances: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """Set trade to 0 where only what solves leave over moves it: one region, or no trade."""
    total = np.sum(list(variances.values()), axis=0)
    made, used = (total[:, ACCOUNTS.index(name)] for name in ("production", "consumption"))
    trade = np.isin(ACCOUNTS, ("imports", "exports", "net_imports"))
    nothing = trade & (total <= BALANCED**2 * (made + used)[:, None])
    for one in variances.values():
        one[nothing] = 0.0
    return variances
