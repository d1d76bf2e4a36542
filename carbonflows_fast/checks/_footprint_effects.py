"""How repairing a finding would change national footprints, to first order.

With m the multipliers of a stressor and x^(q) the output needed for consumer q, q's footprint by
consumption C_q = Σ_i m_i y_i^(q) + households changes by

    ΔC_q = Σ_i Δs_i x_i^(q) + Σ_ij m_i Δa_ij x_j^(q) + Σ_i m_i Δy_i^(q) + Δhouseholds_q

(Miller & Blair 2009, ch. 6), products of changes left out. Two solves, one of them with a
right-hand side per region, serve every finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.accounting._solves import solve_multipliers
from carbonflows_fast.accounting._weights import demand_weight, positive_output
from carbonflows_fast.classification import (
    CHARACTERISATIONS,
    carbon_dioxide,
    characterisation,
    sums_in_equivalents,
)
from carbonflows_fast.errors import CarbonFlowsError, InputError, Phrase, shorten
from carbonflows_fast.table import Table
from carbonflows_fast.table._content import Parts
from carbonflows_fast.table._selection import select_stressor

__all__ = ["Effects", "effects_of"]

CANCELS = 2.0  # times the net footprint: above this, effects are relative to the gross one


@dataclass(frozen=True, eq=False)
class Effects:
    """What footprints are made of, all NaN where they are unknown.

    Attributes
    ----------
    name : str
        The stressor; empty where there are no effects.
    why : str
        Why there are no effects.
    weights : ndarray, shape (k,)
        Of the table's stressors in this one.
    s, m : ndarray, shape (n,)
        Intensities, multipliers.
    outputs : ndarray, shape (n, R)
        x^(q) for every consuming region.
    shares : ndarray, shape (R, R)
        The part of a region's output (row) needed for a consumer (column); NaN if the region has no
        output, or outputs in several units.
    sizes : ndarray, shape (R,)
        Effects are relative to the size of the footprint |C_q|, households included. If more than
        half of it cancels, they are relative to Σ_i |s_i x_i^(q)| + |households|, because the small
        difference of sources and sinks is no measure of a change.
    """

    name: str
    why: str
    parts: Parts
    weights: FloatArray
    s: FloatArray
    m: FloatArray
    outputs: FloatArray
    shares: FloatArray
    sizes: FloatArray

    def largest(self, change: FloatArray) -> tuple[float, str]:
        """Return the largest change of a footprint, relative to its size, and whose it is.

        `change` is (R,). NaN and "" if no footprint is known, or all are zero; 0 and "" if nothing
        changes.
        """
        known = (self.sizes != 0) & np.isfinite(change) & np.isfinite(self.sizes)
        if not known.any():
            return float("nan"), ""
        relative = np.zeros_like(change)
        np.divide(change, self.sizes, out=relative, where=known)
        at = int(np.argmax(np.abs(relative)))
        return float(relative[at]), self.parts.regions[at] if relative[at] else ""

    def nothing(self) -> FloatArray:
        """Return no change, (R,): the repair changes no footprint."""
        return self.sizes * 0.0

    def unknown(self) -> FloatArray:
        """Return NaN, (R,): the effect of a repair is unknown."""
        return np.full(self.sizes.shape, np.nan)

    def embodied(self, table: Table) -> FloatArray:
        """Return the emissions of each sector and of all it buys, (n,): m x where x ≠ 0."""
        own = self.weights @ self.parts.emissions
        if self.parts.emissions_kind == "S":
            own = own * table.arrays.x
        all_of_it: FloatArray = own + self.m @ table.Z
        return all_of_it

    def spread(self, region: int, amount: float) -> FloatArray:
        """Return ΔC where emissions go to a region's sectors in proportion to their output."""
        change: FloatArray = amount * self.shares[region]
        return change


def effects_of(table: Table, stressor: Any = None) -> Effects:
    """Solve for what `Effects` holds.

    Parameters
    ----------
    table : Table
    stressor : str or mapping, optional
        As everywhere. None: the table's carbon dioxide, or else its only stressor.

    Raises
    ------
    LabelError, InputError
        If a stressor is given and is not one of the table.
    """
    if stressor is not None:
        select_stressor(table, stressor)  # complains if it is wrong
    try:
        return _solved_effects(table, stressor)
    except CarbonFlowsError as error:
        p = table.content
        n, R = table.n, len(p.regions)
        k, rows, by_region = (np.full(size, np.nan) for size in (len(p.stressors), n, R))
        outputs, shares = np.full((n, R), np.nan), np.full((R, R), np.nan)
        return Effects("", Phrase.of(error), p, k, rows, rows, outputs, shares, by_region)


def _solved_effects(table: Table, stressor: Any) -> Effects:
    chosen = _carbon_dioxide(table) if stressor is None else stressor
    flow = region_flows(table, chosen)
    weight = demand_weight(flow.demand.values.sum(axis=1), positive_output(table))
    m = solve_multipliers(table, flow.stressor.s[None], weight)[0][0]
    p, weights = table.content, _weights(table, chosen)
    net = np.abs(flow.matrix.sum(axis=0) + flow.households)
    gross = np.abs(flow.stressor.s) @ np.abs(flow.x) + np.abs(flow.households)
    sizes = np.where(gross > CANCELS * net, gross, net)
    return Effects(
        flow.stressor.name,
        "",
        p,
        weights,
        flow.stressor.s,
        m,
        flow.x,
        _shares(table, flow.x),
        sizes,
    )


def _shares(table: Table, outputs: FloatArray) -> FloatArray:
    p, x = table.content, table.arrays.x
    shares = np.full((len(p.regions), outputs.shape[1]), np.nan)
    for region in range(len(shares)):
        rows = (p.region_codes == region) & (x > 0)
        if len(np.unique(p.row_unit_codes[rows])) == 1:
            shares[region] = outputs[rows].sum(axis=0) / x[rows].sum()
    return shares


def _carbon_dioxide(table: Table) -> Any:
    units = table.content.stressor_units
    found = carbon_dioxide(table.stressors, units)
    if len(found) == 1:
        return next(iter(found))
    if found:
        return found
    if len(table.stressors) == 1:
        return table.stressors[0]
    sums = shorten(map(repr, sums_in_equivalents(table.stressors, units)))
    such = f", such as {sums} (in CO2-equivalents)" if sums else ""
    raise InputError.about(
        "stressor",
        expected="carbon dioxide among the stressors of the table",
        got="none that is known as it",
        remedy=f"name one by stressor={such}",
        typed=("name one by ", "stressor", such),
    )


def _weights(table: Table, chosen: Any) -> FloatArray:
    """Return how much each stressor of the table counts in the chosen one, shape (k,)."""
    names = table.stressors
    if not isinstance(chosen, Mapping):
        if chosen not in names and chosen in CHARACTERISATIONS:
            chosen = characterisation(chosen, names, table.content.stressor_units).weights
        else:
            chosen = {chosen: 1.0}
    return np.array([float(chosen.get(name, 0.0)) for name in names])
