"""Making the vectors w > 0 with w'(I − |A|) > 0 that certificates rest on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import numpy as np

from carbonflows_fast import _direct
from carbonflows_fast._certificate import UNIT_ROUNDOFF, Certificate, checked_margin
from carbonflows_fast._parts import FloatArray
from carbonflows_fast._sweeps import Stopping, Sweeps
from carbonflows_fast.errors import NotProductiveError

__all__ = ["Guards"]

GUARD_SWEEPS = (4, 8, 32, 128)
"""Sweeps after which a candidate for w is checked; 4 are enough for published tables."""

KEPT = 16


class Guards:
    """Checked certificates of a system, the last few kept.

    Parameters
    ----------
    sweeps : Sweeps
    """

    def __init__(self, sweeps: Sweeps) -> None:
        self._sweeps = sweeps
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

    def _make(self, t: FloatArray, adjoint: bool, threads: int) -> Certificate:
        """Find w by more and more effort; whatever is found is checked, never believed."""
        w = np.zeros(t.size)
        for w in self._candidates(t, adjoint, threads):
            if not np.isfinite(w).all() or w.min(initial=1.0) <= 0.0:
                continue
            margin = checked_margin(self._tiles, w, adjoint=adjoint, threads=threads)
            if margin.min(initial=1.0) > 0.0:
                scale = float((t / margin).max(initial=1.0)) * (1 + 4 * UNIT_ROUNDOFF)
                return Certificate(t, w, scale)
        raise self._not_productive(w, adjoint, threads)

    def _candidates(self, t: FloatArray, adjoint: bool, threads: int) -> Iterator[FloatArray]:
        """Yield approximations to L't (adjoint: to L t) for |A|, cheap ones first."""
        w = np.zeros((t.size, 1))
        done = 0
        for sweeps in GUARD_SWEEPS:
            self._sweeps.run(
                t[:, None], w, Stopping(sweeps - done), from_zero=done == 0,
                adjoint=not adjoint, absolute=True, threads=threads,
            )  # fmt: skip
            done = sweeps
            yield np.ascontiguousarray(w[:, 0])
        if not np.isfinite(w).all() or 8.0 * t.size**2 > _direct.DEFAULT_MEMORY:
            return
        # Slow convergence, or a weight so uneven that t vanishes beside the rounding of w: solve
        # exactly, then once more for a right-hand side that w itself keeps from vanishing.
        factors = _direct.DenseFactors(self._tiles, absolute=True)
        exact = factors.solve(t[:, None], adjoint=not adjoint)
        yield np.ascontiguousarray(exact[:, 0])
        lifted = t[:, None] + 1e-3 * np.abs(exact)
        yield np.ascontiguousarray(factors.solve(lifted, adjoint=not adjoint)[:, 0])

    def _not_productive(self, w: FloatArray, adjoint: bool, threads: int) -> NotProductiveError:
        """Name the sectors where the last candidate falls short most."""
        usable = np.where(np.isfinite(w) & (w > 0), w, 1.0)
        usable = np.maximum(usable / usable.max(initial=1.0), 1e-200)
        with np.errstate(over="ignore", invalid="ignore"):
            margin = checked_margin(self._tiles, usable, adjoint=adjoint, threads=threads) / usable
        short = np.argsort(margin, kind="stable")
        short = short[margin[short] <= 0.0] if (margin <= 0.0).any() else short[:1]
        return NotProductiveError(
            "A: expected I − |A| to be an M-matrix (spectral radius of |A| below 1), got a matrix "
            f"for which no proof of it is found, falling short at {self._sweeps.name(short)}; look "
            "at cf.check(table) for negative outputs and columns of A that sum to 1 or more, and "
            "correct them"
        )
