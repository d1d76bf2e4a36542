"""NetCDF that mrio-toolbox saved: one dimension twice, whose order the numbers must confirm."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files import mrio_toolbox_files
from support.files.mrio_toolbox_files import LABELS, ROWS, USERS, Parts
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, InputError
from carbonflows_fast.readers.mrio_toolbox._order import check_balance, check_home, check_parts

REGIONS = ["a", "b", "c", "d"]


def needs_packages() -> None:
    pytest.importorskip("pyfive", reason="the extra netcdf is not installed")
    pytest.importorskip("h5netcdf", reason="h5netcdf writes the files")


def written(folder: Path, change: Callable[[Parts], None] = lambda made: None, **kind: Any) -> Path:
    needs_packages()
    made = mrio_toolbox_files.parts()
    change(made)
    return mrio_toolbox_files.write(made, folder / "own_2019.nc", **kind)


def said(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path)
    assert SENTENCE.match(str(caught.value))
    return str(caught.value)


def expected() -> cf.Table:
    made = {name: values for name, (_, values) in mrio_toolbox_files.parts().items()}
    rows = [(region, sector) for region in LABELS["countries"] for sector in LABELS["sectors"]]
    users = [(region, label) for region in LABELS["countries"] for label in LABELS["y_labs"]]
    flat = {name: values.reshape(len(values), -1) for name, values in made.items()}
    return cf.Table(
        Z=made["t"].reshape(6, 6),
        Y=made["y"].reshape(6, 6),
        F=np.concatenate([flat["va"], flat["q"], flat["q_land"]]),
        F_Y=np.concatenate([flat["vay"], flat["qy"], np.zeros((1, 6))]),
        regions=[region for region, _ in rows],
        sectors=[sector for _, sector in rows],
        demand=users,
        stressors=["tax", "wage", "CO2", "CH4", "forest"],
        extensions=["primary inputs"] * 2 + ["emissions"] * 2 + ["land"],
        stressor_units=[""] * 5,
        year=2019,
        name="own_2019",
    )


def test_a_file_is_the_table_that_was_saved(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = cf.read(written(tmp_path))
    assert table.equals(expected())
    assert "the units of rows and of stressors are unknown" in caplog.text
    assert cf.read(tmp_path).equals(table)  # in a folder
    assert cf.accounts(table, "CO2").equals(cf.accounts(expected(), "CO2"))


def test_the_year_may_be_a_note_and_stressors_some(tmp_path: Path) -> None:
    table = cf.read(written(tmp_path, year=2004), stressors=["CH4", "forest"])
    assert (table.year, table.stressors) == (2004, ("CH4", "forest"))
    assert np.array_equal(table.F, expected().F.iloc[[3, 4]])


def reordered(made: Parts, *names: str) -> None:
    """Bring rows into another order than columns, as a selection in mrio-toolbox does."""
    for name in names:
        dimensions, values = made[name]
        made[name] = dimensions, values[[2, 0, 1]]


def without_va(made: Parts) -> None:
    del made["va"], made["vay"]


def test_rows_in_another_order_are_refused(tmp_path: Path) -> None:
    sentence = said(written(tmp_path, lambda made: reordered(made, "t", "y")))
    assert "got rows called 'FR' that fit the columns of 'NA'" in sentence
    assert "save it anew" in sentence


@pytest.mark.parametrize("names", [("t",), ("y",)])
@pytest.mark.parametrize("va", [True, False])
def test_rows_of_one_part_in_another_order_are_refused(
    tmp_path: Path, names: tuple[str], va: bool
) -> None:
    def change(made: Parts) -> None:
        reordered(made, *names)
        if not va:
            without_va(made)

    assert "rows and columns have two orders of regions" in said(written(tmp_path, change))


def test_without_value_added_home_deliveries_tell(tmp_path: Path) -> None:
    table = cf.read(written(tmp_path, without_va))
    assert table.stressors == ("CO2", "CH4", "forest")


def test_regions_that_cannot_be_told_apart_are_refused(tmp_path: Path) -> None:
    def change(made: Parts) -> None:
        without_va(made)
        made["t"] = ROWS + ROWS, np.ones((3, 2, 3, 2))

    assert "expected regions that buy most at home" in said(written(tmp_path, change))


@pytest.mark.parametrize("seed", range(20))
def test_every_other_order_is_seen(seed: int) -> None:
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(-3, 3, 4)
    outputs = size[:, None] * rng.uniform(0.5, 1, (4, 3))
    inputs = outputs * rng.uniform(0.99, 1.01, (4, 3))
    home = size[:, None] * (rng.uniform(0, 0.1, (4, 4)) + np.eye(4))
    home = np.sqrt(home * home.T)
    check_balance("x", REGIONS, outputs, inputs)
    check_home("x", REGIONS, home)
    order = rng.permutation(4)
    if (order != np.arange(4)).any():
        with pytest.raises(FormatError, match="two orders"):
            check_home("x", REGIONS, home[order])
        if abs(outputs[order] - inputs).sum() > 0.1 * outputs.sum():  # else they hardly matter
            with pytest.raises(FormatError, match="two orders"):
                check_balance("x", REGIONS, outputs[order], inputs)


def test_small_regions_in_another_order_are_found(tmp_path: Path) -> None:
    """Two of a thousandth of all output, which leave the balance of the whole as it is."""
    labels = LABELS | {"countries": ["US", "MT", "LU"]}
    for name, axis, complaint in (
        ("t", 0, "rows of t: expected regions that balance under their own names, got numbers"),
        ("t", 2, "columns of t: expected"),
        ("va", 1, "va: expected regions that balance under their own names, got numbers called"),
    ):
        made = mrio_toolbox_files.parts()
        t, y, va = (made[part][1] for part in ("t", "y", "va"))
        for part in (t, y):
            part[0] *= 5e3
        va += (t.sum(axis=(2, 3)) + y.sum(axis=(2, 3)) - t.sum(axis=(0, 1)) - va.sum(axis=0)) / 2
        cf.read(mrio_toolbox_files.write(made, tmp_path / "right.nc", labels))
        made[name] = (made[name][0], np.take(made[name][1], [0, 2, 1], axis=axis))
        wrong = said(mrio_toolbox_files.write(made, tmp_path / "wrong.nc", labels))
        assert complaint in wrong
        assert "'MT' that fit 'LU'; its regions have another order" in wrong


def test_regions_that_do_not_balance_are_no_other_order() -> None:
    outputs = np.array([[90.0, 40], [3, 2], [1, 0], [0, 0]])
    inputs = np.array([[90.0, 40], [2, 2], [3, 2], [0, 1]])  # of c alike what b sells
    check_parts("x", REGIONS, [("t and y", outputs, inputs)])
    with pytest.raises(FormatError, match="'b' that fit 'c'"):
        check_parts("x", REGIONS, [("t and y", outputs, outputs[[0, 2, 1, 3]])])


def set_part(name: str, dimensions: tuple[str, ...], value: Any) -> Callable[[Parts], None]:
    def change(made: Parts) -> None:
        shape = tuple(len(LABELS[dimension]) for dimension in dimensions)
        made[name] = dimensions, np.full(shape, value)

    return change


def blank(made: Parts) -> None:
    made["q"][1][1, 2, 0] = np.nan


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda made: made.pop("y"), "expected the variables t and y"),
        (set_part("t", ROWS, 1.0), "t: expected the dimensions countries, sectors, countries"),
        (set_part("y", (*ROWS, "y_labs"), 1.0), "y: expected the dimensions"),
        (set_part("va", ("va_labs", *USERS), 1.0), "va: expected the dimensions va_labs"),
        (set_part("qy", ("q_labs", *ROWS), 1.0), "qy: expected the dimensions q_labs, countries"),
        (set_part("q", ("q_labs", *ROWS), np.inf), "q, position 1, 1, 1: expected finite"),
        (blank, "q, position 2, 3, 1: "),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, change: Callable[[Parts], None], complaint: str
) -> None:
    assert complaint in said(written(tmp_path, change))


def test_a_missing_number_is_zero_where_it_means_that(tmp_path: Path) -> None:
    assert cf.read(written(tmp_path, blank), blanks="zero").F.loc["CH4"].iloc[4] == 0


def test_labels_are_there_once(tmp_path: Path) -> None:
    labels = LABELS | {"countries": ["FR", "FR", "NA"]}
    assert "expected every label once" in said(written(tmp_path, labels=labels))


def test_netcdf_3_is_named(tmp_path: Path) -> None:
    needs_packages()
    (tmp_path / "own.nc").write_bytes(b"CDF\x01" + bytes(100))
    assert "expected NetCDF 4, got NetCDF 3" in said(tmp_path / "own.nc")


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.nc"
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        if name == "pyfive":
            raise ImportError("No module named 'pyfive'")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match=r"pip install 'carbonflows_fast\[netcdf\]'"):
        cf.read(path)
