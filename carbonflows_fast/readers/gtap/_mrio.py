"""A table between regions of the accounts of GTAP, by shares of imports.

Each account says what a user buys at home and what it imports, and the trade matrix from where all
imports of a commodity come. Every user of a region is taken to have them from there in the same
shares (Peters, Andrew & Lennox 2011, Economic Systems Research 23:131). With

    w_cu^r = M_cu^r / Σ_u M_cu^r    the share of user u in what region r imports of commodity c,

user u in r receives from s, at basic prices of s,

    Z_cs,ur = w_cu^r X_c^sr + D_cu^r [s = r]

where X are exports and D purchases at home. A region made of several countries trades with itself:
X_c^rr is delivered within r, to those who import, and is not shared out among partners.

International transport is allotted by route. The user pays for what is carried to it,
T_mu^r = Σ_c w_cu^r Σ_s T_mc^sr, and buys it from all suppliers of m in proportion to what they
supply, Z_mk,ur = V_mk T_mu^r / ΣT_m, as GTAP has one pool of it. Taxes, and duties by the same
shares, are primary inputs. So rows sum to output, and columns to its cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers.gtap._accounts import FINAL, Accounts

__all__ = ["Makers", "Primary", "Square", "makers_of", "primary_inputs", "square_of"]

SPARSE = 2 / 3  # of all cells; a sparse matrix of more takes more memory than a full one


@dataclass(frozen=True)
class Makers:
    """How the columns of activities become columns of commodities.

    Attributes
    ----------
    shares : array, shape (A, C, R), or None
        What part of an activity's output is each commodity; None: activity i makes commodity i
        alone, and all of it.
    """

    shares: FloatArray | None

    @property
    def several(self) -> bool:
        """Whether an activity makes more than one commodity, so that its inputs are split."""
        return self.shares is not None and bool(((self.shares != 0.0).sum(axis=1) > 1).any())

    def columns(self, of_activities: FloatArray, region: int) -> FloatArray:
        """Turn (…, A) of a region into (…, C)."""
        if self.shares is None:
            return of_activities
        turned: FloatArray = of_activities @ self.shares[:, :, region]
        return turned


@dataclass(frozen=True)
class Square:
    """Rows are commodities, region by region; columns of Y three for each region.

    Attributes
    ----------
    Z : array or csc_array, shape (R C, R C)
        Of a whole release nearly full, as all import from nearly all.
    Y : array, shape (R C, 3 R)
    unsold : float
        Exports and international transport that no one buys, million USD.
    """

    Z: Any
    Y: FloatArray
    unsold: float


@dataclass(frozen=True)
class Primary:
    """Primary inputs by name: of rows (R C), and of final users (3 R)."""

    names: list[str]
    F: FloatArray
    F_Y: FloatArray
    rest: FloatArray
    """What costs lack of output, (R C); zero where it is one of the primary inputs."""


def makers_of(where: str, accounts: Accounts) -> Makers:
    """Return how activities make commodities.

    Where each makes one that no other makes, it is the industry of that commodity. Else by the
    industry technology (model B of the Eurostat manual 2008): an activity's inputs are those of
    its commodities in proportion to their values.

    Raises
    ------
    FormatError
        If an activity makes nothing and has costs.
    """
    make = accounts.make
    if make is None:
        return Makers(None)
    activities = len(accounts.activities)
    made = (make != 0.0).any(axis=2)
    if made.shape[0] == activities and not (made & ~np.eye(activities, dtype=bool)).any():
        return Makers(None)
    totals = make.sum(axis=0)
    idle = (totals == 0.0) & (accounts.domestic + accounts.imported)[:, :activities].any(axis=0)
    if idle.any():
        names = [
            f"{accounts.regions.labels[r]} | {accounts.activities.labels[a]}"
            for a, r in np.argwhere(idle).tolist()
        ]
        raise FormatError.about(
            where,
            expected="output of every activity that buys (MAKB)",
            got=f"none of {shorten(names)}",
            remedy="take all files from one aggregation of GTAP",
        )
    shares = make.transpose(1, 0, 2) / np.where(totals == 0.0, 1.0, totals)[:, None, :]
    return Makers(shares)


def square_of(accounts: Accounts, makers: Makers) -> Square:
    """Return Z and Y. Columns of a region are made at a time."""
    commodities, regions = accounts.exports.shape[:2]
    activities = len(accounts.activities)
    used, paid = _transport(accounts)
    supplied = accounts.supplied
    n = regions * commodities
    Z, Y = np.zeros((n, n), order="F"), np.empty((n, regions, len(FINAL)))
    stored = 0
    for region in range(regions):
        share = import_shares(accounts, region)
        flow = np.einsum("cs,cu->scu", accounts.exports[:, :, region], share)
        flow[region] += accounts.domestic[:, :, region]
        for m, at in enumerate(accounts.carriers):
            if paid[m]:
                flow[:, at] += np.outer(supplied[at], used[m, :, region] / paid[m])
        rows = flow.reshape(n, -1)
        block = makers.columns(rows[:, :activities], region)
        Z[:, region * commodities : (region + 1) * commodities] = block
        Y[:, region] = rows[:, activities:]
        stored += int(np.count_nonzero(block))
    kept = sp.csc_array(Z) if stored < SPARSE * n * n else Z
    return Square(kept, Y.reshape(n, -1), _unsold(accounts, paid))


def import_shares(accounts: Accounts, region: int) -> FloatArray:
    """Return the share of each user in what a region imports, (C, U); zero where it does not."""
    imported = accounts.imported[:, :, region]
    totals = imported.sum(axis=1, keepdims=True)
    shares: FloatArray = imported / np.where(totals == 0.0, 1.0, totals)
    return shares


def _transport(accounts: Accounts) -> tuple[FloatArray, FloatArray]:
    """Return what each user pays for each kind of transport, (M, U, R), and the sums by kind."""
    regions = len(accounts.regions)
    by_route = accounts.carried.sum(axis=2)  # (M, C, R): to where
    used = np.stack(
        [by_route[:, :, r] @ import_shares(accounts, r) for r in range(regions)], axis=2
    )
    return used, used.sum(axis=(1, 2))


def _unsold(accounts: Accounts, paid: FloatArray) -> float:
    nowhere = accounts.imported.sum(axis=1) == 0.0  # (C, R)
    exports = np.abs(accounts.exports).sum(axis=1)[nowhere].sum()
    carriers = [at for m, at in enumerate(accounts.carriers) if paid[m]]
    return float(exports + np.abs(np.delete(accounts.supplied, carriers, axis=0)).sum())


# --- primary inputs ---------------------------------------------------------------------------


def primary_inputs(accounts: Accounts, makers: Makers, square: Square) -> Primary:
    """Return value added, taxes and duties, which with Z are the cost of output.

    Version 6 has no account of taxes on output, so that these are what costs lack of output. The
    same closes columns where another account is missing, under a name that says so.
    """
    regions, users = len(accounts.regions), accounts.imported.shape[1]
    named: dict[str, FloatArray] = {}  # (U, R)
    none = np.zeros((len(FINAL), regions))
    for name, values in accounts.factors.items():
        named[name] = np.concatenate([values, none])
    lacking = [] if accounts.factors else ["value added"]
    if accounts.factors.keys() == accounts.factors_paid.keys() and accounts.factors:
        sums = [sum(one.values()) for one in (accounts.factors_paid, accounts.factors)]
        named["taxes on factors"] = np.concatenate([sums[0] - sums[1], none])
    elif accounts.factors:
        lacking.append("taxes on factors")
    if accounts.paid_domestic is not None and accounts.paid_imported is not None:
        named["taxes on products"] = (
            (accounts.paid_domestic - accounts.domestic)
            + (accounts.paid_imported - accounts.imported)
        ).sum(axis=0)
    else:
        lacking.append("taxes on products")
    named |= _of_trade(accounts)
    if accounts.make is not None and accounts.made_untaxed is not None:
        taxes = (accounts.make - accounts.made_untaxed).sum(axis=0)
        named["taxes on output"] = np.concatenate([taxes, none])
    else:
        lacking.append("taxes on output")
    activities = users - len(FINAL)
    F = np.stack([_rows(makers, one[:activities]) for one in named.values()])
    F_Y = np.stack([one[activities:].T.ravel() for one in named.values()])
    output = square.Z.sum(axis=1) + square.Y.sum(axis=1)
    rest = output - square.Z.sum(axis=0) - F.sum(axis=0)
    names = list(named)
    if lacking:
        names.append(" and ".join(lacking))
        F, F_Y = np.vstack([F, rest]), np.vstack([F_Y, np.zeros(F_Y.shape[1])])
        rest = np.zeros(len(rest))
    return Primary(names, F, F_Y, rest)


def _of_trade(accounts: Accounts) -> dict[str, FloatArray]:
    """Return taxes on exports and duties on imports, paid by who imports, (U, R)."""
    fob = accounts.exports if accounts.exports_fob is None else accounts.exports_fob
    carried = accounts.carried.sum(axis=0)
    exported, duties = [], []
    for region in range(len(accounts.regions)):
        share = import_shares(accounts, region)
        taxed = (fob - accounts.exports)[:, :, region].sum(axis=1)
        arrived = (fob + carried)[:, :, region].sum(axis=1)
        exported.append(taxed @ share)
        duties.append(accounts.imported[:, :, region].sum(axis=0) - arrived @ share)
    if accounts.exports_fob is None:
        return {"taxes on exports and duties on imports": np.stack(duties, axis=1)}
    return {
        "taxes on exports": np.stack(exported, axis=1),
        "duties on imports": np.stack(duties, axis=1),
    }


def _rows(makers: Makers, of_activities: FloatArray) -> FloatArray:
    """Turn (A, R) into rows of the table, region by region."""
    columns = [makers.columns(of_activities[:, r], r) for r in range(of_activities.shape[1])]
    return np.concatenate(columns)
