"""How much memory a task may need, from what the manifest of a table says of it."""

from __future__ import annotations

from typing import Any

from carbonflows_fast.errors import MemoryLimitError

__all__ = ["memory_of", "require_room"]

PROCESS = 320_000_000
"""Bytes of a worker with everything imported."""

NEEDS = {
    "accounts": (1.2, 60),
    "flows": (1.2, 60),
    "structural_paths": (2.0, 20),
    "sector_study": (1.2, 180),
    "structural_path_decomposition": (4.0, 40),
    "structural_decomposition": (14.0, 40),
}
"""Times the bytes of a saved table, and vectors of its length a region, that each question touches
or makes: a seventh above what was measured on 49 regions × 200 products.
"""


def memory_of(what: str, manifest: dict[str, Any]) -> int:
    """Return bytes enough for a question about a saved table (two, if it compares years)."""
    tables, sides = NEEDS[what]
    stored = sum(record["bytes"] for record in manifest["files"].values())
    outputs = manifest["files"]["x"]["bytes"]
    return int(PROCESS + tables * stored + sides * outputs * len(manifest["regions"]))


def require_room(needed: int, limit: float, whose: str) -> None:
    """Refuse a task that cannot fit.

    Raises
    ------
    MemoryLimitError
    """
    if needed > limit:
        raise MemoryLimitError(
            f"workers: expected {needed / 1e9:.1f} GB for each task, by the size of the tables and "
            f"the question, got {limit / 1e9:.1f} GB, which is what {whose}; use larger workers, "
            "or ask for less at a time"
        )
