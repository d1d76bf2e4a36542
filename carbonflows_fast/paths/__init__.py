"""Structural path analysis: supply chains, exactly ranked."""

from carbonflows_fast.paths._search import Paths, structural_paths

__all__ = ["Paths", "structural_paths"]
