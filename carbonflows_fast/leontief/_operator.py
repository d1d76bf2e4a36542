"""The Leontief inverse as an operator of SciPy: every product with it is a certified solve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from carbonflows_fast._base.arguments import tolerance

if TYPE_CHECKING:
    from carbonflows_fast.leontief._solution import Solution
    from carbonflows_fast.leontief._system import LeontiefSystem

__all__ = ["InverseOperator"]


class InverseOperator(LinearOperator):  # type: ignore[misc]
    """L = (I − A)⁻¹ without its numbers: `LeontiefSystem.L`.

    ``L @ y`` and ``L @ Y`` solve (I − A) X = Y; ``s @ L`` and ``L.T @ s`` solve for multipliers.

    Attributes
    ----------
    shape : (n, n)
    dtype : float64
    report : SolveReport or None
        Of the last product, with its proved error bound.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(2, 3)
    >>> L = cf.system(table).L.to(1e-6)
    >>> multipliers = table.S.to_numpy() @ L
    >>> L.report.error_bound <= 1e-6
    True
    """

    def __init__(self, system: LeontiefSystem, rtol: float = 1e-10) -> None:
        super().__init__(np.dtype(np.float64), (system.n, system.n))
        self._system = system
        self._rtol = tolerance(rtol)
        self.report: Any = None

    def to(self, rtol: float) -> InverseOperator:
        """Return the same operator, with products that are certified to another error.

        Raises
        ------
        InputError
            If it is not between 0 and 1.
        """
        return InverseOperator(self._system, rtol)

    def _matmat(self, X: Any) -> Any:
        return self._kept(self._system.solve(np.asarray(X), rtol=self._rtol))

    def _matvec(self, x: Any) -> Any:
        return self._matmat(np.asarray(x).reshape(-1))

    def _rmatmat(self, X: Any) -> Any:
        return self._kept(self._system.solve_adjoint(np.asarray(X).T, rtol=self._rtol)).T

    def _rmatvec(self, x: Any) -> Any:
        return self._rmatmat(np.asarray(x).reshape(-1))

    def _kept(self, solution: Solution) -> Any:
        self.report = solution.report
        return solution.values
