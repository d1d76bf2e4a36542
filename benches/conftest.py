"""What the benchmarks share: the world, the size, and the threads, pinned and printed."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

import carbonflows_fast as cf

FULL = os.environ.get("CARBONFLOWS_BENCH") == "full"
"""Full size is 49 × 200; otherwise a small world, to see that everything still runs."""

REGIONS, SECTORS = (49, 200) if FULL else (6, 30)


def pytest_report_header() -> str:
    """Print what the figures depend on."""
    info = cf.build_info()
    pools = ""
    try:
        from threadpoolctl import threadpool_info

        pools = ", ".join(f"{p['internal_api']} {p['num_threads']}" for p in threadpool_info())
    except ImportError:
        pools = "unknown (threadpoolctl is not installed)"
    return (
        f"benchmarks: {REGIONS} × {SECTORS}, {info['instruction_set']}, {info['threads']} threads; "
        f"BLAS: {pools}"
    )


@pytest.fixture(scope="session")
def world() -> cf.Table:
    """An invented world, its system prepared."""
    table = cf.synthetic.world(REGIONS, SECTORS)
    cf.system(table)
    return table


@pytest.fixture(scope="session")
def demand(world: cf.Table) -> Any:
    """Final demand of all regions, shape (n,)."""
    return np.ascontiguousarray(world.Y.to_numpy().sum(axis=1))


@pytest.fixture(scope="session")
def dense(world: cf.Table) -> Any:
    """I − A as LAPACK takes it."""
    matrix = -world.A.toarray(order="F")
    matrix[np.diag_indices(world.n)] += 1.0
    return matrix
