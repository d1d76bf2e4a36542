"""Changes between two tables, as a whole and chain by chain."""

from carbonflows_fast.decomposition._by_path import PathChanges, structural_path_decomposition
from carbonflows_fast.decomposition._chained import decompose_years
from carbonflows_fast.decomposition._whole import Decomposition, structural_decomposition

__all__ = [
    "Decomposition",
    "PathChanges",
    "decompose_years",
    "structural_decomposition",
    "structural_path_decomposition",
]
