"""What draws come to: means, deviations and quantiles, each with its own sampling error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import share
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.files import replacing
from carbonflows_fast.uncertainties._normal import one_limit

__all__ = ["Draws", "Estimate"]

RESAMPLES = 200


class Estimate(NamedTuple):
    """An estimate from draws.

    Attributes
    ----------
    value, error : DataFrame
        The estimate and its standard error of sampling, with the labels of the answer, in its unit.
    """

    value: pd.DataFrame
    error: pd.DataFrame


@dataclass(frozen=True, eq=False, repr=False)
class Draws:
    """Answers of perturbed tables that were solved again.

    The linear term λ of each draw is its control variate: its mean is 0 and its variance that of
    the first order, so only the rest E* − E − λ has to be sampled. A draw is not productive if an
    output is 0 or no proof is found that I − |A| has an inverse ≥ 0. It has no answer, and
    estimates are for tables that are productive; its λ says what those lack of the whole. Draws in
    which an output turns negative are solved like others, and counted: where deliveries hardly
    exceed what inventories lose, some output does in many draws, and to leave these out would bend
    all means.

    Attributes
    ----------
    seed : int
    of : str
        "accounts" or "flows".
    turned : int
        Draws with an answer in which an output has another sign than in the table.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> found = cf.uncertainty(table, errors=cf.Errors(Z=0.3, Y=0.3), draws=20)
    >>> drawn = found.drawn
    >>> drawn
    Draws(20 of accounts 3 × 4, seed 0)
    >>> bool((drawn.mean.error < found.sd[drawn.mean.value.columns] + 1e-9).all(axis=None))
    True
    """

    seed: int
    of: str
    turned: int
    _value: pd.DataFrame
    _variance: FloatArray  # of the linear term
    _answers: FloatArray  # (productive draws, rows, columns)
    _linear: FloatArray
    _failed: FloatArray  # linear terms of the others
    _numbers: list[int]  # of the productive draws

    @property
    def count(self) -> int:
        """Draws that were made."""
        return len(self._answers) + len(self._failed)

    @property
    def not_productive(self) -> int:
        """Draws whose table is not productive."""
        return len(self._failed)

    def __repr__(self) -> str:
        shape = " × ".join(map(str, self._value.shape))
        failed = f", {self.not_productive} not productive" if self.not_productive else ""
        return f"Draws({self.count} of {self.of} {shape}{failed}, seed {self.seed})"

    @cached_property
    def _sample(self) -> _Sample:
        rest = self._answers - self._value.to_numpy() - self._linear
        return _Sample(self._variance, self._linear, rest, self._failed)

    @cached_property
    def mean(self) -> Estimate:
        """The mean of the answer."""
        value, error = self._sample.mean()
        return self._estimate(self._value.to_numpy() + value, error)

    @cached_property
    def bias(self) -> Estimate:
        """The mean less the value of the table itself: what is not linear in the errors."""
        return self._estimate(*self._sample.mean())

    @cached_property
    def sd(self) -> Estimate:
        """The standard deviation of the answer; of two draws the error is NaN."""
        return self._estimate(*self._sample.deviation())

    def quantile(self, p: float) -> Estimate:
        """Return the value that the answer is below with probability p.

        The draws, moved and stretched to have the mean and the deviation that are estimated. The
        sampling error is that of 200 bootstrap samples. Beyond the outermost draws there is
        nothing to see: 5 % needs 20 draws at the very least.

        Parameters
        ----------
        p : float
            Above 0 and below 1.

        Raises
        ------
        InputError
            If it is not.
        """
        p = share("p", p, remedy="give e.g. 0.05")
        value, error = self._resampled(lambda sample: sample.quantile(p))
        return self._estimate(self._value.to_numpy() + value, error)

    def probability(self, above: float | None = None, *, below: float | None = None) -> Estimate:
        """Return the probability that each answer is above a number, 0 by default, or below one.

        The share of the draws, moved and stretched as for quantiles, with the sampling error of
        200 bootstrap samples. These say nothing where all n draws lie on one side, so that no
        error is less than √((n + 1) / (n + 3)) / (n + 2), about 1 / n: the standard deviation of a
        probability of which n draws show no case, if all probabilities were as likely before. An
        answer that is the same in all draws has no error, and is not beyond a number that it is.

        Parameters
        ----------
        above, below : float, optional
            In the unit of the answer; one of them.

        Raises
        ------
        InputError
            If it is not finite, or both are given.

        Notes
        -----
        Source: Gelman et al. (2013), Bayesian Data Analysis, 2.1 and 2.5: with a uniform prior, k
        cases of n leave a beta distribution of mean p = (k + 1) / (n + 2) and variance
        p (1 − p) / (n + 3).
        """
        limit, side = one_limit(above, below)
        limits = limit - self._value.to_numpy()
        value, error = self._resampled(lambda sample: sample.beyond(limits, side))
        n = len(self._answers)
        least = np.sqrt((n + 1) / (n + 3)) / (n + 2)
        moves = (self._answers != self._answers[:1]).any(axis=0)
        return self._estimate(value, np.where(moves, np.maximum(error, least), 0.0))

    def _resampled(self, of: Callable[[_Sample], FloatArray]) -> tuple[FloatArray, FloatArray]:
        """Return what a function finds in the draws, and how much that varies among bootstraps."""
        rng, n, failed = np.random.default_rng(self.seed), len(self._answers), len(self._failed)
        found = []
        for _ in range(RESAMPLES):
            some, lost = rng.integers(0, n, n), rng.integers(0, failed, failed)
            found.append(of(self._sample.of(some, lost)))
        return of(self._sample), np.std(found, axis=0, ddof=1)

    @property
    def samples(self) -> pd.DataFrame:
        """The answers of all productive draws: a row each, a column for (region, column), in unit.

        The index is the number of the draw.
        """
        names = ["region", "account" if self.of == "accounts" else "consumer"]
        columns = pd.MultiIndex.from_product([self._value.index, self._value.columns], names=names)
        rows = self._answers.reshape(len(self._answers), -1)
        return pd.DataFrame(rows.copy(), pd.Index(self._numbers, name="draw"), columns)

    def _write(self, path: Path) -> None:
        """Write the samples: draw, region, the column, and the answer; complete or not at all."""
        long = self.samples.stack([0, 1], future_stack=True)
        with replacing(path, "samples") as fresh:
            long.rename("answer").reset_index().to_parquet(fresh, index=False)

    def _reached(self, until: float) -> bool:
        """Whether all sampling errors of mean and deviation are at most this part of it."""
        sd, error = (one.to_numpy() for one in self.sd)
        most = until * sd
        return bool(((self.mean.error.to_numpy() <= most) & (error <= most)).all())

    def _estimate(self, value: FloatArray, error: FloatArray) -> Estimate:
        index, columns = self._value.index, self._value.columns
        return Estimate(pd.DataFrame(value, index, columns), pd.DataFrame(error, index, columns))


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Changes λ + rest of the answers, λ of mean 0 and known variance over all draws.

    Attributes
    ----------
    variance : ndarray, shape (rows, columns)
    linear, rest : ndarray, shape (productive draws, rows, columns)
    failed : ndarray, shape (other draws, rows, columns)
        λ of draws without an answer. Over all draws λ sums to 0, so to minus their sum over the
        productive ones; its squares in the same way.
    """

    variance: FloatArray
    linear: FloatArray
    rest: FloatArray
    failed: FloatArray

    def of(self, draws: Any, failed: Any) -> _Sample:
        """Return the sample of some of the draws."""
        return _Sample(self.variance, self.linear[draws], self.rest[draws], self.failed[failed])

    @property
    def _shift(self) -> FloatArray:
        """The mean of λ over productive draws."""
        shift: FloatArray = -self.failed.sum(axis=0) / len(self.rest)
        return shift

    def mean(self) -> tuple[FloatArray, FloatArray]:
        """Return the mean change and its sampling error."""
        n = len(self.rest)
        lost = np.square(self.failed).sum(axis=0) / n**2
        error = np.sqrt(self.rest.var(axis=0, ddof=1) / n + lost)
        return self._shift + self.rest.mean(axis=0), error

    def deviation(self) -> tuple[FloatArray, FloatArray]:
        """Return the standard deviation and its sampling error.

        The rest is b λ + e, with the slope b of least squares: Var = (1 + b)² Var λ + Var e. Where
        answers are far from linear, Var λ + 2 Cov(λ, rest) + Var rest may come out below 0.
        The draws that decide the slope leave small e: for the sampling error each e is divided by
        what its draw leaves (HC3 of MacKinnon & White 1985). Two draws have no slope, and no error.
        """
        n, squares = len(self.rest), np.square(self.failed)
        linear, rest = (each - each.mean(axis=0) for each in (self.linear, self.rest))
        spread = np.square(linear).sum(axis=0)
        known = self.variance + (len(self.failed) * self.variance - squares.sum(axis=0)) / n
        known = known - np.square(self._shift)
        known = np.where(known > 0.0, known, spread / (n - 1))  # most λ belong to failed draws
        one = (spread > 0.0) & (n > 2)
        slope = np.divide((linear * rest).sum(axis=0), spread, out=np.zeros_like(spread), where=one)
        apart = rest - slope * linear
        size = np.square(1.0 + slope)
        sd = np.sqrt(size * known + np.square(apart).sum(axis=0) / (n - 1.0 - one))
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=one)
        left = apart / np.maximum(1.0 - 1.0 / n - np.square(linear) * scale, 1.0 / n)
        per_draw = np.where(one, known * (n - 1) * scale, 1.0)
        terms = (2.0 * (1.0 + slope) * per_draw * linear + left) * left
        lost = np.square(size) * np.square(squares - self.variance).sum(axis=0) / n**2
        error = np.sqrt(terms.var(axis=0, ddof=1) / n + lost)
        if n == 2:
            error[:] = np.nan
        return sd, np.divide(error, 2.0 * sd, out=np.zeros_like(sd), where=sd > 0.0)

    def quantile(self, p: float) -> FloatArray:
        """Return a quantile of the draws, moved and stretched to the mean and the deviation."""
        changes = self.linear + self.rest
        mean, stretch = self._moved(changes)
        away = np.quantile(changes, p, axis=0) - changes.mean(axis=0)
        found: FloatArray = mean + stretch * away
        return found

    def beyond(self, limit: FloatArray, side: float) -> FloatArray:
        """Return the share of the draws, moved and stretched in the same way, on a limit's side."""
        changes = self.linear + self.rest
        mean, stretch = self._moved(changes)
        away = changes - changes.mean(axis=0)
        found: FloatArray = (side * (mean + stretch * away - limit) > 0.0).mean(axis=0)
        return found

    def _moved(self, changes: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the mean that is estimated, and the deviation over that of the draws."""
        (mean, _), (sd, _), plain = self.mean(), self.deviation(), changes.std(axis=0, ddof=1)
        return mean, np.divide(sd, plain, out=np.ones_like(sd), where=plain > 0.0)
