"""Systems of equations: the tiles of A, the solvers, and the proof of every result."""

from carbonflows_fast.leontief._of_table import system
from carbonflows_fast.leontief._solution import Solution, SolveReport
from carbonflows_fast.leontief._system import LeontiefSystem

__all__ = ["LeontiefSystem", "Solution", "SolveReport", "system"]
