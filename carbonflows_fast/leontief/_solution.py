"""What a solve returns."""

from __future__ import annotations

from dataclasses import dataclass

from carbonflows_fast._base.arrays import FloatArray

__all__ = ["Solution", "SolveReport"]


@dataclass(frozen=True, slots=True, repr=False)
class SolveReport:
    """How a solve was made, and the proved bounds on its error.

    Attributes
    ----------
    method : str
        "gmres", "gauss-seidel" or "direct".
    why : str
        Why this method.
    passes : int
        Largest number of passes over A of one right-hand side, with the certificate's.
    matrix_bytes : int
        Bytes of A that a pass reads.
    residual : float
        Largest Σ|r| / Σ|y| over the right-hand sides.
    error_bounds : ndarray, shape (k,)
        Proved bounds on Σ t|x̃ − x| / Σ t|x̃|, where t is the weight (default 1).
    seconds : float
    threads : int

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> report = cf.system(table).solve(table.Y, method="gmres").report
    >>> report.method, report.error_bounds.shape, report.error_bound <= 1e-10
    ('gmres', (14,), True)
    >>> print(report)
    SolveReport('gmres', ... passes, 14 right-hand sides, error bound ..., ... s, ... thread...)
    """

    method: str
    why: str
    passes: int
    matrix_bytes: int
    residual: float
    error_bounds: FloatArray
    seconds: float
    threads: int

    @property
    def error_bound(self) -> float:
        """The largest of `error_bounds`."""
        return float(self.error_bounds.max(initial=0.0))

    def __repr__(self) -> str:
        counts = (
            (self.passes, "pass", "passes"),
            (len(self.error_bounds), "right-hand side", ""),
            (self.threads, "thread", ""),
        )
        passes, sides, threads = (
            f"{number:,} {one if number == 1 else many or one + 's'}"
            for number, one, many in counts
        )
        return (
            f"SolveReport({self.method!r}, {passes}, {sides}, error bound {self.error_bound:.1e}, "
            f"{self.seconds:.2g} s, {threads})"
        )


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """The solution of a solve, in the shape of its right-hand side, and the report on it.

    Attributes
    ----------
    values : ndarray, shape (n,) or (n, k); (k, n) of an adjoint solve
        In the order of the table's rows.
    report : SolveReport

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> cf.system(table).solve(table.Y).values.shape
    (6, 14)
    """

    values: FloatArray
    report: SolveReport
