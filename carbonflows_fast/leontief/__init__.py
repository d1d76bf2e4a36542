"""Systems of equations: the tiles of A, the solvers, and the proof of every result."""

from carbonflows_fast.leontief._system import LeontiefSystem, Solution, SolveReport, system

__all__ = ["LeontiefSystem", "Solution", "SolveReport", "system"]
