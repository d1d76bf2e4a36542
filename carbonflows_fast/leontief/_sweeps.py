"""Block Gauss-Seidel on the tiles: the factored domestic blocks and the sweeps that use them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import instruction_set, thread_count
from carbonflows_fast._base.threads import ThreadPool
from carbonflows_fast.errors import NotProductiveError, Phrase
from carbonflows_fast.leontief._tiles import RegionTiles

__all__ = ["Stopping", "Sweeps"]


@dataclass(frozen=True, slots=True, eq=False)
class Stopping:
    """Stop once Σ guard|r| ≤ goal · Σ weight|x| is expected for every column, or after `most`.

    Without weights, after `most` sweeps exactly.
    """

    most: int
    guard: FloatArray = field(default_factory=lambda: np.empty(0))
    weight: FloatArray = field(default_factory=lambda: np.empty(0))
    goal: float = 0.0


class Sweeps:
    """A in tiles with its factored diagonal blocks.

    Parameters
    ----------
    tiles : RegionTiles
    nonnegative : bool
        Whether A has no negative entries.
    factors : (values, pivots), optional
        The factored blocks of I − A, as a store keeps them. Their precision is that of vectors.
    """

    def __init__(
        self,
        tiles: RegionTiles,
        nonnegative: bool,
        factors: tuple[Any, Any] | None = None,
    ) -> None:
        self.tiles = tiles
        self.nonnegative = nonnegative
        self._lock = threading.Lock()
        self._factors: dict[bool, tuple[Any, Any]] = {}
        if factors is not None:
            self._factors[False] = factors

    def factors(self, absolute: bool, threads: int) -> tuple[Any, Any]:
        """Return the LU factors and pivots of the blocks of I − A, or of I − |A|.

        Raises
        ------
        NotProductiveError
            If a block is singular.
        """
        absolute = absolute and not self.nonnegative
        with self._lock:
            if absolute not in self._factors:
                values, pivots, failed = self.tiles.core.factor(
                    absolute, threads, instruction_set()
                )
                if failed >= 0:
                    raise NotProductiveError.about(
                        "A",
                        expected="a productive economy",
                        got=f"a singular block I − A at {self.tiles.named(np.array([failed]))}",
                        remedy=Phrase.in_python(
                            "correct the inputs of that sector, or set them to zero with "
                            "table.with_changes(A=...)"
                        ),
                    )
                if self.tiles.core.values.dtype == np.float32:
                    values = values.astype(np.float32)
                self._factors[absolute] = (values, pivots)
            return self._factors[absolute]

    def in_single(self) -> Sweeps | None:
        """Return the same with tiles, factors and vectors in float32, or None if they overflow."""
        core = self.tiles.core
        factors, pivots = self.factors(False, thread_count())
        values, rounded = _in_single(core.values), _in_single(factors)
        if values is None or rounded is None:
            return None
        single = _core.Tiles32(core.starts, core.entries, core.masks, values)
        return Sweeps(self.tiles.with_core(single), self.nonnegative, (rounded, pivots))

    def rounding_tiles(self) -> Sweeps | None:
        """Return the same with factors and vectors in float32, or None if the factors overflow.

        Tiles are rounded as they are read: half the arithmetic, and no second copy of them.
        """
        factors, pivots = self.factors(False, thread_count())
        rounded = _in_single(factors)
        return None if rounded is None else Sweeps(self.tiles, self.nonnegative, (rounded, pivots))

    def run(
        self,
        Y: FloatArray,
        X: FloatArray,
        stopping: Stopping,
        *,
        from_zero: bool,
        adjoint: bool,
        threads: int,
        absolute: bool = False,
        shared: int = 0,
    ) -> int:
        """Improve X on (I − A) X = Y in place, in tile order; return the passes used.

        By Gauss-Seidel sweeps, or (`shared` > 0, with weights only) by GMRES preconditioned with
        them, in which up to `shared` right-hand sides have one Krylov space.
        """
        values, pivots = self.factors(absolute, threads)
        return self.tiles.core.solve(
            values,
            pivots,
            Y,
            X,
            shared,
            from_zero,
            stopping.guard,
            stopping.weight,
            stopping.goal,
            stopping.most,
            adjoint,
            absolute,
            threads,
            instruction_set(),
        )


def _in_single(values: Any) -> Any:
    """Return a vector in float32, or None if it does not fit."""
    out, threads = np.empty(values.size, dtype=np.float32), thread_count()

    def convert(part: int) -> bool:
        here = slice(values.size * part // threads, values.size * (part + 1) // threads)
        with np.errstate(over="ignore"):
            out[here] = values[here]
        ends = out[here].min(initial=0.0), out[here].max(initial=0.0)
        return bool(np.isfinite(ends).all())

    with ThreadPool(threads) as pool:
        return out if all(pool.map(convert, range(threads))) else None
