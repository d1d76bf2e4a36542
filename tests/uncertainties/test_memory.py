"""Copies of A: none for standard deviations, and one in float32 for draws."""

from __future__ import annotations

import tracemalloc

import pytest

import carbonflows_fast as cf


@pytest.mark.parametrize(("draws", "copies"), [(None, 0.7), (2, 1.2)])
@pytest.mark.parametrize("of", ["accounts", "flows"])
def test_memory_beside_the_tiles(of: str, draws: int | None, copies: float) -> None:
    """A copy in float64 is 1, one in float32 0.5; the rest is vectors, some for each region."""
    table = cf.synthetic.world(20, 150)
    tiles = cf.system(table).tiles
    errors = cf.Errors(Z=0.1, Y=0.1, F=0.1)
    cf.uncertainty(table, table.stressors[0], errors, of=of, draws=2)  # loads code, solves
    tracemalloc.start()
    try:
        cf.uncertainty(table, table.stressors[0], errors, of=of, draws=draws)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak / tiles.nbytes < copies
