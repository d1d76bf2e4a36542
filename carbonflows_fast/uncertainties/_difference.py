"""How sure the change between two tables is: what errors of both share does not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.errors import InputError, LabelError, only_in, or_no_unit
from carbonflows_fast.table._table_argument import kind_of
from carbonflows_fast.uncertainties._across import covariances_across
from carbonflows_fast.uncertainties._correlation import checked_correlation
from carbonflows_fast.uncertainties._normal import SAME, interval, probability_beyond
from carbonflows_fast.uncertainties._origins import Origins
from carbonflows_fast.uncertainties._result import Uncertainty

__all__ = ["Difference", "difference"]


@dataclass(frozen=True, eq=False, repr=False)
class Difference:
    """The change of accounts or flows between two tables, with standard deviations.

    Attributes
    ----------
    value : DataFrame
        After less before, with the labels of both, in `unit`.
    sd : DataFrame
        Standard deviations of the change, in `unit`.
    stressor, unit, of : str

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> errors = cf.Errors(shared=cf.SharedError("emission factors", 0.1, F=1.0))
    >>> before, after = (
    ...     cf.uncertainty(cf.synthetic.world(3, 4, year=year), errors=errors)
    ...     for year in (2010, 2019)
    ... )
    >>> cf.difference(before, after)
    Difference('CO2' in kt, accounts 3 × 6)
    """

    value: pd.DataFrame
    sd: pd.DataFrame
    stressor: str
    unit: str
    of: str

    def __repr__(self) -> str:
        unit = f" in {self.unit}" if self.unit else ""
        shape = " × ".join(map(str, self.sd.shape))
        return f"Difference({self.stressor!r}{unit}, {self.of} {shape})"

    def interval(self, level: float = 0.9) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the ends (low, high) between which a change lies with a probability, in `unit`.

        Parameters
        ----------
        level : float
            The probability, above 0 and below 1.

        Raises
        ------
        InputError
            If it is not.
        """
        return interval(self.value, self.sd, level)

    def probability(
        self, above: float | None = None, *, below: float | None = None
    ) -> pd.DataFrame:
        """Return the probability that each change is above a number: of a rise; or below one.

        `probability()` is that of a rise, and `probability(below=0)` of a fall. The change is taken
        to be normal. What surely did not change neither rose nor fell: both are 0.

        Parameters
        ----------
        above : float, optional
            In `unit`; 0 by default.
        below : float, optional
            In its place.

        Raises
        ------
        InputError
            If it is not finite, or both are given.
        """
        return probability_beyond(self.value, self.sd, above, below)


def difference(before: Uncertainty, after: Uncertainty, *, correlation: float = 0.0) -> Difference:
    """Return how sure the change between two results is, of two years as a rule.

    A shared error of the same name is one draw in both, so that what it moves alike cancels. Own
    errors of a cell in the two tables are independent, unless a correlation is given.

    Parameters
    ----------
    before, after : Uncertainty
        Accounts, flows, traded shares or footprints of one stressor in one unit, with the same
        regions and products in any order. The difference has that of `before`.
    correlation : float
        Between the own errors of a cell in the two tables, from 0 to 1, for all cells alike.

    Returns
    -------
    Difference

    Raises
    ------
    LabelError
        If the regions differ or, for a correlation, the rows or their order.
    InputError
        If one is no `Uncertainty`, or they are of different questions.

    Notes
    -----
    Var = V + V' − 2 ρ C + Σ_k (sd_k' dE'/du_k − sd_k dE/du_k)² over shared errors u_k by name, to
    first order, with V and V' the variances by own errors, and C = Σ σ σ' dE/dz dE'/dz' over cells.
    Source: JCGM 100:2008, Guide to the expression of uncertainty in measurement, 5.2 (correlated
    input quantities).

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> errors = cf.Errors(F=0.02, shared=cf.SharedError("emission factors", 0.1, F=1.0, F_Y=1.0))
    >>> before, after = (
    ...     cf.uncertainty(cf.synthetic.world(3, 4, year=year), errors=errors)
    ...     for year in (2010, 2019)
    ... )
    >>> change = cf.difference(before, after)
    >>> fell = change.probability(below=0)
    >>> fell.consumption.round(2)
    region
    AT    0.0
    BE    0.0
    BG    1.0
    Name: consumption, dtype: float64
    """
    for name, given in (("before", before), ("after", after)):
        if not isinstance(given, Uncertainty):
            raise InputError.about(
                name,
                expected="a result of cf.uncertainty",
                got=kind_of(given),
                remedy="give e.g. cf.uncertainty(table, stressor, errors)",
            )
    _require_same_question(before, after)
    index, columns = before.value.index, before.value.columns
    here = _places(before, after)
    moved, empty = [], np.zeros(before.sd.shape)
    for shared in dict.fromkeys([*before._moved, *after._moved]):
        there = after._moved[shared][here] if shared in after._moved else empty
        moved.append(there - before._moved.get(shared, empty))
    sd = _own(before, after, here, correlation)
    for one in moved:
        sd = np.hypot(sd, one)
    change = after.value.to_numpy()[here] - before.value.to_numpy()
    value = pd.DataFrame(change, index, columns)
    value.attrs = {"stressor": after.stressor, "unit": after.unit}
    frame = pd.DataFrame(locked(sd), index, columns)
    return Difference(value, frame, after.stressor, after.unit, after.of)


def _own(before: Uncertainty, after: Uncertainty, here: Any, correlation: float) -> FloatArray:
    """Return the standard deviations of the changes by the errors that are not shared."""
    rho = checked_correlation(correlation)
    sds = before._own_sd, after._own_sd[here]
    if rho == 0.0:
        apart: FloatArray = np.hypot(*sds)
        return apart
    one, other = before._origins, after._origins
    if not (isinstance(one, Origins) and isinstance(other, Origins)):
        raise InputError.about(
            "correlation",
            expected="accounts or flows",
            got=before.of,
            remedy="leave it out for errors that are independent",
        )
    scales = [one.at.scale, other.at.scale]
    larger = max(scales)
    either = np.square(sds[0] / larger) + np.square(sds[1] / larger)
    common = covariances_across(one, other)
    common *= (scales[0] / larger) * (scales[1] / larger)
    variance = either - 2.0 * rho * common
    left: FloatArray = np.sqrt(np.where(variance > SAME * either, variance, 0.0)) * larger
    return left


def _require_same_question(before: Uncertainty, after: Uncertainty) -> None:
    asked: list[Any] = [
        f"{one.of} of {one.stressor!r} in {or_no_unit(one.unit)}" for one in (before, after)
    ]
    if asked[0] != asked[1]:
        raise InputError.about(
            "after",
            expected=f"{asked[0]}, as before",
            got=asked[1],
            remedy="ask both tables for the same",
        )
    labels = [list(map(str, [*one.value.index, *one.value.columns])) for one in (before, after)]
    got = only_in(("before", "after"), *(map(repr, one) for one in labels))
    if not got and labels[0] != labels[1] and not after.value.index.is_unique:
        got = "another order, of labels that are there twice"
    if got:
        what, remedy = "regions", "aggregate both tables to the same regions"
        if before.of == "footprints":
            what, remedy = "products", "ask both tables for the same products"
        raise LabelError.about("after", expected=f"the {what} of before", got=got, remedy=remedy)


def _places(before: Uncertainty, after: Uncertainty) -> Any:
    """Return where the answers of before stand among those of after, to index arrays with."""
    if after.value.index.equals(before.value.index):  # labels may be there twice
        rows = np.arange(len(before.value))
    else:
        rows = after.value.index.get_indexer(before.value.index)
    return np.ix_(rows, after.value.columns.get_indexer(before.value.columns))
