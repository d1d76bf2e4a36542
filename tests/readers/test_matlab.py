"""REX3 and EMERGING: fixtures in the layout of MATLAB 7.3."""

from __future__ import annotations

import builtins
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.matlab_files import INDICATORS, REGIONS, SECTORS, USES, World, write_matlab

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError, InputError
from carbonflows_fast.readers._layouts import _matlab
from carbonflows_fast.readers._sources._opening import open_files


@pytest.mark.parametrize("zipped", [False, True])
def test_rex3_is_read(tmp_path: Path, zipped: bool) -> None:
    made = World()
    made.rex3(tmp_path, zipped=zipped)
    table = cf.read(tmp_path)
    assert (table.name, table.year) == ("REX3 2020", 2020)
    assert list(table.rows) == made.rows
    assert list(table.demand) == [(region, "final demand") for region in REGIONS]
    np.testing.assert_array_equal(table.Z.toarray(), made.Z)
    np.testing.assert_array_equal(table.Y, made.Y)
    np.testing.assert_array_equal(table.F, made.F)
    np.testing.assert_array_equal(table.F_Y, made.F_Y)
    np.testing.assert_allclose(table.x, made.x, rtol=1e-14)
    assert table.stressors == tuple(INDICATORS)
    assert list(table.stressor_units) == ["Mt CO2eq", "Mio Euro"]
    assert list(table.extensions) == ["indicators", "primary inputs"]


@pytest.mark.parametrize("group", [None, "MRIO"])
def test_emerging_is_read_with_its_carbon(tmp_path: Path, group: str | None) -> None:
    made = World(uses=3)
    path = made.emerging(tmp_path, group)
    table = cf.read(tmp_path)
    assert (table.name, table.year) == ("EMERGING_V2_2020_m", 2020)
    assert list(table.rows) == made.rows
    assert list(table.demand) == [(region, use) for region in REGIONS for use in USES]
    np.testing.assert_array_equal(table.Z.toarray(), made.Z)
    np.testing.assert_array_equal(table.Y, made.Y)
    np.testing.assert_array_equal(table.x, made.x)
    np.testing.assert_array_equal(table.F, made.F[[1, 0]])
    assert table.stressors == ("Value added", "CO2")
    assert list(table.stressor_units) == ["million USD", "Mt"]
    assert "households' own is not in the file" in table.notes[0]
    alone = cf.read(path)
    assert (alone.stressors, alone.notes) == (("Value added",), ())


def test_accounts_are_those_of_a_dense_calculation(tmp_path: Path) -> None:
    made = World()
    made.rex3(tmp_path)
    found = cf.accounts(cf.read(tmp_path), INDICATORS[0])["consumption"]
    A = made.Z / made.x
    wanted = (made.F[0] / made.x) @ np.linalg.solve(np.eye(6) - A, made.Y) + made.F_Y[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("cells", [1, 6, 12, 1000])
@pytest.mark.parametrize("chunks", [(1, 6), (6, 1), (2, 3), None])
def test_a_matrix_is_read_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cells: int, chunks: Any
) -> None:
    h5py = pytest.importorskip("h5py")
    made = World(uses=3)
    path = made.emerging(tmp_path)
    with h5py.File(path, "r+") as data:
        del data["z"]
        data.create_dataset("z", data=made.Z.T, chunks=chunks)
    monkeypatch.setattr(_matlab, "BLOCK_CELLS", cells)
    np.testing.assert_array_equal(cf.read(path).Z.toarray(), made.Z)


def test_a_bar_hears_of_each_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    World().rex3(tmp_path)
    monkeypatch.setattr(_matlab, "BLOCK_CELLS", 12)  # two rows or columns of six
    told: list[int] = []
    with (
        open_files(tmp_path / "REX3_2020") as files,
        _matlab.open_matlab(files.counting(told.append), "T_REX3.mat") as data,
    ):
        data.sparse("T_REX3")
    size = files.sizes["T_REX3.mat"]
    assert len(told) == 3
    assert size - 3 <= sum(told) <= size


def test_nan_is_refused_or_zero(tmp_path: Path) -> None:
    made = World()
    made.Z[4, 1] = made.Z[5, 2] = np.nan
    made.rex3(tmp_path)
    with pytest.raises(FormatError, match=r"T_REX3\(5, 2\): expected a number in every cell"):
        cf.read(tmp_path)
    assert cf.read(tmp_path, blanks="zero").Z.toarray()[4, 1] == 0


def test_more_names_than_needed_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    World().rex3(tmp_path)
    path = tmp_path / "REX3_Labels" / "Labels_Sectors_REX3.mat"
    write_matlab(path, Labels_Sectors=[*SECTORS, "one more"])
    with caplog.at_level(logging.WARNING):
        assert cf.read(tmp_path).sectors == tuple(SECTORS)
    assert "names after the first 2 are left out" in caplog.text
    write_matlab(path, Labels_Sectors=SECTORS[:1])
    with pytest.raises(FormatError, match="expected a name for each sector, 2 in all, got 1"):
        cf.read(tmp_path)
    path.unlink()
    with pytest.raises(FormatError, match=r"expected one Labels_Sectors_REX3\.mat, .* got 0"):
        cf.read(tmp_path)


def test_labels_twice_are_refused(tmp_path: Path) -> None:
    """Regions of one name would be added up without a word."""
    made = World()
    made.rex3(tmp_path)
    path = tmp_path / "REX3_Labels" / "Labels_Countries_REX3.mat"
    write_matlab(path, Labels_Countries=[REGIONS[0], REGIONS[1], REGIONS[0]])
    with pytest.raises(FormatError, match="country 'Afghanistan': expected every country labelled"):
        cf.read(tmp_path)
    wide = World(uses=3)
    path = wide.emerging(tmp_path / "emerging")
    write_matlab(path, z=wide.Z, f=wide.Y, va=wide.F[1:], X=wide.x[:, None], country_list=REGIONS,
                 sector_list=["wheat", "wheat"], final_list=USES)  # fmt: skip
    with pytest.raises(FormatError, match="label in sector_list 'wheat': expected every label"):
        cf.read(path)


def test_matrices_of_other_sizes_are_refused(tmp_path: Path) -> None:
    made = World()
    made.rex3(tmp_path)
    write_matlab(tmp_path / "REX3_2020" / "Q_Y_REX3.mat", Q_Y_REX3=made.F_Y[:, :2])
    with pytest.raises(FormatError, match="got 6 × 6, 6 × 3, 2 × 6, 2 × 2; take all files of one"):
        cf.read(tmp_path)


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    World().rex3(tmp_path, zipped=True)
    path = tmp_path / "REX3_2020.zip"
    content = bytearray(path.read_bytes())
    content[600] ^= 255
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"REX3_2020\.zip"):
        cf.read(tmp_path)


def damaged(path: Path, how: str) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "r+") as data:
        z = data["z"][()]
        del data["z"]
        match how:
            case "infinite":
                z[0, 1] = np.inf
                data["z"] = z
            case "outside":
                data["z"] = h5py.ExternalLink("other.mat", "z")
            case "text":
                data["z"] = np.full((6, 6), b"x")
            case "size":
                data["z"] = z[:5]
            case "complex":
                data["z"] = z + 1j


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("gone", "expected the variables z, f, va"),
        ("infinite", r"expected finite numbers in z, got an infinite one in z\(2, 1\)"),
        ("outside", "expected the variable z"),
        ("text", "expected a matrix of numbers z, got S array"),
        ("complex", "expected a matrix of numbers z, got c array"),
        ("size", "expected z of 6 × 6, .* got z of 6 × 5, f of 6 × 9"),
    ],
)
def test_damage_is_named(tmp_path: Path, how: str, message: str) -> None:
    path = World(uses=3).emerging(tmp_path)
    damaged(path, how)
    with pytest.raises(FormatError, match=message):
        cf.read(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = World(uses=3).emerging(tmp_path)
    (tmp_path / "EMERGING_CO2_2020.mat").write_bytes(b"no such file" * 30)
    with pytest.raises(FormatError, match=r"CO2_2020\.mat: expected numbers CO2"):
        cf.read(tmp_path)
    path.write_bytes(b"MATLAB 5.0 MAT-file" * 100)
    with pytest.raises(FormatError, match=r"expected data of MATLAB 7\.3 \(HDF5\)"):
        cf.read(path)


def test_without_h5py_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "global_mrio_2019.mat").write_bytes(b"")
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "h5py":
            raise ImportError("No module named 'h5py'")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'carbonflows_fast\[matlab\]'"):
        cf.read(tmp_path)
