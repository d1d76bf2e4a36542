"""Results of `calc_all` beside pymrio's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pymrio

import carbonflows_fast as cf

INVERSES = {"L", "G"}

D_ACCOUNTS = ("D_cba", "D_pba", "D_imp", "D_exp")


def assert_same(ours: Any, theirs: Any, where: str = "io") -> None:
    """Compare all that two systems or extensions hold."""
    assert vars(ours).keys() == vars(theirs).keys()
    for name, expected in vars(theirs).items():
        got, place = getattr(ours, name), f"{where}.{name}"
        if isinstance(expected, pymrio.Extension):
            assert_same(got, expected, place)
        elif name in INVERSES or expected is None:
            assert got is None, place
        elif isinstance(expected, pd.DataFrame):
            assert_same_frame(got, expected, place)


def assert_same_frame(got: pd.DataFrame, expected: pd.DataFrame, place: str) -> None:
    scale = float(np.abs(expected.select_dtypes("number").to_numpy()).max(initial=0.0))
    pd.testing.assert_frame_equal(got, expected, rtol=1e-9, atol=1e-11 * scale, obj=place)
    assert got.columns.names == expected.columns.names


def assert_same_results(io: Any, *, include_ghosh: bool = False) -> Any:
    """Calculate a copy of `io` by each, and compare."""
    theirs = io.copy().calc_all(include_ghosh=include_ghosh)
    ours = io.copy()
    assert cf.calc_all(ours, include_ghosh) is ours
    assert_same(ours, theirs)
    return ours
