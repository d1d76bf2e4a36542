"""Making the vectors w > 0 with w'(I − |A|) > 0 that certificates rest on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import NotProductiveError, Phrase
from carbonflows_fast.leontief import _dense_lu
from carbonflows_fast.leontief._byproducts import (
    MOST_ROWS,
    certificate_by_columns,
    productive_without,
)
from carbonflows_fast.leontief._certificate import UNIT_ROUNDOFF, Certificate, checked_margin
from carbonflows_fast.leontief._sweeps import Stopping, Sweeps

__all__ = ["ProofVectors"]

GUARD_SWEEPS = (4, 8, 32, 128)
"""Sweeps after which a candidate for w is checked; 4 are enough for published tables."""

CLOSE = 8.0
"""A scale that is good enough: 1 is the best there is, and bounds grow with it."""

FACTORED = 3000
"""Rows that are factored for a better w than one that was found: a fraction of a second."""

KEPT = 16


class ProofVectors:
    """Checked certificates of a system, the last few kept.

    Parameters
    ----------
    sweeps : Sweeps
    dense : callable
        Makes the dense factors of I − A, which proofs for by-products need.
    part : bool
        Whether A is a part of a table, whose rows may have other inputs as well.
    """

    def __init__(
        self, sweeps: Sweeps, dense: Callable[[], _dense_lu.DenseFactors], *, part: bool = False
    ) -> None:
        self._part = part
        self._sweeps = sweeps
        self._dense = dense
        self._tiles = sweeps.tiles
        self._lock = threading.Lock()
        self._kept: dict[tuple[bool, bytes], Certificate] = {}

    def certificate(self, t: FloatArray, *, adjoint: bool, threads: int) -> Certificate:
        """Return a certificate for errors weighted by t > 0, shape (n,), in tile order.

        Raises
        ------
        NotProductiveError
            If none is found.
        """
        key = (adjoint, hashlib.blake2b(t.tobytes(), digest_size=16).digest())
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is None:
                kept = self._make(t, adjoint, threads)
            self._kept[key] = kept  # most recently used last
            while len(self._kept) > KEPT:
                del self._kept[next(iter(self._kept))]
        return kept

    @property
    def by_sizes(self) -> bool:
        """Whether w'(I − |A|) > 0 for some w, which is then true of every part of A."""
        if self._sweeps.nonnegative:
            return True
        with self._lock:
            found = next(iter(self._kept.values()), None)
        if found is None:
            found = self.certificate(np.ones(self._tiles.n), adjoint=False, threads=thread_count())
        return found.absolute

    def _make(self, t: FloatArray, adjoint: bool, threads: int) -> Certificate:
        """Find w with increasing effort; every w is checked, never trusted.

        A w that is only just good enough makes bounds too large by its scale, and right solutions
        are refused: then more effort is made, and the best w is kept.
        """
        w, found = np.ones(t.size), list[Certificate]()
        try:
            for w in self._candidates(t, adjoint, threads, found):
                if not np.isfinite(w).all() or w.min(initial=1.0) <= 0.0:
                    continue
                margin = checked_margin(self._tiles, w, adjoint=adjoint, threads=threads)
                if margin.min(initial=1.0) > 0.0:
                    with np.errstate(over="ignore"):
                        scale = float((t / margin).max(initial=1.0)) * (1 + 4 * UNIT_ROUNDOFF)
                    found.append(Certificate(t, w, scale))
                    if scale < CLOSE:
                        break
        except NotProductiveError:  # a block of I − |A| is singular
            if self._sweeps.nonnegative and not found:
                raise
        if found:
            return min(found, key=lambda one: one.scale)
        if self._sweeps.nonnegative:
            raise self._not_productive(w, adjoint, threads)
        return self._of_byproducts(t, w, adjoint, threads)

    def _of_byproducts(
        self, t: FloatArray, w: FloatArray, adjoint: bool, threads: int
    ) -> Certificate:
        """Prove without |A|, where A is productive but for what it yields beside; w fell short."""
        rows = t.size
        if rows <= MOST_ROWS and not productive_without(self._tiles, t, threads, part=self._part):
            raise self._not_productive(w, adjoint, threads)
        if rows > MOST_ROWS:
            raise NotProductiveError.about(
                "A",
                expected=f"I − |A| to be an M-matrix, or at most {MOST_ROWS:,} rows",
                got=f"{rows:,} rows with negative inputs (by-products) too large for a proof by "
                f"sizes, at {self._short(w, adjoint, threads)}",
                remedy=Phrase.in_python(
                    "aggregate to fewer rows with table.aggregate(...), or set these inputs to "
                    "zero with table.with_changes(A=...)"
                ),
            )
        found = certificate_by_columns(
            self._tiles, self._dense(), t, adjoint=adjoint, threads=threads
        )
        if found is None:
            raise NotProductiveError.about(
                "A",
                expected="I − A to have an inverse that float64 can prove",
                got="negative inputs (by-products) that bring it too close to a singular matrix, "
                f"at {self._short(w, adjoint, threads)}",
                remedy=Phrase.in_python(
                    "correct these inputs, or set them to zero with table.with_changes(A=...)"
                ),
            )
        return found

    def _candidates(
        self, t: FloatArray, adjoint: bool, threads: int, found: list[Certificate]
    ) -> Iterator[FloatArray]:
        """Yield approximations to L't (adjoint: to L t) for |A|, cheap ones first.

        Where many rows would have to be factored, only if nothing was `found` before.
        """
        w = np.zeros((t.size, 1))
        done = 0
        for sweeps in GUARD_SWEEPS:
            self._sweeps.run(
                t[:, None],
                w,
                Stopping(sweeps - done),
                from_zero=done == 0,
                adjoint=not adjoint,
                absolute=True,
                threads=threads,
            )
            done = sweeps
            yield np.ascontiguousarray(w[:, 0])
        if not np.isfinite(w).all() or 8.0 * t.size**2 > _dense_lu.DEFAULT_MEMORY:
            return
        if t.size > FACTORED and found:
            return
        # Slow convergence, or a weight so uneven that t vanishes beside the rounding of w: solve
        # exactly, then once more for a right-hand side that w itself keeps from vanishing.
        factors = _dense_lu.DenseFactors(self._tiles, absolute=True)
        exact = factors.solve(t[:, None], adjoint=not adjoint)
        yield np.ascontiguousarray(exact[:, 0])
        lifted = t[:, None] + 1e-3 * np.abs(exact)
        yield np.ascontiguousarray(factors.solve(lifted, adjoint=not adjoint)[:, 0])

    def _short(self, w: FloatArray, adjoint: bool, threads: int) -> str:
        """Name the sectors where the last candidate falls short most."""
        usable = np.where(np.isfinite(w) & (w > 0), w, 1.0)
        usable = np.maximum(usable / usable.max(initial=1.0), 1e-200)
        with np.errstate(over="ignore", invalid="ignore"):
            margin = checked_margin(self._tiles, usable, adjoint=adjoint, threads=threads) / usable
        short = np.argsort(margin, kind="stable")
        short = short[margin[short] <= 0.0] if (margin <= 0.0).any() else short[:1]
        return self._tiles.named(short)

    def _not_productive(self, w: FloatArray, adjoint: bool, threads: int) -> NotProductiveError:
        what = "for negative outputs and columns of A that sum to 1 or more, and correct them"
        return NotProductiveError.about(
            "A",
            expected="I − |A| to be an M-matrix (spectral radius of |A| below 1)",
            got="a matrix for which no proof of it is found, falling short at "
            f"{self._short(w, adjoint, threads)}",
            remedy=f"look at cf.check(table) {what}",
            typed=f"look at carbonflows-fast check {what}",
        )
