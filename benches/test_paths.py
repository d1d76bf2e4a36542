"""Path searches from a prepared system; what they find adds up, and little else is looked at."""

from __future__ import annotations

from typing import Any

import pytest

import carbonflows_fast as cf
from carbonflows_fast.paths._network import CHAINS

SEARCHES: dict[str, dict[str, Any]] = {
    "threshold": {"min_share": 1e-8},
    "top": {"top": 1_000_000},
    "coverage": {"coverage": 0.7},
}


@pytest.mark.parametrize("search", SEARCHES)
def test_search(benchmark: Any, world: cf.Table, search: str) -> None:
    benchmark.group = "paths"

    def anew() -> cf.Paths:
        world.kept.forget(CHAINS)
        return cf.structural_paths(world, **SEARCHES[search])

    paths = benchmark(anew)
    assert abs(paths.value.sum() + paths.remainder - paths.total) <= 1e-9 * paths.total
    benchmark.extra_info["paths"] = len(paths)
    benchmark.extra_info["nodes"] = paths.nodes
    assert paths.nodes <= 1.3 * paths.nodes_needed
