"""Searches that go a million purchases deep."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("resource")

ROOM = 1 << 29
CHILD = """
import resource, sys
import numpy as np
import carbonflows_fast as cf

A, Y = np.array([[1 - 1e-7, 0.0], [1.5, 0.5]]), np.array([[3.0], [1.0]])
x = np.linalg.solve(np.eye(2) - A, Y[:, 0])
table = cf.Table(A=A, Y=Y, S=[[0.0, 1.0]], x=x, regions="DE", sectors=["a", "b"], stressors="CO2")
cf.structural_paths(table, top=1)
taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[1]),) * 2)
paths = cf.structural_paths(table, top=200)
print(paths.pruned.size, abs(paths.pruned.sum() - paths.remainder) <= 1e-9 * paths.total)
"""


def test_what_a_deep_search_cuts_off_takes_memory_by_node_and_stage_alone() -> None:
    """Each piece of the tree once had sums for all stages before it: 1.8 GB here, 20 GB soon."""
    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(ROOM)], capture_output=True, text=True, check=False,
        env={**os.environ, "CARBONFLOWS_NUM_THREADS": "2", "MALLOC_ARENA_MAX": "2"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-500:]
    stages, closes = done.stdout.split()
    assert int(stages) > 500_000
    assert closes == "True"
