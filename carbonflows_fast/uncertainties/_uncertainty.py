"""First-order uncertainty of accounts and flows, exact for the errors that are given."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.accounting._accounts import account_columns
from carbonflows_fast.accounting._region_flows import RegionFlows, region_flows, summed_by_group
from carbonflows_fast.accounting._solves import source_multipliers
from carbonflows_fast.errors import InputError
from carbonflows_fast.trade._flow_matrix import parts_of
from carbonflows_fast.uncertainties._answers import ACCOUNTS, Answers, account_derivatives
from carbonflows_fast.uncertainties._correlation import checked_correlation
from carbonflows_fast.uncertainties._drawing._draw_all import DrawsWanted, draw_all
from carbonflows_fast.uncertainties._drawing._drawing import DRAWN_ACCOUNTS, Drawing
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import (
    SOURCES,
    Errors,
    SharedError,
    named,
    required_errors,
)
from carbonflows_fast.uncertainties._origins import Origins
from carbonflows_fast.uncertainties._result import Uncertainty
from carbonflows_fast.uncertainties._spread import (
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

__all__ = ["Measured", "checked_question", "drawing_of", "uncertainty"]

DRAWS_RTOL = 5e-6
COVARIANCES = ("production", "consumption", "net_imports", "industries")


def uncertainty(
    table: Table,
    stressor: Any = None,
    errors: Errors | None = None,
    *,
    of: Literal["accounts", "flows"] = "accounts",
    rtol: float = 1e-10,
    draws: int | None = None,
    seed: int = 0,
    correlation: float = 0.0,
    until: float | None = None,
    samples: str | Path | None = None,
    progress: bool | None = None,
) -> Uncertainty:
    """Return how sure accounts or flows are, given how wrong the cells of the table may be.

    To first order in the errors, and exact to that order. With `draws`, perturbed tables are solved
    again as well: their means, deviations and quantiles know of what is not linear. The output
    x = Z·1 + Y·1 follows errors of Z and Y, so the table stays balanced; F is wrong on its own.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    errors : Errors
        How wrong the cells may be. There is no default.
    of : {"accounts", "flows"}
        Accounts by region, or the flows from emitting to consuming regions.
    rtol : float, optional
        Relative error that every solve is certified to; those of draws to 5e-6 if that is more,
        which cannot be seen beside what sampling leaves.
    draws : int, optional
        Perturbed tables to solve, at least 2. With errors of Z or Y, each takes a solve for one
        right-hand side (accounts, without imports and exports) or for one a region (flows).
    seed : int, optional
        Below 2⁶⁴. A draw depends on seed, its number, the year of the table and the places of cells
        alone; that of a shared error on its name in place of year and places, so that it is the
        same in every table.
    correlation : float, optional
        Of the own errors of a cell in the draws of any two years of one seed, from 0 to 1; between
        0 and 1 for lognormal errors only. It does not change what is said of one year.
    until : float, optional
        Stop before, as soon as the sampling errors of all means and deviations are at most this
        part of the deviation, e.g. 0.02; looked at after every 10 draws, from the 20th on.
    samples : path, optional
        A Parquet file to write the answers of all draws to.
    progress : bool, optional
        Show a bar of the draws; by default on a terminal only.

    Returns
    -------
    Uncertainty
        Values and standard deviations in the unit of the stressor; `drawn` has what draws say.

    Raises
    ------
    LabelError
        If a stressor, region or sector is unknown, or labels are in another order.
    InputError
        If there are no errors, one does not fit the table, or is too large for its distribution.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`; or if hardly any draw can.

    Notes
    -----
    With ξ_i^q = x_i^(q) / x_i and m^r the multipliers of what region r emits,

        ∂E_rq/∂Z_ij = m_i^r (ξ_j^q − ξ_i^q),   ∂E_rq/∂Y_ip = m_i^r (δ_pq − ξ_i^q),
        ∂E_rq/∂F_i = ξ_i^q for i in r,

    δ_pq being 1 where p is a column of region q. Var E_rq = Σ σ²·(derivative)² over all cells, plus
    sd²·(Σ derivative × cell × loading)² for each shared error. Accounts use the derivatives of
    their own sums, so that what cancels in net imports does so here. Source: Miller & Blair (2009),
    Input-Output Analysis, ch. 12 (important coefficients); Lenzen, Wood & Wiedmann (2010), Economic
    Systems Research 22:43 (errors of multi-regional tables).

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     Z=np.array([[20.0, 10.0], [5.0, 30.0]]), Y=np.array([[60.0, 10.0], [5.0, 60.0]]),
    ...     F=np.array([[50.0, 100.0]]), F_Y=np.array([[10.0, 20.0]]),
    ...     regions=["AA", "BB"], sectors=["goods", "goods"], stressors=["CO2"],
    ... )
    >>> found = cf.uncertainty(table, "CO2", cf.Errors(Z=0.1, Y=0.1, F=0.1))
    >>> found.sd[["production", "consumption", "net_imports"]].round(3)
            production  consumption  net_imports
    region
    AA             5.0        4.453        2.557
    BB            10.0        9.017        2.557
    """
    errors = checked_question(of, stressor, errors)
    wanted = DrawsWanted.checked(draws, seed, until, samples)
    rho = checked_correlation(correlation)
    if wanted is None and rho != 0.0:
        raise InputError.about(
            "correlation",
            expected="draws",
            got="none",
            remedy="add e.g. draws=50, or give it to cf.difference",
        )
    flow = region_flows(table, stressor, None, rtol)
    measured = Measured(table, flow, errors, rtol)
    if of == "flows":
        value = parts_of(table, flow)["matrix"]
        variances, covariances = measured.of_flows(), {}
    else:
        columns = account_columns(flow.matrix, flow.households, None)
        value = pd.DataFrame(columns, index=pd.Index(table.regions, name="region"))[list(ACCOUNTS)]
        variances, covariances = measured.of_accounts(), measured.covariances()
    value.attrs = {
        "stressor": flow.stressor.name,
        "unit": flow.stressor.unit,
        "error_bound": flow.error_bound,
    }
    total = np.sum([*variances.values(), np.zeros(value.shape)], axis=0)
    scale = measured.at.scale
    frame = pd.DataFrame(locked(np.sqrt(total) * scale), value.index, value.columns)
    shared = measured.shared_in_unit()
    origins = measured.origins(of)
    moved = {name: moved * scale for name, moved in measured.moves(of).items()}
    del measured  # draws need its memory
    drawn = None
    if wanted is not None:
        drawing = drawing_of(table, flow, errors, shared, of, seed, rho, rtol)
        columns_drawn = list(value.columns) if of == "flows" else list(DRAWN_ACCOUNTS)
        near, spread = value[columns_drawn], frame[columns_drawn]
        drawn = draw_all(drawing.one, wanted, near, spread, of, progress)
    return Uncertainty(
        value=value,
        sd=frame,
        drawn=drawn,
        stressor=flow.stressor.name,
        unit=flow.stressor.unit,
        of=of,
        errors=errors,
        _variances=variances,
        _covariances={name: matrix * scale**2 for name, matrix in covariances.items()},
        _origins=origins,
        _moved=moved,
    )


def checked_question(of: Any, stressor: Any, errors: Any) -> Errors:
    """Return the errors of a question that can be asked."""
    one_of("of", of, ("accounts", "flows"), remedy="leave it out for accounts")
    if isinstance(stressor, Errors) and errors is None:
        raise InputError.about(
            "stressor",
            expected="a stressor before the errors",
            got="the errors",
            remedy="give the stressor first, as in cf.uncertainty(table, 'CO2', errors), or write "
            "errors=errors",
        )
    return required_errors(errors)


def drawing_of(
    table: Table,
    flow: RegionFlows,
    errors: Errors,
    shared: dict[str, tuple[FloatArray, FloatArray]],
    of: str,
    seed: int,
    correlation: float,
    rtol: float,
) -> Drawing:
    """Return what makes draws of a question; `shared` are what shared errors move, in unit."""
    near = max(rtol, DRAWS_RTOL)
    return Drawing(
        table,
        flow,
        errors,
        shared,
        of=of,
        seed=seed,
        rtol=near,
        base_rtol=rtol,
        correlation=correlation,
    )


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
            cells = cells_of_Y(self.table, self.errors.Y)
            found["Y"] = FinalBuyers(self._by_consumer(np.square(cells, out=cells)))
            del cells
        if self.errors.Z is not None:
            found["Z"] = Industries(cells_of_Z(self.table, self.errors.Z, 2))
        return found

    def _by_consumer(self, cells: FloatArray) -> FloatArray:
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
            moved = self._by_consumer(cells_of_Y(self.table, one.Y))
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
        return self._sources(found, (self.size, len(ACCOUNTS)))

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
