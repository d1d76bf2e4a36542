"""Answers of perturbed tables, and the linear term of the same draw."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.accounting._accounts import account_columns, account_weight
from carbonflows_fast.accounting._region_flows import RegionFlows, summed_by_group
from carbonflows_fast.accounting._solves import demand_size, source_multipliers
from carbonflows_fast.accounting._weights import demand_weight, positive_output
from carbonflows_fast.errors import NotProductiveError
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._tiles import RegionTiles
from carbonflows_fast.uncertainties._drawing._draw_solves import Start, solve_near
from carbonflows_fast.uncertainties._drawing._perturbed import PerturbedTable, Perturber
from carbonflows_fast.uncertainties._error_model._errors import Errors
from carbonflows_fast.uncertainties._spread import BALANCED, paired

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["DRAWN_ACCOUNTS", "Drawing"]

DRAWN_ACCOUNTS = ("production", "consumption", "net_imports", "households")
"""What one adjoint solve gives; imports and exports need one for each region, as flows do."""


@dataclass(frozen=True, slots=True, eq=False)
class _Changed:
    """A draw with its shared errors, in tile order.

    What is drawn is C: cells over x of the table. With r = (x of the table) / x, coefficients of
    the draw are C r̂, and

        x = C r̂ x + y   ⇔   (r x) = r̂ C (r x) + r y
        m = r̂ C' m + s  ⇔   (m / r) = C' r̂ (m / r) + s / r

    so that it is enough to scale rows, each as soon as it is drawn.

    Attributes
    ----------
    tiles : RegionTiles
        r̂ C.
    x, own_change : ndarray, shape (n,)
        Output, and how far errors of single cells alone have moved it.
    ratio : ndarray, shape (n,)
        r; 1 where there is no output.
    own_product : ndarray or None
        C without shared errors times the base vectors; None if there are none in Z.
    divided : bool
        Whether there are coefficients: no output has become 0.
    """

    tiles: RegionTiles
    x: FloatArray
    own_change: FloatArray
    ratio: FloatArray
    own_product: FloatArray | None
    divided: bool = True


class Drawing:
    """Draws of one question. Each starts at the answers of the table, never at another draw.

    The linear term is Σ derivative × (cell drawn − cell) over errors of single cells, and the drawn
    size of a shared error times what it moves: its mean is 0, and its variance is the first order's
    exactly. For errors of Z and Y it is m'r, r the residual in which a solve of the draw starts.
    """

    def __init__(
        self,
        table: Table,
        flow: RegionFlows,
        errors: Errors,
        shared: dict[str, tuple[FloatArray, FloatArray]],
        *,
        of: str,
        seed: int,
        rtol: float,
        base_rtol: float,
        correlation: float,
    ) -> None:
        p, prepared = table.content, system(table)
        self._perturber = Perturber(table, flow.stressor, errors, seed, correlation)
        self._prepared, self._rtol, self._of = prepared, rtol, of
        here = self._here = prepared.tiles.table_rows
        self._codes, self._consumers, self._size = p.region_codes, p.demand_codes, len(p.regions)
        self._shared = {
            one.name: (shared[one.name], one.sd) for one in errors.shared if one.sd > 0.0
        }
        x = table.x.to_numpy()
        self._F, self._F_Y, self._has_output = flow.stressor.F, flow.stressor.F_Y, x != 0.0
        self._x, self._s = np.ascontiguousarray(x[here]), flow.stressor.s[here]
        self._X = np.ascontiguousarray(flow.x[here])
        self._Y = self._perturber.base_Y
        self._per_output = np.zeros(self._x.size)  # ξ is X times this
        np.divide(1.0, self._x, out=self._per_output, where=self._x != 0.0)
        # Emissions of a region are what its industries emit only where all output serves someone.
        served = np.abs(self._X.sum(axis=1) * self._per_output - 1.0) <= BALANCED
        balanced = bool(served[self._x != 0.0].all())
        self._by_flows = of == "flows" or not balanced
        # Output of all consumers together is known there, so one need not be solved: the largest.
        self._solved = np.ones(self._size, dtype=np.bool_)
        if balanced and self._size > 1:
            self._solved[self._Y.sum(axis=0).argmax()] = False
        self._base, self._before = self._X, self._Y
        if not self._perturber.solved_again:
            return
        m = source_multipliers(table, flow.stressor.s, base_rtol)[0][:, here]
        if self._by_flows:
            self._m = np.ascontiguousarray(m.T)
            weight = account_weight(flow.stressor.s, x)
        else:
            self._m = np.ascontiguousarray(m.sum(axis=0)[:, None])
            # What a draw starts from, and A times it before: m − s, as X − Y for flows.
            self._base, self._before = self._m, self._s[:, None]
            weight = demand_weight(demand_size(table, flow.demand)[0], positive_output(table))
        self._start = Start.of(prepared, weight, adjoint=not self._by_flows)

    def one(self, number: int) -> tuple[FloatArray | None, FloatArray, bool]:
        """Return the answers of a draw, its linear term, and whether an output changes its sign.

        The answers are None if the draw is not productive.
        """
        drawn = self._perturber.own(number, scaled=self._perturber.scales_at_once)
        changed = self._changed(drawn)
        answers = left = None
        if changed.divided:
            with suppress(NotProductiveError):
                answers, left = self._answers(drawn, changed)
        linear = self._linear(drawn, changed, left)
        for name, (moved, sd) in self._shared.items():
            linear += drawn.shared[name] / sd * self._arranged(*moved)
        return answers, linear, bool((changed.x * self._x < 0.0).any())

    def _changed(self, drawn: PerturbedTable) -> _Changed:
        """Put the draw together."""
        x, perturber = self._x, self._perturber
        if not perturber.solved_again:
            return _Changed(drawn.tiles, x, np.zeros_like(x), np.ones_like(x), None)
        product = None
        if perturber.shared_in_Z:
            product = self._product(drawn.tiles, self._base)
        own_change = (drawn.rows - perturber.base_rows) + (drawn.own[0] - self._Y).sum(axis=1)
        after = np.where(x != 0.0, perturber.with_shared(drawn) + perturber.rest(drawn.Y), 0.0)
        made = np.isfinite(after) & (after != 0.0)
        ratio = np.ones_like(x)
        np.divide(x, after, out=ratio, where=made)
        if not perturber.scales_at_once:
            _core.scale_rows(perturber.tiles.core, drawn.values, ratio, thread_count())
        return _Changed(drawn.tiles, after, own_change, ratio, product, bool(made[x != 0.0].all()))

    def _product(self, tiles: RegionTiles, vectors: FloatArray) -> FloatArray:
        return tiles.product(vectors, adjoint=not self._by_flows, threads=thread_count())

    def _nonnegative(self, changed: _Changed) -> bool:
        if self._perturber.shared_in_Z:  # a loading may have changed the sign of a cell
            return changed.tiles.core.lowest(thread_count()) >= 0.0
        return self._prepared.nonnegative and bool((changed.ratio >= 0.0).all())

    def _households(self, F_Y: FloatArray) -> FloatArray:
        if not F_Y.size:
            return np.zeros(self._size)
        return summed_by_group(F_Y, self._consumers, self._size)

    def _by_region(self, F: FloatArray) -> FloatArray:
        return summed_by_group(np.where(self._has_output, F, 0.0), self._codes, self._size)

    # ---- answers ---------------------------------------------------------------------------------

    def _answers(
        self, drawn: PerturbedTable, changed: _Changed
    ) -> tuple[FloatArray, FloatArray | None]:
        """Solve the draw; return the answers, and the residual in which the solve started."""
        s, codes = drawn.F[self._here] * self._per_output, self._codes[self._here]
        ratio = changed.ratio[:, None]
        households = self._households(drawn.F_Y)
        solved, left, again = self._base, None, self._perturber.solved_again
        if again:
            sides, begin = s[:, None], self._base / ratio
            if self._by_flows:
                sides, begin = drawn.Y[:, self._solved] * ratio, self._X[:, self._solved]
            nonnegative, start = self._nonnegative(changed), self._start.scaled(changed.ratio)
            left, solved = solve_near(changed.tiles, nonnegative, start, sides, begin, self._rtol)
            if self._by_flows:
                left = self._completed(left, np.zeros_like(changed.x))
                solved = self._completed(solved, self._x)
            else:
                left -= sides
        if self._by_flows:
            E = sums.weighted_sums(solved, s, codes, self._size)
            return self._arranged(E, households), left
        used = paired(solved * ratio, drawn.Y) if again else paired(s[:, None], self._X)
        return _stacked(self._by_region(drawn.F), used[0], households), left

    def _completed(self, solved: FloatArray, together: FloatArray) -> FloatArray:
        """Return columns of all consumers: the one that was not solved has what the rest leave."""
        if self._solved.all():
            return solved
        out = np.empty((len(solved), self._size))
        out[:, self._solved] = solved
        out[:, ~self._solved] = (together - solved.sum(axis=1))[:, None]
        return out

    def _linear(
        self, drawn: PerturbedTable, changed: _Changed, left: FloatArray | None
    ) -> FloatArray:
        """Return Σ derivative × change over errors of single cells."""
        own_F, codes = (drawn.own[1] - self._F)[self._here], self._codes[self._here]
        households = self._households(drawn.own[2] - self._F_Y)
        moved = self._moved_by_cells(drawn, changed, left)
        if self._by_flows:
            moved += sums.weighted_sums(self._X, own_F * self._per_output, codes, self._size)
            return self._arranged(moved, households)
        moved += paired((own_F * self._per_output)[:, None], self._X)
        return _stacked(self._by_region(drawn.own[1] - self._F), moved[0], households)

    def _moved_by_cells(
        self, drawn: PerturbedTable, changed: _Changed, left: FloatArray | None
    ) -> FloatArray:
        """Return what Z and Y do to flows (R, R), or to consumption (1, R).

        m'(D x̂ ξ − ξ D1) with D the change of the cells: the product that this takes is a part of
        the residual, if the draw was solved.
        """
        if not self._perturber.solved_again:
            return np.zeros((self._size if self._by_flows else 1, self._size))
        ratio, product = changed.ratio[:, None], changed.own_product
        rest = (drawn.own[0] - self._Y) - self._X * (changed.own_change * self._per_output)[:, None]
        if self._by_flows:
            if product is None:
                product = self._product(changed.tiles, self._X) if left is None else left + self._X
                product /= ratio
                if left is not None:
                    product -= drawn.Y
            rest += product
            rest -= self._X
            rest += self._before
            return paired(self._m, rest)
        if product is None and left is not None:
            product = left + self._m / ratio
        elif product is None:
            product = self._product(changed.tiles, self._m / ratio)
        return paired(product - (self._m - self._before), self._X) + paired(self._m, rest)

    def _arranged(self, E: FloatArray, households: FloatArray) -> FloatArray:
        if self._of == "flows":
            return E
        columns = account_columns(E, households, None)
        return np.stack([columns[name] for name in DRAWN_ACCOUNTS], axis=1)


def _stacked(made: FloatArray, used: FloatArray, households: FloatArray) -> FloatArray:
    """Return the accounts that are drawn, (R, 4)."""
    return np.stack([made + households, used + households, used - made, households], axis=1)
