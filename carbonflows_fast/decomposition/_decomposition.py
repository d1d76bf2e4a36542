"""The answer to `structural_decomposition`: effects, how sure they are, and how well they close."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from carbonflows_fast._base.markup import Shown
from carbonflows_fast.errors import InputError
from carbonflows_fast.uncertainties._normal import probability_beyond

__all__ = ["Decomposition"]


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition(Shown):
    """The change of a footprint, split by what changed.

    Attributes
    ----------
    label : str
        What is compared, e.g. "2000 → 2009".
    prices : str
        "current prices", or "prices of …" if deflators were given.
    method, stressor, unit : str
    note : str
        What was left out and why: population that only one table has, or not for every consumer.
        Empty if nothing was left out.
    before, after, total : float
        E of both tables and the change between them, in `unit`, without direct emissions of
        households (F_Y), which belong to no supply chain.
    gross_before : float
        Σ|s_i x_i| of the table before, the denominator of shares of effects. It equals `before`,
        unless some emissions are negative (sinks).
    closure : float
        |Σ effects − total| / |total|, or relative to the larger E if the total is a thousandth of
        it or less. "integral" adds Gauss nodes until it is below 1e-10.
    nodes : int
        Gauss nodes of "integral", 0 for other methods.
    sd : Series or None
        Standard deviations of the effects, if it was asked with errors.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> before, after = (cf.synthetic.world(2, 3, year=year) for year in (2010, 2019))
    >>> found = cf.structural_decomposition(before, after)
    >>> found.label, found.closure < 1e-9, found.closure_of
    ('2010 → 2019', True, 'it')
    >>> bool(abs(found.to_frame().effect.sum() - found.total) < 1e-9 * found.before)
    True
    """

    label: str
    prices: str
    method: str
    stressor: str
    unit: str
    note: str
    before: float
    after: float
    gross_before: float
    closure: float
    nodes: int
    _frame: pd.DataFrame
    _covariance: pd.DataFrame | None = None

    @property
    def total(self) -> float:
        """E after minus E before, in `unit`."""
        return self.after - self.before

    @property
    def shares(self) -> pd.Series:
        """Effects over `gross_before`, indexed as `to_frame`; NaN if nothing was emitted."""
        shares: pd.Series = self._frame["effect"] / (self.gross_before or float("nan"))
        return shares.rename("share")

    @property
    def closure_of(self) -> str:
        """What `closure` is a part of, in words."""
        larger = max(abs(self.before), abs(self.after))
        return "it" if abs(self.total) > larger / 1000 else "the larger of the two amounts"

    @property
    def has_sinks(self) -> bool:
        """Whether negative emissions make `gross_before` differ from `before`."""
        return self.gross_before > self.before + 1e-9 * self.gross_before

    @property
    def sd(self) -> pd.Series | None:
        """Standard deviations of the effects, in `unit`, by factor; None without errors."""
        if self._covariance is None:
            return None
        matrix = self._covariance
        return pd.Series(np.sqrt(np.diag(matrix).clip(0.0)), matrix.index, name="sd")

    def covariance(self) -> pd.DataFrame:
        """Return the covariances of the effects, factor × factor, in `unit` squared.

        The sum of all of them is the variance of `total`.

        Raises
        ------
        InputError
            If the decomposition knew of no errors.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> tables = [cf.synthetic.world(2, 3, year=year) for year in (2010, 2019)]
        >>> found = cf.structural_decomposition(*tables, errors=cf.Errors(Z=0.1, F=0.1))
        >>> variance = found.covariance().to_numpy().sum()  # of the whole change
        >>> bool(variance**0.5 < found.sd.sum())
        True
        """
        if self._covariance is None:
            raise InputError.about(
                "errors",
                expected="a decomposition with errors of the data",
                got="one without",
                remedy="ask cf.structural_decomposition(…, errors=cf.Errors(…))",
            )
        found: pd.DataFrame = self._covariance.copy()
        found.columns = found.columns.rename("with")
        return found

    def probability(self, above: float | None = None, *, below: float | None = None) -> pd.Series:
        """Return the probability that each effect is above a number, 0 by default, or below one.

        `probability()` is that of a factor that raises emissions, `probability(below=0)` of one
        that lowers them. Effects are taken to be normal. What surely has no effect does neither.

        Parameters
        ----------
        above, below : float, optional
            In `unit`; one of them.

        Returns
        -------
        Series by factor

        Raises
        ------
        InputError
            If it is not finite, both are given, or the decomposition knew of no errors.

        Examples
        --------
        >>> import carbonflows_fast as cf
        >>> tables = [cf.synthetic.world(2, 3, year=year) for year in (2010, 2019)]
        >>> found = cf.structural_decomposition(*tables, errors=cf.Errors(Z=0.1, F=0.1))
        >>> float(found.probability().round(2)["intensity"])  # of a rise
        0.04
        """
        sd = np.sqrt(np.diag(self.covariance()).clip(0.0))
        frame = self._frame[["effect"]]
        spread = pd.DataFrame(sd[:, None], frame.index, frame.columns)
        return probability_beyond(frame, spread, above, below)["effect"].rename("probability")

    def _main_frame(self) -> pd.DataFrame:
        return self.to_frame()

    def __repr__(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        note = f"; {self.note}" if self.note else ""
        return (
            f"Decomposition({self.label!r}, {self.stressor!r}, {self.method}, {self.prices}: "
            f"{self.before:.6g} → {self.after:.6g}{unit}, closure {self.closure:.1e}{note})"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the effects: index factor (and the split of `by`), column effect.

        Factors are intensity, technology, trade, demand level, demand mix and demand origin, with
        population before them if both tables have it for every consumer (the level is then per
        head). They add up to `total`. With errors there is a column sd. `attrs` has label, prices,
        method, stressor, unit, closure and note.
        """
        frame = self._frame.copy()
        if self.sd is not None:
            frame["sd"] = self.sd
        names = ("label", "prices", "method", "stressor", "unit", "closure", "note")
        frame.attrs = {name: getattr(self, name) for name in names}
        return frame
