"""How sure a sector study is, the slow way: studies of perturbed tables, by dense inverses."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from support.references.chain_errors_reference import perturbed
from support.references.uncertainty_reference import UncertaintyReference


@dataclass
class StudyErrorsReference(UncertaintyReference):
    """Total, direct, upstream, and sums by emitter, maker and consumer."""

    rows: Any = None
    columns: Any = None

    @classmethod
    def of_rows(cls, slow: UncertaintyReference, rows: Any, columns: Any) -> StudyErrorsReference:
        given = {one.name: getattr(slow, one.name) for one in fields(UncertaintyReference)}
        return cls(**given, rows=rows, columns=columns)

    def answers(self, **changes: Any) -> Any:
        of, T, off = perturbed(self, changes), self.rows, ~self.rows
        kept, n = self.kept, len(self.kept.x)
        regions, seller, buyer = kept.regions, kept.emitter, kept.consumer
        if self.columns.dtype == bool:
            each = [of["Y"][:, self.columns & (buyer == q)].sum(axis=1) for q in regions]
            Y = np.stack(each, axis=1)
        else:
            Y = self.columns[:, None].astype(of["Y"].dtype)
        A, s = of["A"], of["s"]
        L = np.linalg.inv(np.eye(n) - A)
        inner = np.linalg.inv(np.eye(int(off.sum())) - A[np.ix_(off, off)])
        z = np.zeros((n, Y.shape[1]), np.result_type(A, Y))
        z[T] = Y[T] + A[np.ix_(T, off)] @ inner @ Y[off]
        steps = np.array([
            [np.where(seller == p, s, 0.0) @ L @ np.where((seller == r)[:, None], z, 0.0)
             for r in regions] for p in regions
        ])  # fmt: skip
        total, direct = steps.sum(), np.where(T, s, 0.0) @ L @ Y.sum(axis=1)
        whole = [total, direct, total - direct]
        sums = [steps.sum(axis=axes) for axes in ((1, 2), (0, 2), (0, 1))]
        return np.concatenate([np.array(whole), *sums])
