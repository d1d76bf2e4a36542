"""First-order uncertainty of accounts and flows, exact for the errors that are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.accounting._accounts import account_columns
from carbonflows_fast.accounting._region_flows import RegionFlows, region_flows
from carbonflows_fast.errors import InputError
from carbonflows_fast.trade._flow_matrix import parts_of
from carbonflows_fast.uncertainties._answers import ACCOUNTS
from carbonflows_fast.uncertainties._correlation import checked_correlation, require_draws
from carbonflows_fast.uncertainties._drawing._draw_all import DrawsWanted, draw_all
from carbonflows_fast.uncertainties._drawing._drawing import DRAWN_ACCOUNTS, Drawing
from carbonflows_fast.uncertainties._error_model._errors import (
    Errors,
    required_errors,
)
from carbonflows_fast.uncertainties._measured import Measured
from carbonflows_fast.uncertainties._of_footprints import chosen_products, of_footprints
from carbonflows_fast.uncertainties._result import Uncertainty
from carbonflows_fast.uncertainties._traded_share import TradedShare

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["QUESTIONS", "checked_question", "drawing_of", "uncertainty"]

DRAWS_RTOL = 5e-6
QUESTIONS = ("accounts", "flows", "traded_share", "footprints")


def uncertainty(
    table: Table,
    stressor: Any = None,
    errors: Errors | None = None,
    *,
    of: Literal["accounts", "flows", "traded_share", "footprints"] = "accounts",
    products: Any = None,
    rtol: float = 1e-10,
    draws: int | None = None,
    seed: int = 0,
    correlation: float = 0.0,
    until: float | None = None,
    samples: str | Path | None = None,
    progress: bool | None = None,
) -> Uncertainty:
    """Return how sure accounts, flows or footprints are, given how wrong cells may be.

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
    of : {"accounts", "flows", "traded_share", "footprints"}
        Accounts by region, the flows from emitting to consuming regions, the share of emissions
        that crosses a border, or footprints of products by consuming region.
    products : rows, for footprints
        A sector name, a pair (region, sector) of which either may be None, a mask, or a list of
        names: at most 1,000 products. One right-hand side each.
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
        A Parquet file to write the answers of all draws to; its name ends in .parquet.
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
        If `errors` are missing, do not fit the table, or are too large for their distribution; if
        there are no products or more than 1,000, or draws of footprints; if there are no draws and
        an argument is about them.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`; or if hardly any draw can.

    Notes
    -----
    With ξ_i^q = x_i^(q) / x_i and m^r the multipliers of what region r emits,

        ∂E_rq/∂Z_ij = m_i^r (ξ_j^q − ξ_i^q),   ∂E_rq/∂Y_ip = m_i^r (δ_pq − ξ_i^q),
        ∂E_rq/∂F_i = ξ_i^q for i in r,

    δ_pq being 1 where p is a column of region q. For footprints E_kq = m_k y_kq, with
    ξ_i^k = L_ik / x_i, ∂m_k/∂Z_ij = m_i (ξ_j^k − ξ_i^k), ∂m_k/∂Y_ip = −m_i ξ_i^k and
    ∂m_k/∂F_i = ξ_i^k. Var E_rq = Σ σ²·(derivative)² over all cells, plus
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
    if wanted is not None and of == "traded_share":
        raise InputError.about(
            "draws",
            expected="accounts or flows",
            got="traded_share",
            remedy='leave draws out, or ask of="flows" and look at its samples',
        )
    rows = chosen_products(table, products, of, drawn=wanted is not None)
    rho = checked_correlation(correlation)
    if wanted is None:
        require_draws(rho)
    if rows is not None:
        return of_footprints(table, stressor, errors, rows, rtol)
    flow = region_flows(table, stressor, None, rtol)
    measured = Measured(table, flow, errors, rtol)
    if of == "traded_share":
        return _of_traded_share(measured, flow)
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
        _scale=scale,
    )


def _of_traded_share(measured: Measured, flow: RegionFlows) -> Uncertainty:
    share = TradedShare(measured, flow)
    variances, origins = share.variances()
    total = np.sum(list(variances.values()), axis=0)
    value, stressor = share.value, flow.stressor
    value.attrs = {"stressor": stressor.name, "unit": ""}
    return Uncertainty(
        value=value,
        sd=pd.DataFrame(np.sqrt(total), value.index, value.columns).where(value.notna()),
        stressor=stressor.name,
        unit="",
        of="traded_share",
        errors=measured.errors,
        _variances=variances,
        _covariances={},
        _origins=origins,
        _moved=share.moves(),
        _scale=1.0,
    )


def checked_question(of: Any, stressor: Any, errors: Any) -> Errors:
    """Return the errors of a question that can be asked."""
    if isinstance(of, str) and of in ACCOUNTS:
        raise InputError.about(
            "of",
            expected="accounts, which have it as a column",
            got=repr(of),
            remedy=f"leave it out, and look at found.sd.{of}",
        )
    one_of("of", of, QUESTIONS, remedy="leave it out for accounts")
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
