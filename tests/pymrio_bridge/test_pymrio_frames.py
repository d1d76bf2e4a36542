"""What `calc_all` makes of odd systems, and that it leaves alone what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pymrio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.references.pymrio_results import D_ACCOUNTS, assert_same_results
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError, NotProductiveError

Change = Callable[[pd.DataFrame], Any]


@pytest.fixture
def io() -> Any:
    return pymrio.load_test()


def holder_of(io: Any, path: str) -> tuple[Any, str]:
    """Return what holds a frame ("emissions.F"), and the frame's name there."""
    *extension, name = path.split(".")
    return (getattr(io, extension[0]) if extension else io), name


def change(io: Any, how: Change, *paths: str) -> Any:
    for path in paths:
        holder, name = holder_of(io, path)
        setattr(holder, name, how(getattr(holder, name)))
    return io


def change_all(io: Any, how: Change) -> Any:
    """Change every frame of the system and of its extensions."""
    for holder in (io, *io.get_extensions(data=True)):
        for name in holder.get_DataFrame(data=False, with_unit=False, with_population=False):
            setattr(holder, name, how(getattr(holder, name)))
    return io


def assert_refused(
    io: Any, error: type[Exception], message: str | None = None, **options: Any
) -> None:
    """Every frame is the same object afterwards, and holds what it held."""
    holders = [io, *io.get_extensions(data=True)]
    before = [dict(vars(holder)) for holder in holders]
    kept = [{name: copy.copy(value) for name, value in held.items()} for held in before]
    frames = (pd.DataFrame, pd.Series)
    with pytest.raises(error, match=message):
        cf.calc_all(io, **options)
    for holder, held, copies in zip(holders, before, kept, strict=True):
        assert list(vars(holder)) == list(held)
        for name, value in vars(holder).items():
            assert value is held[name], name
            if isinstance(value, frames):
                assert value.equals(copies[name]), name


# --- what is refused ----------------------------------------------------------------------------


def twice(axis: int) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        labels = frame.axes[axis]
        return frame.set_axis(labels[[0, 0, *range(2, len(labels))][: len(labels)]], axis=axis)

    return change


def renamed(axis: int) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        labels = frame.axes[axis]
        other = ("nowhere",) * labels.nlevels if labels.nlevels > 1 else "nowhere"
        names = list(labels.names)
        return frame.set_axis(pd.Index([other, *labels[1:]]).set_names(names), axis=axis)

    return change


def joined(labels: pd.Index) -> list[str]:
    return [" ".join(map(str, label)) for label in labels]


def text(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype(object)
    frame.iloc[0, 1] = "1.5"
    return frame


def missing(frame: pd.DataFrame) -> pd.DataFrame:
    frame = frame.astype(float)
    frame.iloc[0, 1] = np.nan
    return frame


REFUSED: list[tuple[str, Change, type[Exception], str]] = [
    ("Z", lambda Z: twice(0)(twice(1)(Z)), LabelError, r"io\.Z index: .*once, got several of \('"),
    ("Z", twice(1), LabelError, r"io\.Z columns: .*every label once"),
    ("Z", lambda Z: Z.iloc[:, 1:], LabelError, r"io\.Z columns: .*io\.Z index, got no \('reg1', "),
    ("Z", lambda Z: Z.iloc[:0, :0], InputError, r"io\.Z index: expected at least one row"),
    ("Z", lambda Z: Z.set_axis(joined(Z.index)), LabelError, r"io\.Z index: .*two levels, .*got 1"),
    ("Z", lambda Z: Z.swaplevel(), LabelError, r"io\.Z index: .*swaplevel"),
    ("Z", lambda Z: Z.to_numpy(), InputError, r"io\.Z: expected a DataFrame, got ndarray"),
    ("Y", twice(0), LabelError, r"io\.Y index: .*every label once"),
    ("Y", twice(1), LabelError, r"io\.Y columns: .*every label once"),
    ("Y", lambda Y: Y.iloc[:, :0], InputError, r"io\.Y: expected at least one column"),
    ("Y", lambda Y: Y.rename(columns={"reg1": np.nan}), LabelError, r"io\.Y columns: .*nan"),
    ("Y", lambda Y: Y.astype(complex), InputError, r"io\.Y: expected real numbers, got dtype"),
    ("x", renamed(0), LabelError, r"io\.x index: .*, got no \('reg1', 'food'\), also \('nowh"),
    ("x", lambda x: pd.concat([x, x], axis=1), InputError, r"io\.x: expected one column of 48"),
    ("x", lambda x: x.to_numpy()[1:], InputError, r"io\.x: .*ndarray of shape \(47, 1\)"),
    ("A", lambda A: A.iloc[1:, 1:], LabelError, r"io\.A index: .*io\.Z index"),
    ("emissions.F", twice(1), LabelError, r"io\.emissions\.F columns: .*every label once"),
    ("emissions.F", twice(0), LabelError, r"io\.emissions\.F index: .*every label once"),
    ("emissions.F", lambda F: F.to_numpy(), InputError, r"io\.emissions\.F: .*DataFrame"),
    ("emissions.F", lambda F: F.iloc[:0], LabelError, r"F_Y index: .*the 0 labels .*got also"),
    ("emissions.F_Y", lambda F_Y: F_Y.iloc[:, 1:], LabelError, r"F_Y columns: .*got no \('reg1'"),
    ("emissions.F_Y", twice(1), LabelError, r"F_Y columns: .*every label once"),
    ("emissions.F_Y", renamed(0), LabelError, r"F_Y index: .*no \('emission_type1', 'air'\), also"),
    ("emissions.F_Y", lambda F_Y: F_Y.iloc[:1], LabelError, r"F_Y index: .*got no \('emission_"),
    ("population", lambda heads: heads.iloc[:, 1:], LabelError, r"no column for 'reg1'; complete"),
    ("population", lambda heads: heads.iloc[:0], LabelError, r"population: .*got no row"),
    (
        "population",
        lambda heads: heads.T,
        LabelError,
        r"population: .*no column for 'reg1', 'reg2'",
    ),
    ("population", lambda heads: heads.iloc[0], InputError, r"population: .*DataFrame, got Series"),
    ("population", lambda heads: heads.astype(str), InputError, r"population: .*real numbers"),
    *[
        (path, how, InputError, rf"io\.{path}: expected {kind} numbers, got {got} at row 0 ")
        for path in ("Z", "Y", "emissions.F", "emissions.F_Y")
        for how, kind, got in ((text, "real", r"'1\.5'"), (missing, "finite", "nan"))
    ],
]


@pytest.mark.parametrize(("path", "how", "error", "message"), REFUSED)
def test_what_is_refused_is_left_alone(
    io: Any, path: str, how: Change, error: type[Exception], message: str
) -> None:
    if path in ("x", "A"):
        cf.calc_all(io).reset_extensions()
    change(io, how, path)
    assert_refused(io, error, message)


def test_S_Y_must_fit_as_F_Y_must(io: Any) -> None:
    cf.calc_all(io).emissions.reset_to_coefficients()
    change(io, lambda S_Y: S_Y.iloc[:, 1:], "emissions.S_Y")
    assert_refused(io, LabelError, r"io\.emissions\.S_Y columns: .*got no \('reg1'")


@pytest.mark.parametrize("calculate", [cf.calc_all, cf.from_pymrio])
@pytest.mark.parametrize(
    ("what", "got"),
    [
        (None, "got NoneType"),
        (3, "got int"),
        (cf.synthetic.world(2, 3), r"got Table; .*cf\.to_pymrio\(table\)"),
        (pymrio.load_test().emissions, "got Extension"),
        (pymrio.IOSystem, "got the class IOSystem"),
        (pymrio.IOSystem(), "with Z or A, got one without"),
    ],
)
def test_what_is_no_system(calculate: Callable[[Any], Any], what: Any, got: str) -> None:
    with pytest.raises(InputError, match=f"io: expected an IOSystem.*{got}"):
        calculate(what)


def test_what_the_solver_refuses_is_left_alone(io: Any) -> None:
    """Else A and x of the wrong Z would stay beside the right one, and be used."""
    expected = cf.calc_all(copy.deepcopy(io)).emissions.D_cba
    right = io.Z
    io.Z = right.iloc[::-1] * -10.0
    for include_ghosh in (False, True):
        assert_refused(io, NotProductiveError, include_ghosh=include_ghosh)
    io.Z = right
    pd.testing.assert_frame_equal(cf.calc_all(io).emissions.D_cba, expected)


HARMLESS: dict[str, Change] = {
    "rows in another order": lambda frame: frame.iloc[::-1],
    "columns in another order": lambda frame: frame.iloc[:, ::-1],
    "objects": lambda frame: frame.astype(object),
}
DAMAGES: dict[str, Change] = HARMLESS | {
    "a row's label twice": twice(0),
    "a column's label twice": twice(1),
    "another label in the rows": renamed(0),
    "another label in the columns": renamed(1),
    "a row less": lambda frame: frame.iloc[1:],
    "a column less": lambda frame: frame.iloc[:, 1:],
    "text": lambda frame: frame.astype(str),
    "no labels": lambda frame: frame.to_numpy(),
    "no number": lambda frame: frame * np.nan,
}


@given(tables(), st.data(), st.sampled_from(sorted(DAMAGES)))
def test_random_systems_are_calculated_or_left_alone(
    table: cf.Table, data: Any, damage: str
) -> None:
    io = cf.to_pymrio(table)
    expected = cf.calc_all(copy.deepcopy(io)).emissions
    paths = [path for path in ("Z", "A", "Y", "x") if getattr(io, path) is not None]
    parts = [part for part in ("F", "S", "F_Y") if getattr(io.emissions, part) is not None]
    paths += [f"emissions.{part}" for part in parts]
    change(io, DAMAGES[damage], data.draw(st.sampled_from(paths)))
    try:
        got = cf.calc_all(copy.deepcopy(io)).emissions
    except InputError as error:
        assert damage not in HARMLESS
        assert_refused(io, type(error))
        return
    for name in ("M", *D_ACCOUNTS) if damage in HARMLESS else ():
        theirs = getattr(expected, name)
        ours = getattr(got, name).reindex_like(theirs)
        scale = float(np.abs(theirs.to_numpy()).max(initial=0.0))
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-11 * scale, err_msg=name)


# --- what is calculated, as by pymrio -----------------------------------------------------------


def categorical(frame: pd.DataFrame) -> pd.DataFrame:
    for axis, labels in enumerate(frame.axes):
        levels = [labels.get_level_values(level) for level in range(labels.nlevels)]
        made = [pd.Categorical(level, [*level.unique()[::-1], "unused"]) for level in levels]
        if len(made) == 2:
            frame = frame.set_axis(pd.MultiIndex.from_arrays(made, names=labels.names), axis=axis)
    return frame


def nameless(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.rename_axis(index=[None, None], columns=[None, None])


def read_only(frame: pd.DataFrame) -> pd.DataFrame:
    values = frame.to_numpy(dtype=float, copy=True)
    values.flags.writeable = False
    return pd.DataFrame(values, frame.index, frame.columns, copy=False)


def strided(frame: pd.DataFrame) -> pd.DataFrame:
    values = np.repeat(np.repeat(frame.to_numpy(dtype=float), 2, axis=0), 2, axis=1)[::2, ::2]
    return pd.DataFrame(values, frame.index, frame.columns, copy=False)


def taken(io: Any, rows: Any) -> Any:
    """Keep these rows, in this order."""
    io.Z, io.Y = io.Z.iloc[rows, rows], io.Y.iloc[rows]
    for extension in io.get_extensions(data=True):
        extension.F = extension.F.iloc[:, rows]
    return io


def calculated(io: Any, then: str) -> Any:
    getattr(io.calc_all(), then)()
    return io


def coefficients(io: Any) -> Any:
    Y = io.calc_all().Y
    io.reset_all_to_coefficients()
    io.L, io.Y = None, Y * 1.5
    return io


def without(io: Any, *extensions: str) -> Any:
    for name in extensions:
        io.remove_extension(name)
    return io


GROUPS = {"region_agg": [0, 0, 1, 1, 2, 2], "sector_agg": [0, 0, 0, 1, 1, 1, 2, 2]}
AS_PYMRIO: dict[str, Change] = {
    "aggregated": lambda io: io.aggregate(**GROUPS, inplace=False),
    "aggregated after calc_all": lambda io: io.calc_all().aggregate(**GROUPS, inplace=False),
    "duplicates aggregated": lambda io: io.rename_sectors({"mining": "food"}).aggregate_duplicates(
        inplace=False
    ),
    **{
        reset: lambda io, reset=reset: calculated(io, reset)
        for reset in ("reset_full", "reset_all_full", "reset_to_flows", "reset_all_to_flows")
    },
    "coefficients": coefficients,
    "an extension removed": lambda io: without(io, "emissions"),
    "all extensions removed": lambda io: without(io, "emissions", "factor_inputs"),
    "a stressor twice": lambda io: change(io, twice(0), "emissions.F", "emissions.F_Y"),
    **{
        str(dtype): lambda io, dtype=dtype: change_all(
            io, lambda frame: (frame / frame.max(axis=None) * 120).astype(dtype)
        )
        for dtype in ("int8", "uint16", "int64", "float32", pd.SparseDtype("float64", 0.0))
    },
    "categorical labels": lambda io: change_all(io, categorical),
    "categorical labels of Z": lambda io: change(io, categorical, "Z"),
    "nameless labels of Z": lambda io: change(io, nameless, "Z"),
    "Fortran order": lambda io: change_all(
        io,
        lambda frame: pd.DataFrame(np.asfortranarray(frame), frame.index, frame.columns),
    ),
    "read-only": lambda io: change_all(io, read_only),
    "strided": lambda io: change_all(io, strided),
    "regions with differing sectors": lambda io: taken(io, np.r_[1:9, 11:30, 33:47]),
    "regions interleaved": lambda io: taken(io, np.arange(48).reshape(6, 8).T.ravel()),
    "levels of Y swapped": lambda io: change(
        io, lambda frame: frame.swaplevel(axis=1), "Y", "emissions.F_Y"
    ),
}


@pytest.mark.parametrize("name", AS_PYMRIO)
def test_as_pymrio_calculates_it(io: Any, name: str) -> None:
    if name.startswith("categorical") and pd.__version__ < "3":
        pytest.skip("by pandas 2 pymrio looks for numbers of categories that nothing has")
    assert_same_results(AS_PYMRIO[name](io))


@pytest.mark.parametrize("dtype", ["object", "category", "Float64", ">f8", "longdouble"])
def test_numbers_of_types_that_pymrio_cannot_invert(
    io: Any, dtype: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = cf.calc_all(io.copy()).emissions
    change_all(io, lambda frame: frame.apply(lambda column: column.astype(float).astype(dtype)))
    got = cf.calc_all(io, include_ghosh=True).emissions
    assert "io.emissions.F_Y: made float64" in caplog.text
    for name in ("M", "F_Y", *D_ACCOUNTS, "D_cba_reg", "D_imp_cap"):
        ours, theirs = getattr(got, name), getattr(expected, name)
        pd.testing.assert_frame_equal(ours, theirs, rtol=1e-9, atol=1e-6, check_dtype=name != "F_Y")


@pytest.mark.parametrize(
    ("axis", "word", "reference"),
    [(0, "index", "io.emissions.F index"), (1, "columns", "io.Y columns")],
)
def test_F_Y_in_another_order_means_the_same(
    io: Any, axis: int, word: str, reference: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = cf.calc_all(io.copy()).emissions
    backwards = io.emissions.F_Y.axes[axis][::-1]
    io.emissions.F_Y = io.emissions.F_Y.reindex(backwards, axis=axis)
    got = cf.calc_all(io).emissions
    assert f"io.emissions.F_Y: {word} brought into the order of {reference}" in caplog.text
    for name in ("F_Y", "S_Y", "D_cba_reg", "D_pba_cap"):
        pd.testing.assert_frame_equal(getattr(got, name), getattr(expected, name))


@pytest.mark.parametrize("shape", [(48,), (48, 1), (1, 48)])
def test_x_as_an_array(io: Any, shape: tuple[int, ...]) -> None:
    expected = io.calc_all().copy().emissions.D_imp
    io.reset_extensions().x = io.x.to_numpy().reshape(shape)
    pd.testing.assert_frame_equal(cf.calc_all(io).emissions.D_imp, expected, rtol=1e-9)
    assert list(io.x.index) == list(io.Z.index)
