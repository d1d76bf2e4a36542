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

PEERS = ("test_scipy_", "test_lapack_")
LU = "test_lapack_lu[forward]"


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


def pytest_benchmark_update_json(config: Any, benchmarks: Any, output_json: dict[str, Any]) -> None:
    """Add counts and ratios to the record: they mean something elsewhere, seconds do not.

    A ratio is a peer's least time over ours: of the peers in the same group, else of LU.
    """
    marks = output_json["benchmarks"]
    peers = [mark for mark in marks if mark["name"].startswith(PEERS)]
    ratios, counts = {}, {}
    for mark in marks:
        if mark in peers:
            continue
        beside = [peer for peer in peers if peer["group"] == mark["group"]]
        for peer in beside or [peer for peer in peers if peer["name"] == LU]:
            ratio = peer["stats"]["min"] / mark["stats"]["min"]
            ratios[f"{peer['name']} / {mark['name']}"] = ratio
        whole = {what: n for what, n in mark["extra_info"].items() if isinstance(n, int)}
        counts |= {mark["name"]: whole} if whole else {}
    output_json |= {"ratios": ratios, "counts": counts}
