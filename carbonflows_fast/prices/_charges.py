"""What is charged: on emissions at home, on goods at the border; and what exporters get back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.accounting._solves import solve_multipliers
from carbonflows_fast.accounting._weights import purchase_weight
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import TINY, rounding, seen_through
from carbonflows_fast.leontief._subsystems import pass_through_A, reach
from carbonflows_fast.table._selection import select_demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Charges", "Rules", "Solved", "charges_of", "deliveries", "solve_prices"]


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """Who pays for what.

    inside : (R,), the regions with the price; paying, goods : (n,), rows that pay for their own
    emissions, and that pay at the border; share : (n,), of their emissions, that rows pay for.
    """

    inside: BoolArray
    paying: BoolArray
    goods: BoolArray
    share: FloatArray
    border: str | None
    rebate: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Charges:
    """Money per unit of a row.

    own, border, refund : (n,), on its own emissions, on its crossing into the regions with the
    price, and back on its crossing out; collected : (k, n), by each of these regions, per unit of
    output of what buys: own emissions and inputs across the border, less refunds for inputs that
    left. size : (n,), Σ|terms of collected|; inexact : bound of Σ b|error of border and refund|, b
    the purchase weight.
    """

    own: FloatArray
    border: FloatArray
    refund: FloatArray
    collected: FloatArray
    size: FloatArray
    inexact: float


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Price rises: by collecting region (k, n); with charges on own emissions only (n,).

    error_bound : of any payment, or sum of payments, in money.
    """

    by_region: FloatArray
    without_border: FloatArray
    error_bound: float


def charges_of(table: Table, s: FloatArray, price: float, rules: Rules, rtol: float) -> Charges:
    """Return the charges for emissions s (n,) per unit of output; price in money per emissions."""
    codes, prepared = table.content.region_codes, system(table)
    home = rules.inside[codes]
    own = np.where(home & rules.paying, price * rules.share * s, 0.0)
    embodied = {"direct": (s, s)}
    inexact = 0.0
    if "total" in (rules.border, rules.rebate):
        # Emitted abroad: what is emitted at home has paid there.
        sides = np.stack([np.where(home, 0.0, s), np.where(home & rules.paying, s, 0.0)])
        m, bounds = solve_multipliers(table, sides, purchase_weight(table), rtol)
        embodied["total"] = (m[0], m[1])
        inexact = price * float(bounds.sum())
    border, refund = np.zeros(table.n), np.zeros(table.n)
    if rules.border:
        foreign = embodied[rules.border][0]
        border = np.where(~home & rules.goods, price * rules.share * foreign, 0.0)
    if rules.rebate:
        domestic = embodied[rules.rebate][1]
        refund = np.where(home & rules.goods, price * rules.share * domestic, 0.0)

    regions = np.flatnonzero(rules.inside)
    mine = codes[:, None] == regions  # (n, k)
    collected = np.where(mine, own[:, None], 0.0)
    size = np.abs(own)
    if rules.border:
        bought = pass_through_A(prepared, border, adjoint=True)
        collected += np.where(mine, bought[:, None], 0.0)
        size = size + np.where(home, _sizes(table, border), 0.0)
    if rules.rebate:
        returned = pass_through_A(prepared, np.where(mine, refund[:, None], 0.0), adjoint=True)
        collected -= np.where(home[:, None], 0.0, returned)
        size = size + np.where(home, 0.0, _sizes(table, refund))
    return Charges(own, border, refund, np.ascontiguousarray(collected.T), size, inexact)


def _sizes(table: Table, values: FloatArray) -> FloatArray:
    prepared = system(table)
    found = pass_through_A(prepared, np.abs(values), adjoint=True, absolute=True)
    return found * (1 + rounding(prepared.tiles.additions))


def solve_prices(table: Table, found: Charges, rtol: float) -> Solved:
    """Solve Δp' = t' + Δp'A for what each region collects, and bound what anyone pays."""
    p, prepared, weight = table.content, system(table), purchase_weight(table)
    moved = bool(found.border.any() or found.refund.any())
    sides = np.concatenate([found.collected, found.own[None]]) if moved else found.collected
    m, bounds = solve_multipliers(table, sides, weight, rtol)
    by_region, without = (m[:-1], m[-1]) if moved else (m, m.sum(axis=0))

    # The error of the solve; that of emissions embodied in what crosses the border; rounding.
    size_Y, size_x = np.abs(p.Y).sum(axis=1), np.abs(table.x.to_numpy())
    made = reach(prepared, weight, adjoint=True) * seen_through(size_Y, weight)
    made = np.maximum(made, size_x)
    terms = prepared.tiles.additions + table.n + p.Y.shape[1] + len(p.regions)
    sold = pass_through_A(prepared, made, absolute=True) * (1 + rounding(terms)) + size_Y
    # Rises are seen through what is bought, and as costs through what is made.
    bound = float(bounds.sum()) * seen_through(np.maximum(size_Y, size_x), weight)
    bound += found.inexact * seen_through(sold, weight)
    crossing = np.abs(found.border) + np.abs(found.refund)
    risen = np.abs(by_region).sum(axis=0)
    rounded = float(found.size @ made + crossing @ sold + risen @ (size_Y + made))
    bound = (bound + 2 * rounding(terms) * rounded) * (1 + rounding(terms))
    return Solved(by_region, without, bound + sides.size * TINY)


def deliveries(table: Table, buyers: BoolArray) -> FloatArray:
    """Return what every row delivers to some regions, inputs and final goods, (n, chosen)."""
    p, regions = table.content, np.flatnonzero(buyers)
    x = table.x.to_numpy()[:, None]
    bought = np.where(p.region_codes[:, None] == regions, x, 0.0)
    final = select_demand(table).values[:, regions]
    return pass_through_A(system(table), bought) + final
