"""The search for paths: a table and a stressor made ready for it, and what it leaves out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.machine import instruction_set, thread_count
from carbonflows_fast.accounting._solves import accurate_multipliers
from carbonflows_fast.accounting._weights import purchase_weight
from carbonflows_fast.errors import InputError, MemoryLimitError, NotProductiveError
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._certificate import TINY, rounding, seen_through
from carbonflows_fast.leontief._subsystems import restricted_to, with_sizes
from carbonflows_fast.paths._limits import MOST_PATHS, SearchLimits
from carbonflows_fast.paths._stages import stages_of
from carbonflows_fast.table._kept import Key

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["PREFIXES_A_PATH", "SMALLEST", "Network", "exponent_of", "network_of"]

CHAINS = Key("chains", "matrix Y x")

SMALLEST = 1e-280
"""Paths below this share of y × s at their largest are beyond float64 and not looked for."""

PREFIXES_A_PATH = 4
"""Prefixes that a search may keep for every path that it may find; half as many where the caller
says how many paths."""


@dataclass(frozen=True, eq=False)
class Network:
    """A table and a stressor, made ready for the searches of any demand.

    chains : the potentials and lists of the compiled search, for s scaled by 2^−exponent.
    s : (n,) in table order, zero where no path may end.
    met : T, or None.
    multipliers : (states, n) in table order, Σ over the completions that end as they must; the
        last row for paths that have met T, or need not.
    bound : of Σ b|error| of `multipliers`; weight : b, (n,).
    rtol : what was solved to, None for as accurately as rounding lets it be;
    spread : how much larger (L b)_i is than b_i at most; size : at least |s|'L b, L of
    |A|, and with T what sums over what arrives there may add up to.
    """

    prepared: LeontiefSystem
    chains: _core.Chains
    exponent: int
    s: FloatArray
    met: BoolArray | None
    multipliers: FloatArray
    bound: float
    weight: FloatArray
    rtol: float | None
    spread: float
    size: float

    def of_rows(self) -> FloatArray:
        """Multiplier of every row as the first of a path."""
        last: FloatArray = self.multipliers[-1]
        return last if self.met is None else np.where(self.met, last, self.multipliers[0])

    def total(self, y: FloatArray) -> float:
        return float(self.of_rows() @ y)

    @cached_property
    def sizes(self) -> FloatArray:
        """Σ|v| over the completions of every row as the first of a path, (n,): with |A| and |s|."""
        if self.prepared.nonnegative and not np.any(self.s < 0.0):
            return self.of_rows()
        made, count = with_sizes(self.prepared), thread_count()
        m, _ = accurate_multipliers(made, np.abs(self.s), self.weight, self.rtol)
        if self.met is None:
            return m
        before, _ = _until_met(made, m, self.met, self.weight, count, self.rtol)
        return np.where(self.met, m, before)

    def gross(self, y: FloatArray) -> float:
        """Σ|v| of all paths: what shares are of."""
        return float(self.sizes @ np.abs(y))

    def error_bound(self, size: FloatArray, columns: int) -> float:
        """Of the total and the remainder: the solves', and what adding up may round.

        `size` is Σ|Y| over the columns of the demand, no less than |y|. Subtrees are cut off where
        up to (L|y|)_i arrives, not |y|_i.
        """
        # Products on the way to a subtree, several tables of them, and sums over all subtrees.
        rounded = 4.0 * rounding(size.size + columns + 64) * self.size
        bound = seen_through(size, self.weight) * (self.spread * self.bound + rounded)
        return bound + size.size * TINY

    def find(self, y: FloatArray, limits: SearchLimits, threads: int) -> tuple[Any, ...]:
        """Search; y in table order."""
        exponent = self.exponent + exponent_of(y)
        floor, target = self._thresholds(y, limits, exponent, threads)
        most = limits.most
        limit = max(PREFIXES_A_PATH * MOST_PATHS, PREFIXES_A_PATH // 2 * (most or 0))
        found = MOST_PATHS if most is None else 2**62
        complete, values, starts, rows, pruned, nodes = self._search(
            y, threads, (floor, -1 if most is None else most, target, found, limit)
        )
        if not complete:
            raise MemoryLimitError.about(
                limits.mode,
                expected=f"a limit that {most or MOST_PATHS:,} paths meet at most, "
                f"found in {limit:,} steps",
                got=f"{getattr(limits, limits.mode)!r}, which takes more",
                remedy="ask for less, or set max_paths for the largest",
                typed=("ask for less, or for the largest with ", "top"),
            )
        if limits.coverage is not None and most is None and values.size:
            # In the order of the search, which decided so.
            share = float(np.cumsum(np.abs(values))[-1]) / _scaled(self.gross(y), -exponent)
            self._require_reach(limits, share * (1.0 + rounding(0)))
        return (
            np.ldexp(values, exponent),
            starts,
            rows,
            np.ldexp(pruned, exponent),
            nodes,
        )

    def _search(
        self, y: FloatArray, threads: int, bounds: tuple[float, int, float, int, int]
    ) -> tuple[Any, ...]:
        """Search in the order of the tiles, y scaled below 1; bounds as `_core.Chains` has them."""
        order = self.prepared.tiles.order
        demand = np.ldexp(y, -exponent_of(y))
        if order is None:
            order = np.arange(y.size)
        else:
            demand = demand[order]
        return self.chains.find(np.ascontiguousarray(demand), *bounds, order, threads)

    def _thresholds(
        self, y: FloatArray, limits: SearchLimits, exponent: int, threads: int
    ) -> tuple[float, float]:
        """Return the smallest value and the sum that are asked for, scaled by 2^−exponent."""
        if limits.mode == "top":
            return SMALLEST, np.nan
        if limits.coverage is not None:
            gross = self.gross(y)
            if gross == 0.0:
                return SMALLEST, np.nan
            self._require_reach(limits, self._within(y, limits))
            return SMALLEST, _scaled(limits.coverage * gross, -exponent)
        least = limits.min_share * self.gross(y) if limits.min_share else limits.threshold
        if limits.min_share and least == 0.0:
            return SMALLEST, np.nan
        floor = _scaled(least, -exponent)
        if floor < SMALLEST:
            expected = f"at least {_scaled(SMALLEST, exponent):.0e} in the stressor's unit"
            raise _refused(limits, expected, "ask for the top paths instead")
        return floor, np.nan

    def _within(self, y: FloatArray, limits: SearchLimits) -> float:
        """Return the share of the gross total in `max_stage` purchases, if less than asked."""
        if limits.max_stage is None or limits.coverage is None:
            return 1.0
        total, so_far = self.gross(y), 0.0
        made = with_sizes(self.prepared)
        stages = stages_of(made, np.abs(self.s), self.met, np.abs(y))
        for _, value in zip(range(limits.max_stage + 1), stages):
            so_far += value
            # Later stages may be too small to change the sum.
            if so_far >= limits.coverage * total or value < 1e-17 * so_far:
                break
        return so_far / total

    @staticmethod
    def _require_reach(limits: SearchLimits, within: float) -> None:
        if limits.coverage is not None and within < limits.coverage:
            limit = (
                "there is" if limits.max_stage is None else f"max_stage={limits.max_stage} leaves"
            )
            expected = f"at most the {within:.6g} that {limit}"
            raise _refused(limits, expected, "ask for less, or for more stages")


def network_of(
    table: Table,
    s: FloatArray,
    met: BoolArray | None,
    max_stage: int | None,
    threads: int,
    exponent: int | None = None,
    rtol: float | None = None,
) -> Network:
    """Return what all demands share; the last one is kept with the table.

    s is scaled by 2^−exponent, below 1 by default; two tables are compared on one scale.
    """
    exponent = exponent_of(s) if exponent is None else exponent
    digest = hashlib.blake2b(s.tobytes(), digest_size=16)
    digest.update(b"" if met is None else met.tobytes())
    network: Network = table.kept.get(
        CHAINS,
        lambda: _new_network(table, s, met, max_stage, threads, exponent, rtol),
        (digest.digest(), max_stage, exponent),
        rtol,
    )
    return network


def _new_network(
    table: Table,
    s: FloatArray,
    met: BoolArray | None,
    max_stage: int | None,
    threads: int,
    exponent: int,
    rtol: float | None,
) -> Network:
    prepared = system(table)
    # With all of x in it, (L b)_i is only a few times b_i: see `Network.error_bound`.
    weight = purchase_weight(table)
    if not prepared.by_sizes:
        zero = "or set these inputs to zero with table.with_changes(A=...)"
        raise NotProductiveError.about(
            "A",
            expected="supply chains whose sizes add up to a finite number",
            got="negative inputs (by-products) that cancel chains of any length, so that nothing "
            "bounds what a search leaves out",
            remedy=f"ask cf.flows or cf.production_layers, which need no chains one by one, {zero}",
            typed=f"ask carbonflows-fast flows, which needs no chains one by one, {zero} in Python",
        )
    m, bound = accurate_multipliers(prepared, s, weight, rtol)
    here = prepared.tiles.table_rows
    # The checked guard v of m has (I − |A|) v ≥ b / scale, hence L b ≤ scale v.
    proof = prepared.certificate(weight, adjoint=True, threads=threads)
    reached = proof.scale * proof.guard
    spread = max(seen_through(reached, weight[here]), 1.0)
    multipliers = m[None]
    if met is not None:
        before, further = _until_met(prepared, m, met, weight, threads, rtol)
        multipliers, bound = np.stack([before, m]), bound * (1.0 + spread) + further
    try:
        chains = _core.Chains(
            prepared.tiles.core,
            np.ldexp(s, -exponent)[here],
            np.ascontiguousarray(np.ldexp(multipliers, -exponent)[:, here]).ravel(),
            np.empty(0, dtype=np.uint8) if met is None else met[here].astype(np.uint8),
            -1 if max_stage is None else max_stage,
            threads,
            instruction_set(),
        )
    except ArithmeticError:
        raise NotProductiveError.about(
            "A",
            expected="every cycle of purchases to need less than it delivers",
            got="one that does not",
            remedy="look at cf.check(table) and correct the table",
            typed="look at carbonflows-fast check and correct the table",
        ) from None
    size = float(np.abs(s[here]) @ reached) * (1.0 if met is None else spread)
    return Network(
        prepared, chains, exponent, s, met, multipliers, bound, weight, rtol, spread, size
    )


def _until_met(
    prepared: LeontiefSystem,
    m: FloatArray,
    met: BoolArray,
    weight: FloatArray,
    threads: int,
    rtol: float | None,
) -> tuple[FloatArray, float]:
    """Return the multipliers of paths that have not met T yet and must, and their bound.

    With O the rows off T: σ_O = (I − A_OO)⁻ᵀ A_TO' m_T, solved for directly, since m less the
    multipliers of paths that stay in O would cancel where few paths meet T. On T it is m. The bound
    is this solve's own: an error of m_T comes on top, through A_TO (I − A_OO)⁻¹ b ≤ L b.
    """
    tiles = prepared.tiles
    here = tiles.table_rows
    entering = np.where(met, m, 0.0)[here]
    rows = np.empty(m.size)
    rows[here] = tiles.product(entering[:, None], adjoint=True, threads=threads)[:, 0]
    rows[met] = 0.0
    off = restricted_to(prepared, ~met, threads)
    sigma, bound = accurate_multipliers(off, rows, weight, rtol)
    return np.where(met, m, sigma), bound


def _refused(limits: SearchLimits, expected: str, remedy: str) -> InputError:
    got = repr(getattr(limits, limits.mode))
    return InputError.about(limits.mode, expected=expected, got=got, remedy=remedy)


def exponent_of(values: FloatArray) -> int:
    """Power of two that scales the largest value below 1: exact, and independent of units."""
    largest = float(np.abs(values).max(initial=0.0))
    return int(np.frexp(largest)[1]) if largest else 0


def _scaled(value: Any, exponent: int) -> float:
    return float(np.ldexp(value, exponent))
