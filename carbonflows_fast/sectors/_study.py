"""Sector studies: everything emitted along the supply chains of steel, clothing, or any rows.

Sectors buy from themselves and from each other, so that the footprints of their outputs overlap.
Here a chain through the target T counts once, at its last visit: z_T is what T delivers to final
users, or to other sectors whose chains do not come back to T.

With O the other rows: z_T = Y_T + A_TO (I − A_OO)⁻¹ Y_O, and E_T = m_T' z_T, m = (I − A')⁻¹ s. It
equals E − s_O'(I − A_OO)⁻¹ Y_O, the footprint less all chains that avoid T.

Source: Cabernard, Pfister & Hellweg (2019), Science of the Total Environment 684; Skelton, Guan,
Peters & Crawford-Brown (2011), Environmental Science & Technology 45.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast.accounting._solves import demand_size, solve_on, source_multipliers
from carbonflows_fast.accounting._weights import account_weight, positive_output, purchase_weight
from carbonflows_fast.classification import STUDIES, study_sectors
from carbonflows_fast.errors import InputError, LabelError, nearest_are
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._certificate import TINY, added_up, rounding, seen_through
from carbonflows_fast.leontief._subsystems import pass_through_A, reach, restricted_to
from carbonflows_fast.linkages import layers_of, seen_in_layers
from carbonflows_fast.paths import structural_paths
from carbonflows_fast.sectors._result import SectorStudy
from carbonflows_fast.sectors._study_errors import StudyParts, study_deviations
from carbonflows_fast.table._selection import (
    Demand,
    Stressor,
    select_demand,
    select_rows,
    select_stressor,
)
from carbonflows_fast.uncertainties._error_model._errors import Errors, required_errors

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["SectorStudy", "sector_study"]


def sector_study(
    table: Table,
    stressor: Any = None,
    *,
    sectors: Any,
    demand: Any = None,
    rtol: float = 1e-10,
    errors: Errors | None = None,
) -> SectorStudy:
    """Return everything emitted along the supply chains that pass through some sectors.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    sectors : str, tuple, list or boolean mask of shape (n,)
        "steel", "aluminium", "automotive", "clothing" or "cotton" (rows by the table's
        classification), or any rows: a sector name, a pair (region, sector) of which either may be
        None, a list of these, or a mask. A sector of the table comes before a study of that name.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes. The default is all final demand.
    rtol : float, optional
        Relative error that every solve is certified to. A looser one takes fewer passes over A,
        and `error_bound` says how accurate the result is. The method `paths` takes its own.
    errors : Errors, optional
        How wrong the cells of the table may be. The total, its two parts and the sums by each
        single step have then standard deviations, and so have the paths of the study.

    Returns
    -------
    SectorStudy
        In the stressor's unit. Nothing counts twice: all sectors together give the footprint.

    Raises
    ------
    LabelError
        If there is no such study or sector, or the table's sectors are in no classification that
        maps the study.
    InputError
        If an argument is of the wrong kind.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    With T the rows studied and O all others, z_T = Y_T + A_TO (I − A_OO)⁻¹ Y_O is what T delivers
    outside its own supply chains, and E_T = m_T'z_T. Source: Cabernard, Pfister & Hellweg (2019),
    Science of the Total Environment 684.

    Right-hand sides: R adjoint ones for the emissions of each region, shared by all studies and
    flows of a stressor; R on A_OO for the deliveries of T to each consumer; and two single ones.
    With errors, 4 R and two further ones give the derivatives of all sums, to first order; single
    flows would take R² and have none.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> study = cf.sector_study(table, sectors="Wheat")
    >>> bool(abs(study.direct + study.upstream - study.total) < 1e-9 * study.total)
    True
    >>> bool(abs(study.flow.value.sum() - study.total) < 1e-9 * study.total)
    True
    """
    rtol = tolerance(rtol)
    given = None if errors is None else required_errors(errors)
    chosen, wanted = select_stressor(table, stressor), select_demand(table, demand)
    name, rows, notes = _target(table, sectors)
    found = _solve(table, chosen.s, wanted, rows, rtol)
    deviations = None
    if given is not None:
        others = restricted_to(system(table), ~rows)
        parts = StudyParts(rows, found.delivery.z, found.delivery.X, others, rtol)
        deviations = study_deviations(table, chosen, wanted, parts, given)
    p = table.content
    return SectorStudy(
        name=name,
        stressor=chosen.name,
        unit=chosen.unit,
        sectors=tuple(p.sectors[code] for code in dict.fromkeys(p.sector_codes[rows].tolist())),
        notes=notes,
        total=found.total,
        direct=found.direct,
        upstream=found.upstream,
        error_bound=found.error_bound,
        _steps=found.steps,
        _products_bound=found.products_bound,
        _products=found.products,
        _rows=table.rows,
        _regions=p.regions,
        _consumers=wanted.consumers,
        _known_consumers=wanted.columns is not None,
        _year=table.year,
        _tiers=partial(_tiers, table, chosen, found),
        _paths=partial(
            structural_paths, table, stressor, demand=demand, through=rows, errors=given
        ),
        _deviations=deviations,
    )


def _target(table: Table, sectors: Any) -> tuple[str, BoolArray, tuple[str, ...]]:
    """Return the name, the rows, and the notes of what is to be studied."""
    known = table.content.sectors
    if isinstance(sectors, list) and len(sectors) == 1:
        sectors = sectors[0]
    if sectors is None or (isinstance(sectors, list) and not sectors):
        raise InputError.about(
            "sectors",
            expected=f"a study ({', '.join(STUDIES)}) or rows of the table",
            got=repr(sectors),
            remedy="name at least one",
        )
    if isinstance(sectors, list):
        for one in sectors:
            if isinstance(one, str) and one not in known and one.strip().casefold() in STUDIES:
                raise InputError.about(
                    "sectors",
                    expected="one study, or rows of the table",
                    got=f"{one!r} among others",
                    remedy="ask for each study by itself, or name its sectors",
                )
    if isinstance(sectors, str) and sectors not in known:
        study = sectors.strip().casefold()
        if study not in STUDIES:
            raise LabelError.about(
                "sectors",
                expected=f"a study ({', '.join(STUDIES)}) or rows of the table",
                got=repr(sectors),
                remedy=nearest_are(sectors, known),
            )
        labels, notes = study_sectors(study, known, "sectors")
        return study, select_rows(table, list(labels), "sectors"), notes
    rows = select_rows(table, sectors, "sectors")
    if isinstance(sectors, str):
        return sectors, rows, ()
    count = int(rows.sum())
    return f"{count:,} row{'' if count == 1 else 's'}", rows, ()


@dataclass(frozen=True, slots=True, eq=False)
class _Delivery:
    """What T delivers outside its own chains, and how wrong that may be.

    z : (n, q), 0 off T; X : (I − A_OO)⁻¹ Y_O, (n, q); missed : Σ t|error of X|, t the weight;
    size : Σ|Y|, (n,); terms : additions on the way to z.
    """

    table: Table
    on_T: BoolArray
    z: FloatArray
    X: FloatArray
    missed: float
    weight: FloatArray
    size: FloatArray
    terms: int

    def sold(self, seen: FloatArray) -> FloatArray:
        """Return no less than |A|' seen of T, for seen ≥ 0 (n,)."""
        on_T = np.where(self.on_T, seen, 0.0)
        sold = pass_through_A(system(self.table), on_T, adjoint=True, absolute=True)
        return sold * (1 + rounding(self.terms))

    def error(self, seen: FloatArray, sold: FloatArray) -> float:
        """Bound Σ seen |error of z| over all consumers, for seen ≥ 0 (n,) and what `sold` says."""
        rounded = added_up(sold, np.abs(self.X).sum(axis=1))
        rounded += added_up(seen[self.on_T], self.size[self.on_T])
        missed = self.missed and self.missed * seen_through(sold, self.weight)
        return missed + rounding(self.terms) * rounded

    def around(self, others: LeontiefSystem, weight: FloatArray) -> FloatArray:
        """Return no less than |Y_T| + |A_TO||(I − A_OO)⁻¹||Y_O| on T, and |(I − A_OO)⁻¹||Y_O| off.

        The sizes of all chains to T, shape (n,); `others` is the system of A_OO.
        """
        chains = reach(others, weight, adjoint=True) * seen_through(self.size, weight)
        chains = np.where(self.on_T, 0.0, chains)
        met = pass_through_A(system(self.table), chains, absolute=True) * (1 + rounding(self.terms))
        return np.where(self.on_T, self.size + met, chains)


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    """Numbers of a study.

    steps : (R, R, q), emitted, made, consumed; products : (n, q); multipliers : (n,), the bound of
    their error in the weight, and no less than the sizes of the exact ones; missed : what these see
    of the error of the delivery.
    """

    steps: FloatArray
    products: FloatArray
    delivery: _Delivery
    multipliers: FloatArray
    multiplier_bound: float
    multiplier_sizes: FloatArray
    missed: float
    weight: FloatArray
    total: float
    direct: float
    upstream: float
    error_bound: float
    products_bound: float


def _delivered(
    table: Table,
    others: LeontiefSystem,
    demand: Demand,
    rows: BoolArray,
    t: FloatArray,
    rtol: float,
) -> _Delivery:
    """Solve for z_T = Y_T + A_TO (I − A_OO)⁻¹ Y_O, errors of the solve weighted by t."""
    prepared, Y, on_T = system(table), demand.values, rows[:, None]
    bought, options = np.where(on_T, 0.0, Y), {"weight": t, "rtol": rtol}
    solution = solve_on(others, others.in_float32, bought, by_row=False, **options)
    X: FloatArray = solution.values
    size, columns = demand_size(table, demand)
    missed = float(solution.report.error_bounds @ (t @ np.abs(X)))
    missed += rounding(columns) * added_up(reach(others, t), np.where(rows, 0.0, size))
    return _Delivery(
        table=table,
        on_T=rows,
        z=np.where(on_T, Y + pass_through_A(prepared, X), 0.0),
        X=X,
        missed=missed * (1 + rounding(table.n + columns)),
        weight=t,
        size=size,
        terms=prepared.tiles.additions + table.n + columns + 3 * len(table.regions) + 64,
    )


def _solve(table: Table, s: FloatArray, demand: Demand, rows: BoolArray, rtol: float) -> _Found:
    """Follow the chains through the rows T, for s (n,)."""
    p, prepared, Y = table.content, system(table), demand.values
    weight = purchase_weight(table)
    m, bound = source_multipliers(table, s, rtol)
    multipliers = m.sum(axis=0)
    m_size = np.abs(m).sum(axis=0) + bound / weight  # no less than the exact ones

    # Deliveries of T. An error of (I − A_OO)⁻¹ Y_O counts by the emissions of T, A_TO'm_T ≤ m.
    t = account_weight(np.abs(m).sum(axis=0), positive_output(table))
    others = restricted_to(prepared, ~rows)
    delivery = _delivered(table, others, demand, rows, t, rtol)
    z, size, terms = delivery.z, np.abs(delivery.z).sum(axis=1), delivery.terms
    m_T, codes_T = np.ascontiguousarray(m[:, rows]), p.region_codes[rows]
    steps: FloatArray = sums.three_step_sums(m_T, z[rows], codes_T, len(p.regions))
    sold = delivery.sold(m_size)
    missed = delivery.error(m_size, sold)
    steps_bound = bound * seen_through(size, weight) + missed
    steps_bound += rounding(terms) * float(m_size @ size)

    direct, direct_bound = _direct_part(table, s, demand, rows, t, rtol)

    entering = np.where(
        rows, 0.0, pass_through_A(prepared, np.where(rows, multipliers, 0.0), adjoint=True)
    )
    further = others.solve_adjoint(entering, weight=weight, rtol=rtol)
    met: FloatArray = further.values
    # Its own error; that of m on T, all chains to T; what `entering` and the products round.
    around = delivery.around(others, weight)
    products_bound = (
        seen_through(delivery.size, weight)
        * further.report.error_bound
        * float(weight @ np.abs(met))
    )
    products_bound += bound * seen_through(np.where(rows, around, 0.0), weight)
    products_bound += (
        2
        * rounding(terms)
        * (added_up(m_size[rows], around[rows]) + added_up(sold[~rows], around[~rows]))
    )
    total = float(steps.sum())
    tiny = (steps.size + Y.size) * table.n * TINY
    return _Found(
        steps=steps,
        products=np.where(rows, multipliers, met)[:, None] * Y,
        delivery=delivery,
        multipliers=multipliers,
        multiplier_bound=bound,
        multiplier_sizes=m_size,
        missed=missed,
        weight=weight,
        total=total,
        direct=direct,
        upstream=total - direct,
        error_bound=(steps_bound + direct_bound) * (1 + rounding(terms)) + tiny,
        products_bound=products_bound * (1 + rounding(terms)) + tiny,
    )


def _direct_part(
    table: Table,
    s: FloatArray,
    demand: Demand,
    rows: BoolArray,
    t: FloatArray,
    rtol: float,
) -> tuple[float, float]:
    """Return what T emits itself, all of it in chains through T, and its bound."""
    prepared, y = system(table), demand.values.sum(axis=1)
    start = table.x.to_numpy() if demand.complete else None
    made = prepared.solve(y, weight=t, x0=start, rtol=rtol)
    output: FloatArray = made.values
    on_T = np.where(rows, s, 0.0)
    size, columns = demand_size(table, demand)
    inexact = made.report.error_bound * float(t @ np.abs(output))
    inexact += rounding(columns + len(table.regions)) * added_up(reach(prepared, t), size)
    bound = inexact * seen_through(on_T, t)
    bound += rounding(table.n) * float(np.abs(on_T) @ np.abs(output))
    return float(on_T @ output), bound


def _tiers(table: Table, stressor: Stressor, found: _Found, last: int) -> pd.DataFrame:
    prepared, known = system(table), (found.multipliers, found.multiplier_bound, found.weight)
    seen = seen_in_layers(prepared, stressor.s, found.multiplier_sizes, last)
    delivery, missed = found.delivery, found.missed
    if seen is not found.multiplier_sizes:
        missed = delivery.error(seen, delivery.sold(seen))
    frame = layers_of(prepared, stressor, (delivery.z.sum(axis=1), missed), known, last)
    frame.index.name = "tier"
    return frame
