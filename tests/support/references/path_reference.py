"""Structural paths the slow, obvious way, and the small tables that the tests of paths draw.

A path is the tuple of its rows, final product first, and its value is

    v = ((y[i0] * A[i1, i0]) * A[i2, i1]) ... * s[ik],

multiplied from left to right. The references share nothing with the library, take one Python step
a purchase, and form the inverses that it never forms.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import strategies as st
from support.worlds.strategies import random_productive, seeds

import carbonflows_fast as cf

Array: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Path: TypeAlias = tuple[int, ...]
Found: TypeAlias = list[tuple[float, Path]]

SLACK = 1e-9
"""By how much a bound is trusted less than its rounding would allow."""

BY_STAGE = ["paths", "value", "total", "remainder", "pruned"]


def all_below(A: Array, s: Array) -> Array:
    """Bound on Σ|v| of all paths that go on from one unit bought of each row: |s| (I − |A|)⁻¹."""
    return np.linalg.solve(np.eye(len(A)) - np.abs(A).T, np.abs(s))


def walk(
    A: Array, y: Array, size: Array, cut: float, max_stage: int | None = None
) -> Iterator[tuple[float, Path]]:
    """Every prefix with its weight, never going below one where |weight| · size falls under `cut`.

    What `size` says of a row decides which paths are lost: with `all_below` none is.
    """
    waiting = [(y[i], (i,)) for i in range(len(y)) if abs(y[i]) * size[i] >= cut]
    while waiting:
        weight, path = waiting.pop()
        yield float(weight), path
        if max_stage is not None and len(path) > max_stage:
            continue
        bought = weight * A[:, path[-1]]
        for j in np.flatnonzero(np.abs(bought) * size >= cut):
            waiting.append((bought[j], (*path, int(j))))


def ranked(paths: Found) -> Found:
    """By size, then fewer stages, then position in the table."""
    return sorted(paths, key=lambda p: (-abs(p[0]), len(p[1]), p[1]))


def only(mask: Mask | None, values: Array) -> Array:
    return values if mask is None else np.where(mask, values, 0.0)


def brute_force(
    A: Array,
    y: Array,
    s: Array,
    *,
    threshold: float,
    max_stage: int | None = None,
    start: Mask | None = None,
    end: Mask | None = None,
    through: Mask | None = None,
) -> Found:
    """All paths with |v| ≥ threshold > 0, in order."""
    found = []
    prefixes = walk(A, y, all_below(A, s), threshold * (1 - SLACK), max_stage)
    for weight, path in prefixes:
        value = weight * float(s[path[-1]])
        if abs(value) < threshold:
            continue
        if start is not None and not start[path[0]]:
            continue
        if end is not None and not end[path[-1]]:
            continue
        if through is not None and not any(through[i] for i in path):
            continue
        found.append((value, path))
    return ranked(found)


def exact_total(
    A: Array,
    y: Array,
    s: Array,
    *,
    start: Mask | None = None,
    end: Mask | None = None,
    through: Mask | None = None,
) -> float:
    """Σv of all paths of any length: those of the table, less those that stay outside `through`."""
    y, s = only(start, y), only(end, s)
    total = float(s @ np.linalg.solve(np.eye(len(A)) - A, y))
    if through is None:
        return total
    o = ~through
    return total - float(s[o] @ np.linalg.solve(np.eye(o.sum()) - A[np.ix_(o, o)], y[o]))


def stage_totals(
    A: Array,
    y: Array,
    s: Array,
    *,
    stages: int,
    start: Mask | None = None,
    end: Mask | None = None,
    through: Mask | None = None,
) -> Array:
    """Σv of all paths by number of purchases, from 0 up to before `stages`."""
    y, s = only(start, y), only(end, s)
    outside = np.zeros(len(y), dtype=bool) if through is None else ~through
    B, z = A * outside[:, None] * outside, y * outside
    totals = np.empty(stages)
    for k in range(stages):
        totals[k] = s @ y - s @ z
        y, z = A @ y, B @ z
    return totals


def prefixes_of(paths: list[Path]) -> int:
    """Distinct prefixes of some paths: no search can find them and look at fewer."""
    return len({path[:k] for path in paths for k in range(1, len(path) + 1)})


def classic_nodes(
    A: Array, y: Array, s: Array, *, threshold: float, max_stage: int | None = None
) -> int:
    """Prefixes that a search expands that prunes by total multipliers, as peers do."""
    return sum(1 for _ in walk(A, y, all_below(A, s), threshold, max_stage))


def mario_paths(
    A: Array, y: Array, s: Array, *, threshold: float, max_stage: int | None = None
) -> Found:
    """What is found by a peer that stops where a row's own, direct part is below the threshold.

    Whatever stands behind a clean supplier is lost.
    """
    reached = walk(A, y, np.abs(s), threshold, max_stage)
    return ranked([(weight * float(s[path[-1]]), path) for weight, path in reached])


def low_threshold(A: Array, y: Array, s: Array, nodes: int) -> float:
    """A threshold at which `brute_force` looks at no more than about so many prefixes.

    The sum of |weight| · all_below over all prefixes is all_below · |x|, so that fewer than this
    over τ can each be τ or more.
    """
    x = np.linalg.solve(np.eye(len(A)) - np.abs(A), np.abs(y))
    return float(all_below(A, s) @ x) / nodes


# --- cases ----------------------------------------------------------------------------------------


def listed(paths: Any) -> Found:
    """Reported paths in the form of the references."""
    starts, rows = paths.starts, paths.rows
    assert (starts.dtype, rows.dtype) == (np.int64, np.int32)
    assert (starts[0], starts[-1]) == (0, rows.size)
    assert starts.size == len(paths) + 1 == paths.value.size + 1 == paths.stage.size + 1
    assert np.array_equal(np.diff(starts) - 1, paths.stage)
    at = [tuple(rows[a:b].tolist()) for a, b in itertools.pairwise(starts)]
    return list(zip(paths.value.tolist(), at))


@dataclass
class Case:
    """A table, filters, and all of its larger paths."""

    A: Array
    y: Array
    s: Array
    regions: list[str]
    masks: dict[str, Any] = field(default_factory=dict)
    max_stage: int | None = None

    @classmethod
    def of(cls, table: cf.Table, y: Array, **masks: Mask) -> Case:
        """A table that is there already, with a demand of one's own."""
        case = cls(table.A.toarray(), y, table.S.to_numpy()[0], [], masks)
        case.table = table
        return case

    @cached_property
    def table(self) -> cf.Table:
        # Output sets the scale of each row's unit for the solver, and nothing else. Summed, since
        # a solve leaves rounding where nothing is bought.
        x = np.abs(self.y)
        for _ in range(100):
            x = np.abs(self.y) + np.abs(self.A) @ x
        x[x == 0] = x[x > 0].min(initial=1.0)
        return cf.Table(
            A=self.A, Y=self.y[:, None], S=self.s[None], x=x, regions=self.regions,
            sectors=[f"s{i}" for i in range(len(x))], demand=[(self.regions[0], "all")],
            stressors="CO2",
        )  # fmt: skip

    @cached_property
    def lowest(self) -> float:
        """The lowest threshold at which all paths are known."""
        return low_threshold(self.A, self.y, self.s, nodes=20_000)

    @cached_property
    def found(self) -> Found:
        if not self.lowest:
            return []
        return brute_force(
            self.A, self.y, self.s, threshold=self.lowest, max_stage=self.max_stage, **self.masks
        )

    @cached_property
    def total(self) -> float:
        return exact_total(self.A, self.y, self.s, **self.masks)

    @cached_property
    def gross(self) -> float:
        """Σ|v| of all paths that match, which shares are of."""
        sizes = np.abs(self.A), np.abs(self.y), np.abs(self.s)
        return exact_total(*sizes, **self.masks)

    @cached_property
    def scale(self) -> float:
        """Σ|v| of all paths, which the errors of sums are relative to."""
        return exact_total(np.abs(self.A), np.abs(self.y), np.abs(self.s))

    def paths(self, **options: Any) -> Any:
        return cf.structural_paths(self.table, max_stage=self.max_stage, **self.masks, **options)

    def check_sums(self, got: Any) -> None:
        """What is reported and what is not make up the total, as a whole and stage by stage."""
        near, rounding = 1e-9 * self.scale, 1e-11 * self.scale
        assert abs(got.total - self.total) <= min(near, got.error_bound + rounding)
        assert abs(got.value.sum() + got.remainder - self.total) <= near
        assert abs(got.gross - self.gross) <= near
        assert got.gross >= abs(got.total) - near
        if got.gross:
            sizes = np.abs(got.value)
            assert got.coverage == pytest.approx(sizes.sum() / got.gross, rel=1e-9, abs=1e-12)
            assert got.coverage <= 1.0 + 1e-9 * self.scale / got.gross
            assert np.array_equal(got.share, got.value / got.gross)
        else:
            assert np.isnan(got.coverage)
        by = got.by_stage()
        assert (by.index.name, list(by.columns)) == ("stage", BY_STAGE)
        assert list(by.index) == list(range(len(by)))
        assert np.array_equal(by.paths, np.bincount(got.stage, minlength=len(by)))
        values = [got.value[got.stage == k].sum() for k in by.index]
        totals = stage_totals(self.A, self.y, self.s, stages=len(by), **self.masks)
        np.testing.assert_allclose(by.value, values, rtol=0, atol=rounding)
        np.testing.assert_allclose(by.total, totals, rtol=0, atol=near)
        np.testing.assert_allclose(by.remainder, by.total - by.value, rtol=0, atol=rounding)
        assert by.pruned.sum() == pytest.approx(got.remainder, rel=0, abs=rounding)


# Few distinct entries make ties: powers of two tie exactly, tenths only but for their rounding.
FEW = {"powers": [0.0, 0.5, 0.25, 0.0625], "tenths": [0.0, 0.3, 0.2, 0.1, 0.6]}


@st.composite
def cases(draw: Any) -> Case:
    """Tables of two to seven rows with cycles, loops, ties and perhaps signs and odd units."""
    rng, n = draw(seeds()), draw(st.integers(2, 7))
    kind = draw(st.sampled_from(["powers", "tenths", "random"]))
    if kind == "random":
        A = random_productive(rng, n)
        y, s = rng.uniform(0.1, 9.0, (2, n)) * (rng.random((2, n)) < 0.8)
    else:
        A, y, s = rng.choice(FEW[kind], (n, n)), *rng.choice(FEW[kind], (2, n))
        while (heavy := A.sum(axis=0) >= 0.95).any():
            A[:, heavy] /= 2
    if draw(st.booleans()):  # signs
        A[rng.random((n, n)) < 0.2] *= -1
        y[rng.random(n) < 0.3] *= -1
        s[rng.random(n) < 0.2] *= -1
    if draw(st.booleans()):  # a row that is there in name only
        idle = rng.integers(n)
        A[idle], A[:, idle] = 0.0, 0.0
    if draw(st.booleans()):  # other units: coefficients above 1
        d = 2.0 ** rng.integers(-6, 7, n)
        A, y, s = A * d / d[:, None], y / d, s * d
    regions = [f"r{rng.integers(3)}" for _ in range(n)]
    masks = {}
    for name in ("start", "through", "end"):
        if draw(st.booleans()):
            masks[name] = rng.random(n) < 0.7
    return Case(A, y, s, regions, masks, draw(st.none() | st.integers(0, 4)))


def two_regions(**changes: Any) -> cf.Table:
    """A table whose paths one can list by hand; their total is 32."""
    arguments: dict[str, Any] = {
        "A": np.array([[0.0, 0, 0, 0], [0.25, 0, 0, 0], [0, 0, 0, 0], [0.5, 0.125, 0, 0.25]]),
        "Y": np.array([[8.0, 0], [0, 0], [0, 2], [0, 1]]),
        "S": np.array([[0.0, 1, 1, 4]]),
        "x": np.ones(4),
        "regions": ["GBR", "GBR", "CHN", "CHN"],
        "sectors": ["Construction", "Basic metals"] * 2,
        "demand": [("GBR", "all"), ("CHN", "all")],
        "stressors": "CO2",
        "stressor_units": "kt",
    }
    return cf.Table(**(arguments | changes))
