"""What the tests of the solver share."""

from __future__ import annotations

from typing import Any

import numpy as np

import carbonflows_fast as cf

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


def world(**options: Any) -> cf.Table:
    """A world of several blocks, some cut and some joined."""
    return cf.synthetic.world(7, 40, **options)
