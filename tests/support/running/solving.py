"""What the tests of the solver share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np

import carbonflows_fast as cf
from carbonflows_fast.leontief import _dense_lu, _system, _tiles

METHODS = ["gmres", "gauss-seidel", "direct"]


def table_of(A: Any, regions: Any = None, Y: Any = None) -> cf.Table:
    """A table around a coefficient matrix; its output only has to be positive."""
    n = A.shape[0]
    return cf.Table(
        A=A,
        x=np.ones(n),
        Y=np.ones((n, 1)) if Y is None else Y,
        S=np.ones((1, n)),
        regions=["here"] * n if regions is None else regions,
        sectors=[f"s{i}" for i in range(n)],
        demand=[("here" if regions is None else regions[0], "all")],
        stressors="CO2",
    )


def relative_error(x: Any, true: Any, weight: Any = None) -> Any:
    """Σ t|x̃ − x| / Σ t|x̃| by columns."""
    t = np.ones(len(x)) if weight is None else weight
    return (t @ np.abs(x - true)) / (t @ np.abs(x))


def solve_exactly(A: Any, y: Any) -> list[Fraction]:
    """Solve (I − A) x = y in rationals; I − A is diagonally dominant by columns."""
    n = len(A)
    rows = [
        [Fraction(int(i == j)) - Fraction(float(A[i, j])) for j in range(n)]
        + [Fraction(float(y[i]))]
        for i in range(n)
    ]
    for p in range(n):  # Gauss-Jordan
        rows[p] = [value / rows[p][p] for value in rows[p]]
        for i in range(n):
            if i != p:
                rows[i] = [a - rows[i][p] * b for a, b in zip(rows[i], rows[p], strict=True)]
    return [row[n] for row in rows]


def world(**options: Any) -> cf.Table:
    """A world of several blocks, some cut and some joined."""
    return cf.synthetic.world(7, 40, **options)


@contextmanager
def as_large(*, shared: bool, rounded: bool) -> Iterator[None]:
    """Solve small tables as large ones: right-hand sides share a Krylov space, in float32 first."""
    with (
        mock.patch.object(_dense_lu, "SHARING_ENTRIES", 0 if shared else np.inf),
        mock.patch.object(_dense_lu, "ROUNDED_ENTRIES", 0 if rounded else np.inf),
        mock.patch.object(_dense_lu, "ROUNDED_COLUMNS", 1),
    ):
        yield


@contextmanager
def iterated(method: str = "gmres") -> Iterator[None]:
    """Iterate on small tables too, region by region, where a method is not named: they are solved
    in one step otherwise, as accurately for any tolerance."""
    choose = _system.choose_method

    def chosen(named: str, *arguments: Any, **options: Any) -> Any:
        return (method, "a test") if named == "auto" else choose(named, *arguments, **options)

    with (
        mock.patch.object(_system, "choose_method", chosen),
        mock.patch.object(_tiles, "JOINED_ROWS", 0),
    ):
        yield
