"""How much memory a task may need, from what the manifest of a table says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["memory_of"]

PROCESS = 300_000_000
"""Bytes of a worker with everything imported."""

TABLES = {
    "accounts": 1.0, "flows": 1.0, "structural_paths": 2.0, "sector_study": 1.5,
    "structural_path_decomposition": 5.0, "structural_decomposition": 16.0,
}  # fmt: skip
"""Times the bytes of a saved table that each question touches or makes besides, measured."""

SIDES = 12
"""Vectors of the table's length a region, of numbers of eight bytes."""


def memory_of(what: str, path: Path, manifest: dict[str, Any]) -> int:
    """Return bytes enough for a question about a saved table (two, if it compares years)."""
    stored = sum(record["bytes"] for record in manifest["files"].values())
    rows = len(manifest["regions"]) * len(manifest["sectors"])
    sides = 8 * rows * len(manifest["regions"]) * SIDES
    return int(PROCESS + TABLES[what] * stored + sides)
