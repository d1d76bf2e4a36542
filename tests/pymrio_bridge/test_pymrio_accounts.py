"""`calc_all` beside pymrio's own: every attribute, label, type and number, but L and G."""

from __future__ import annotations

import copy
import logging
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.references.pymrio_results import D_ACCOUNTS, assert_same_frame, assert_same_results
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError, NotProductiveError
from carbonflows_fast.pymrio_bridge import _calc_all


@pytest.fixture
def io() -> Any:
    return pymrio.load_test()


@pytest.mark.parametrize("include_ghosh", [False, True])
def test_pymrios_test_system(
    io: Any, include_ghosh: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "carbonflows_fast")
    ours = assert_same_results(io, include_ghosh=include_ghosh)
    assert ours.emissions.D_imp_cap is not None
    assert (ours.emissions.M_down is not None) is include_ghosh
    lines = [r.getMessage() for r in caplog.records if r.name == _calc_all.__name__]
    assert len(lines) == 1
    assert lines[0].startswith("L and G " if include_ghosh else "L ")
    assert any(lines[0] in note for note in ours.meta.note_history)


@settings(max_examples=settings().max_examples // 3)  # each is calculated twice, once by pymrio
@given(
    tables(),
    st.booleans(),
    st.sampled_from(["as made", "without x", "a second extension of intensities"]),
)
def test_random_systems(table: cf.Table, include_ghosh: bool, variant: str) -> None:
    io = cf.to_pymrio(table)
    if variant == "without x":
        io.x = None
    elif variant != "as made":
        io.second = pymrio.Extension("second", S=2.0 * table.S.set_axis(io.emissions.get_rows()))
    assert_same_results(io, include_ghosh=include_ghosh)


def test_aggregated(io: Any) -> None:
    cf.calc_all(io)
    assert_same_results(io.aggregate(region_agg=[0, 0, 1, 1, 2, 2], inplace=False))
    assert_same_results(io.aggregate(region_agg="global", sector_agg="total"))


# --- systems that are there in part -----------------------------------------------------------


def test_what_is_there_is_kept(io: Any) -> None:
    cf.calc_all(io)
    M, D_cba, D_pba = io.emissions.M, io.emissions.D_cba, io.factor_inputs.D_pba
    io.emissions.D_imp = io.factor_inputs.M = io.factor_inputs.D_exp_reg = None
    assert_same_results(io)
    cf.calc_all(io)
    assert io.emissions.M is M
    assert io.emissions.D_cba is not D_cba  # the four are made together
    assert io.factor_inputs.D_pba is D_pba
    assert io.factor_inputs.M is not None


def test_a_system_that_is_whole_is_not_solved(io: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    io.calc_all(include_ghosh=True)
    L, G = io.L, io.G
    monkeypatch.delattr(_calc_all, "Footprints")
    monkeypatch.delattr(_calc_all, "solve_certified")
    cf.calc_all(io, include_ghosh=True)
    assert io.L is L
    assert io.G is G


def test_intensities_alone_of_industries_and_final_users(io: Any) -> None:
    cf.calc_all(io)
    io.reset_all_to_coefficients()
    io.Y, io.emissions.M = pymrio.load_test().Y, None
    ours = assert_same_results(io)
    original = pymrio.load_test()
    assert_same_frame(ours.Z, original.Z, "Z")
    pd.testing.assert_frame_equal(
        ours.emissions.F_Y, original.emissions.F_Y, check_dtype=False, rtol=1e-12
    )


def test_small_outputs_of_a_system_without_x_are_accurate() -> None:
    """F is divided by x, so that each x must be right, not only their sum."""
    rng = np.random.default_rng(5)
    n, rows = 60, pd.MultiIndex.from_product([["A", "B"], range(30)], names=["region", "sector"])
    A = rng.random((n, n)) * rng.uniform(0.2, 1.5, n) / n
    A[n // 2 :] *= 1e-9
    Y = np.ones((n, 2))
    Y[n // 2 :] *= 1e-9
    frame = pd.DataFrame(rng.random((2, n)), ["CO2", "CH4"], rows)
    io = pymrio.IOSystem(
        A=pd.DataFrame(A, rows, rows),
        Y=pd.DataFrame(Y, rows, pd.MultiIndex.from_product([["A", "B"], ["all"]])),
        air={"name": "air", "F": frame},
    )
    ours = cf.calc_all(assert_same_results(io), include_ghosh=True)
    exact = np.linalg.solve(np.eye(n) - A, Y.sum(axis=1))
    np.testing.assert_allclose(ours.x["indout"], exact, rtol=1e-9)
    np.testing.assert_allclose(ours.air.S, frame / exact, rtol=1e-9)
    # Not beside pymrio's, which takes the identity away from G and loses seven digits here.
    B = A * exact / exact[:, None]
    M_down = np.linalg.solve(np.eye(n) - B, B @ (frame / exact).T).T
    np.testing.assert_allclose(ours.air.M_down, M_down, rtol=1e-9)


def test_final_demand_of_some_regions(io: Any) -> None:
    """pymrio's D_imp gets a column without a sector for each region that buys nothing."""
    io.calc_all().reset_extensions()
    io.Y = io.Y[["reg3", "reg2"]]
    theirs = io.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas will not let it do so for ever
        theirs.calc_all()
    cf.calc_all(io)
    for name in (*D_ACCOUNTS, *(f"{account}_reg" for account in D_ACCOUNTS)):
        got, expected = getattr(io.emissions, name), getattr(theirs.emissions, name)
        if name.startswith("D_imp"):
            expected = expected[["reg3", "reg2"]]
            assert set(getattr(theirs.emissions, name)) - set(got) != set()
        assert_same_frame(got, expected, name)


def test_consumers_that_make_nothing(io: Any) -> None:
    """A statistical discrepancy stands among the columns of Y, but not among the rows."""
    io.population = io.emissions.F_Y = None
    io.Y = io.Y.rename(columns={"reg6": "discrepancy"}, level="region")
    io.Y = pd.concat([io.Y, pymrio.load_test().Y["reg6"].mul(0.5).pipe(_under, "reg6")], axis=1)
    assert_same_results(io, include_ghosh=True)


def _under(frame: pd.DataFrame, region: str) -> pd.DataFrame:
    return pd.concat({region: frame}, axis=1, names=["region", "category"])


def test_extensions_without_rows(io: Any) -> None:
    io.remove_extension("factor_inputs")
    io.emissions.F, io.emissions.F_Y = io.emissions.F.iloc[:0], None
    assert_same_results(io, include_ghosh=True)
    io.remove_extension("emissions")
    assert_same_results(io)


def test_labels_and_quantities_that_are_whole_numbers(io: Any) -> None:
    rows = io.Z.index.set_levels([range(6), range(8)], level=[0, 1])
    demand = io.Y.columns.set_levels([range(6), range(7)], level=[0, 1])
    Z, Y, F = (frame.to_numpy().astype(int) for frame in (io.Z, io.Y, io.emissions.F))
    whole = pymrio.IOSystem(Z=pd.DataFrame(Z, rows, rows), Y=pd.DataFrame(Y, rows, demand))
    whole.emissions = pymrio.Extension("emissions", F=pd.DataFrame(F, columns=rows))
    assert_same_results(whole)


def test_results_can_be_written_to(io: Any) -> None:
    cf.calc_all(io)
    for frame in io.emissions.get_DataFrame(data=True, with_unit=False):
        frame.iloc[0, 0] = 0
        assert frame.iloc[0, 0] == 0


@pytest.mark.parametrize("given", ["x", "Z"])
def test_an_output_of_minus_zero_is_zero(io: Any, given: str) -> None:
    first = io.Z.index[0]
    io.Z.loc[first], io.Z[first], io.Y.loc[first] = -0.0, 0.0, -0.0
    io.Z.loc[first, first], io.emissions.F[first], io.factor_inputs.F[first] = -0.0, 0.0, 0.0
    io.x = pymrio.calc_x(io.Z, io.Y)
    io.x.loc[first] = -0.0
    if given == "Z":
        io.x = None
    cf.calc_all(io, include_ghosh=True)
    assert io.x.loc[first, "indout"] == 0
    for found in (io.A, io.B, io.emissions.S, io.emissions.D_cba):
        assert np.isfinite(found.to_numpy()).all()


# --- what cannot be calculated ------------------------------------------------------------------


@pytest.mark.parametrize("part", ["Z", "Y"])
def test_what_a_system_must_have(io: Any, part: str) -> None:
    setattr(io, part, None)
    with pytest.raises(InputError, match=f"io: expected an IOSystem with {part}"):
        cf.calc_all(io)


def test_an_extension_must_have_F_or_S(io: Any) -> None:
    io.emissions.F = None
    with pytest.raises(InputError, match=r"io\.emissions: .*F or S, got neither"):
        cf.calc_all(io)


@pytest.mark.parametrize("frame", ["Y", "F", "S"])
def test_a_missing_number_is_an_error(io: Any, frame: str) -> None:
    cf.calc_all(io)
    if frame == "F":
        io.reset_extensions()
    io.emissions.M = None
    holder = io if frame == "Y" else io.emissions
    values = getattr(holder, frame).astype(float)
    values.iloc[0, 1] = np.nan
    setattr(holder, frame, values)
    with pytest.raises(InputError, match=r"finite numbers, got nan at row 0 .*, column 1"):
        cf.calc_all(io)


@pytest.mark.parametrize("frame", ["Z", "F", "F_Y"])
def test_a_corrected_number_is_enough(io: Any, frame: str) -> None:
    """Nothing is filled in from a frame that is refused."""
    expected = cf.calc_all(copy.deepcopy(io)).emissions.D_cba
    holder = io if frame == "Z" else io.emissions
    right = getattr(holder, frame).astype(float)
    wrong = right.copy()
    wrong.iloc[0, 1] = np.nan
    setattr(holder, frame, wrong)
    with pytest.raises(InputError, match=rf"io\.(emissions\.)?{frame}: .*finite"):
        cf.calc_all(io)
    setattr(holder, frame, right)
    pd.testing.assert_frame_equal(cf.calc_all(io).emissions.D_cba, expected)


@pytest.mark.parametrize("frame", ["Y", "Z", "A", "x", "F", "S"])
def test_labels_in_another_order_mean_the_same(
    io: Any, frame: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = copy.deepcopy(cf.calc_all(io)).emissions
    for name in ("M", "D_cba", "D_pba", "D_imp", "D_exp"):
        setattr(io.emissions, name, None)
    order = np.random.default_rng(0).permutation(len(io.A))
    if frame in ("F", "S"):
        setattr(io.emissions, frame, getattr(io.emissions, frame).iloc[:, order])
    else:
        setattr(io, frame, getattr(io, frame).iloc[order])
    cf.calc_all(io)
    for name in ("M", "D_cba", "D_pba", "D_imp", "D_exp"):
        ours = getattr(io.emissions, name).reindex(columns=getattr(expected, name).columns)
        pd.testing.assert_frame_equal(ours, getattr(expected, name), rtol=1e-9, atol=1e-6)
    assert "brought into the order of io.Z index" in caplog.text


@pytest.mark.parametrize("frame", ["Y", "x", "F"])
def test_other_labels_are_an_error(io: Any, frame: str) -> None:
    holder, axis = (io.emissions, 1) if frame == "F" else (cf.calc_all(io), 0)
    io.emissions.M = None
    there = getattr(holder, frame)
    labels = there.axes[axis].set_names([None, None]).to_list()
    setattr(
        holder,
        frame,
        there.set_axis(pd.MultiIndex.from_tuples([("nowhere", "x"), *labels[1:]]), axis=axis),
    )
    with pytest.raises(LabelError, match=r"io\..*: expected the 48 labels of io\.Z index, got no"):
        cf.calc_all(io)


def test_a_system_without_a_solution(io: Any) -> None:
    cf.calc_all(io).reset_extensions()
    io.A = io.A * 1e3
    with pytest.raises(NotProductiveError):
        cf.calc_all(io)


def test_as_a_method_of_pymrio(io: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pymrio.IOSystem, "calc_all", cf.calc_all)
    assert io.calc_all(include_ghosh=True) is io
    assert io.L is None
    assert io.emissions.M_down is not None
