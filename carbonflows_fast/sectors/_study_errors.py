"""How sure a study is: what errors of the cells do to its total and to the sums of its steps.

With ξ = L z the output that the deliveries z of T need, X = (I − A_OO)⁻¹ Y_O what reaches T, and
w the emissions that a unit sold brings to T (m on T, (I − A_OO')⁻¹ A_TO' m_T off T), a change of
z_ij by a share of x_i changes E_T by

    m_i x_i (ξ_j / x_j − ξ_i / x_i) + w_i x_i (X_j / x_j − X_i / x_i),

one of y_ip by w_i x_i less what stands with a minus there, and one of f_i by ξ_i / x_i. Emissions
of one region have its own m and w, deliveries of one region or to one consumer their own ξ, w or X.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.accounting._solves import source_multipliers
from carbonflows_fast.accounting._weights import account_weight, positive_output, purchase_weight
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._subsystems import pass_through_A
from carbonflows_fast.uncertainties._error_model._cells import (
    Cells,
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import Errors, SharedError, named
from carbonflows_fast.uncertainties._normal import SAME

if TYPE_CHECKING:
    from carbonflows_fast.table import Table
    from carbonflows_fast.table._selection import Demand, Stressor

__all__ = ["WHOLE", "StudyDeviations", "StudyParts", "study_deviations"]

WHOLE = ("total", "direct", "upstream")


@dataclass(frozen=True, slots=True, eq=False)
class StudyDeviations:
    """Standard deviations: of the whole (total, direct, upstream), and of the sums by each step."""

    whole: FloatArray
    by_step: dict[str, FloatArray]


@dataclass(frozen=True, slots=True, eq=False)
class StudyParts:
    """What was solved for: the rows T, z and X (n, q) of `sector_study`, and the system of A_OO."""

    rows: BoolArray
    z: FloatArray
    X: FloatArray
    others: LeontiefSystem
    rtol: float


@dataclass(frozen=True, slots=True, eq=False)
class _Answer:
    """Derivatives of a number: Σ left_i (right_j − right_i) to z_ij over x_i, and others.

    Attributes
    ----------
    lefts, rights : list of ndarray, shape (n,)
    emitted : ndarray, shape (n,)
        To f.
    bought : ndarray, shape (n,)
        To y over x, beside what it does to x.
    consumer : int
        Of whose demand, −1 for all.
    """

    lefts: list[FloatArray]
    rights: list[FloatArray]
    emitted: FloatArray
    bought: FloatArray
    consumer: int = -1


def study_deviations(
    table: Table, stressor: Stressor, demand: Demand, parts: StudyParts, errors: Errors
) -> StudyDeviations:
    """Return how sure a study is.

    Raises
    ------
    LabelError, InputError
        If errors do not fit the table.
    """
    answers = _answers(table, stressor, demand, parts)
    scale = float(np.abs(stressor.F).sum()) or 1.0
    variances = np.zeros(len(answers))
    with named(errors):
        cells = _Cells(table, stressor, demand, errors, scale)
    variances += [cells.own(one) for one in answers]
    for shared in errors.shared:
        with named(shared):
            moving = _Cells(table, stressor, demand, shared, scale)
        variances += np.square([shared.sd * moving.moved(one) for one in answers])
    sd = np.sqrt(variances) * scale
    sizes = [len(WHOLE), len(table.regions), len(table.regions), demand.values.shape[1]]
    whole, *steps = np.split(sd, np.cumsum(sizes)[:-1])
    return StudyDeviations(whole, dict(zip(("emitted", "made", "consumed"), steps, strict=True)))


def _answers(table: Table, stressor: Stressor, demand: Demand, parts: StudyParts) -> list[_Answer]:
    """Return the derivatives of the whole, and of the sums by emitter, maker and consumer."""
    p, prepared, x = table.content, system(table), table.x.to_numpy()
    rows, z, X = parts.rows, parts.z, parts.X
    regions = len(p.regions)
    of_region = p.region_codes[:, None] == np.arange(regions)
    m = source_multipliers(table, stressor.s, parts.rtol)[0].T
    everyone = m.sum(axis=1)
    on_T = rows[:, None]
    # Deliveries by maker and by consumer, and the whole demand: what is made for each.
    sides = np.concatenate(
        [of_region * z.sum(axis=1, keepdims=True), z, demand.values.sum(axis=1, keepdims=True)], 1
    )
    t = account_weight(np.abs(m).sum(axis=1), positive_output(table))
    made = prepared.solve(sides, weight=t, rtol=parts.rtol).values
    weight = purchase_weight(table)
    brought = np.where(on_T, np.concatenate([m, of_region * everyone[:, None]], axis=1), 0.0)
    entering = np.where(on_T, 0.0, pass_through_A(prepared, brought, adjoint=True))
    met = parts.others.solve_adjoint(
        np.ascontiguousarray(entering.T), weight=weight, rtol=parts.rtol
    )
    w = np.where(on_T, brought, met.values.T)
    own = prepared.solve_adjoint(np.where(rows, stressor.s, 0.0), weight=weight, rtol=parts.rtol)

    over_x = np.divide(1.0, x, out=np.zeros(x.size), where=x != 0.0)[:, None]
    by_maker, by_consumer, all_of_it = np.split(made * over_x, [regions, made.shape[1] - 1], axis=1)
    reached, m, w = X * over_x, m * x[:, None], w * x[:, None]
    w_emitted, w_made = np.split(w, 2, axis=1)
    m_all, w_all = m.sum(axis=1), w_emitted.sum(axis=1)
    xi, X_all = by_maker.sum(axis=1), reached.sum(axis=1)
    output, own_m = all_of_it[:, 0], own.values * x
    direct = np.where(rows, output, 0.0)
    found = [
        _Answer([m_all, w_all], [xi, X_all], xi, w_all),
        _Answer([own_m], [output], direct, own_m),
        _Answer([m_all, w_all, -own_m], [xi, X_all, output], xi - direct, w_all - own_m),
    ]
    for r in range(regions):
        emitted = np.where(of_region[:, r], xi, 0.0)
        found.append(_Answer([m[:, r], w_emitted[:, r]], [xi, X_all], emitted, w_emitted[:, r]))
    for r in range(regions):
        delivered = by_maker[:, r]
        found.append(_Answer([m_all, w_made[:, r]], [delivered, X_all], delivered, w_made[:, r]))
    for q in range(by_consumer.shape[1]):
        used = by_consumer[:, q]
        found.append(_Answer([m_all, w_all], [used, reached[:, q]], used, w_all, q))
    return found


class _Cells:
    """Deviations or loadings of all cells, and what they move of an answer."""

    def __init__(
        self,
        table: Table,
        stressor: Stressor,
        demand: Demand,
        given: Errors | SharedError,
        scale: float,
    ) -> None:
        power = 2 if isinstance(given, Errors) else 1
        self.scale, self.n = scale, table.n
        self.Z: Cells | None = None
        self.Y: FloatArray | None = None
        self.F: FloatArray | None = None
        if given.Z is not None:
            self.Z = cells_of_Z(table, given.Z, power)
            self.all_of_Z = self.Z.times(np.ones((table.n, 1)))[:, 0]
        if given.Y is not None:
            cells = cells_of_Y(table, given.Y) ** power
            self.all_of_Y = cells.sum(axis=1)
            self.Y = np.zeros(demand.values.shape)
            if demand.columns is not None:
                codes = table.content.demand_codes[demand.columns]
                size = demand.values.shape[1]
                self.Y = sums.sum_columns_by_group(cells[:, demand.columns], codes, size)
        if given.F is not None:
            cells = cells_of_stressor(table, stressor, "F", given.F) / scale
            self.F = (cells**power).sum(axis=0)
        if given.F_Y is not None:  # in no supply chain, but it must fit
            cells_of_stressor(table, stressor, "F_Y", given.F_Y)

    def _asked(self, one: _Answer) -> FloatArray:
        """Return Y of the consumers that an answer is about, and the rest."""
        assert self.Y is not None
        asked: FloatArray = self.Y.sum(axis=1) if one.consumer < 0 else self.Y[:, one.consumer]
        return asked

    def _by_row(self, one: _Answer) -> FloatArray:
        """Return what a row's output takes from an answer."""
        taken: Any = sum(left * right for left, right in zip(one.lefts, one.rights, strict=True))
        found: FloatArray = taken / self.scale
        return found

    def own(self, one: _Answer) -> float:
        """Return the variance by independent errors, over scale²."""
        total, by_row = 0.0, self._by_row(one)
        if self.Z is not None:
            total += self._own_of_Z(self.Z, one)
        if self.Y is not None:
            asked, here = self._asked(one), one.bought / self.scale - by_row
            total += float(np.maximum(asked * here * here, 0.0).sum())
            total += float(np.maximum((self.all_of_Y - asked) * by_row * by_row, 0.0).sum())
        if self.F is not None:
            total += float((self.F * np.square(one.emitted)).sum())
        return total

    def _own_of_Z(self, cells: Cells, one: _Answer) -> float:
        rights = [right - right.mean() for right in one.rights]
        pairs = [(a, b) for a in range(len(rights)) for b in range(a + 1)]
        columns = [*rights, *(rights[a] * rights[b] for a, b in pairs)]
        wide = cells.times(np.stack(columns, axis=1)).T
        alone, together = wide[: len(rights)], wide[len(rights) :]
        total, size = 0.0, 0.0
        for (a, b), product in zip(pairs, together, strict=True):
            weight = one.lefts[a] / self.scale * (one.lefts[b] / self.scale) * (1 + (a != b))
            terms = (
                product,
                -rights[a] * alone[b],
                -rights[b] * alone[a],
                rights[a] * rights[b] * self.all_of_Z,
            )
            total += float((weight * sum(terms)).sum())
            size += float(sum(np.abs(weight * term).sum() for term in terms))
        return total if total > SAME * size else 0.0

    def moved(self, one: _Answer) -> float:
        """Return what a shared error moves, if these are its loadings, over the scale."""
        total, by_row = 0.0, self._by_row(one)
        if self.Z is not None:
            wide = self.Z.times(np.stack(one.rights, axis=1)).T
            for left, along in zip(one.lefts, wide, strict=True):
                total += float((left / self.scale * along).sum())
            total -= float((by_row * self.all_of_Z).sum())
        if self.Y is not None:
            total += float((self._asked(one) * one.bought).sum()) / self.scale
            total -= float((self.all_of_Y * by_row).sum())
        if self.F is not None:
            total += float((self.F * one.emitted).sum())
        return total
