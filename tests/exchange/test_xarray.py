"""Results as data sets of xarray, and through files that xarray itself writes and reads."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import pytest

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError

xarray = pytest.importorskip("xarray")
HOSTILE = "Rest of the world: Ελλάδα, “n.e.c.”"


@pytest.fixture(scope="module")
def table() -> cf.Table:
    return cf.synthetic.world(3, 4, stressors=2)


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> cf.Panel:
    folder = tmp_path_factory.mktemp("years")
    for year in (2001, 2002):
        cf.save(cf.synthetic.world(3, 4, year=year), folder / str(year))
    return cf.Panel(folder)


def results(table: cf.Table, panel: cf.Panel) -> dict[str, Any]:
    errors = cf.Errors(Z=0.1, F=0.1)
    flows = cf.flows(table, "CO2")
    return {
        "accounts": cf.accounts(table, "CO2"),
        "responsibility": cf.responsibility(table, "CO2"),
        "extraction": cf.extraction(table, "Wheat", stressor="CO2"),
        "multipliers": cf.multipliers(table),
        "trade": flows.trade(),
        "flows as rows": flows.to_frame(),
        "layers": cf.production_layers(table, "CO2"),
        "factors": cf.factors(table, "CO2"),
        "panel": panel.accounts(progress=False),
        "panel of flows": panel.flows(progress=False),
        "panel, how sure": panel.uncertainty("CO2", errors, progress=False),
    }


NAMES = [
    *("accounts", "responsibility", "extraction", "multipliers", "trade", "flows as rows"),
    *("layers", "factors", "panel", "panel of flows", "panel, how sure"),
]


def as_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with all labels in the index, in an order that does not matter."""
    if frame.columns.names != [None]:
        levels = list(range(frame.columns.nlevels))
        frame = frame.stack(levels, future_stack=True).to_frame("value")
    labels = [name for name in ("from", "to") if name in frame]
    if labels:
        frame = frame.set_index(labels, append=frame.index.names != [None])
    return frame


def assert_same(data: Any, frame: pd.DataFrame) -> None:
    """Compare all numbers bit for bit, by their labels."""
    rows = as_rows(frame)
    back = data.to_dataframe()
    if data.sizes.keys() == {"entry"}:
        back = back.set_index(list(rows.index.names))
    elif rows.index.nlevels > 1:
        back = back.reorder_levels(list(rows.index.names)).reindex(rows.index)
    else:
        back = back.reindex(rows.index)
    for name in rows.columns:
        wanted, got = rows[name], back[name]
        if pd.api.types.is_numeric_dtype(wanted.dtype):
            np.testing.assert_array_equal(got.to_numpy(np.float64), wanted.to_numpy(np.float64))
        else:
            assert got.tolist() == [str(one) for one in wanted]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_and_labels_come_back_from_a_file(
    table: cf.Table, panel: cf.Panel, tmp_path: Path, name: str
) -> None:
    frame = results(table, panel)[name]
    data = cf.to_xarray(frame)
    assert_same(data, frame)
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as read:
        xarray.testing.assert_equal(read, data)
        assert_same(read.load(), frame)
        assert read.attrs.get("unit") == data.attrs.get("unit")
        assert read.attrs.get("error_bound") == data.attrs.get("error_bound")


def test_names_of_dimensions_units_and_bounds(table: cf.Table, panel: cf.Panel) -> None:
    found = results(table, panel)
    accounts = cf.to_xarray(found["accounts"])
    assert accounts.sizes == {"region": 3}
    assert accounts.attrs == {
        "stressor": "CO2", "unit": "kt",
        "error_bound": found["accounts"].attrs["error_bound"],
    }  # fmt: skip
    assert accounts.production.attrs["units"] == "kt"
    assert "units" not in accounts.net_share.attrs
    years = cf.to_xarray(found["panel"])
    assert years.sizes == {"year": 2, "region": 3}
    bounds = [task["error_bound"] for task in found["panel"].attrs["by_task"].values()]
    assert years.error_bound.dims == ("year",)
    assert years.error_bound.to_numpy().tolist() == bounds
    assert cf.to_xarray(found["panel of flows"]).sizes == {"year": 2, "from": 3, "to": 3}
    m = cf.to_xarray(found["multipliers"])
    assert m.sizes == {"stressor": 2, "region": 3, "sector": 4}
    assert m.unit.to_numpy().tolist() == list(found["multipliers"].attrs["unit"].values())
    assert m.error_bound.dims == ("stressor",)
    lost = cf.to_xarray(found["extraction"])
    assert lost.emissions_lost.attrs["units"] == "kt"
    assert "units" not in lost.output_lost.attrs


def test_flows_are_a_matrix_with_households(table: cf.Table, tmp_path: Path) -> None:
    flows = cf.flows(table, "CO2")
    data = cf.to_xarray(flows)
    assert data.value.dims == ("region", "consumer")
    np.testing.assert_array_equal(data.value.to_numpy(), flows.matrix.to_numpy())
    np.testing.assert_array_equal(data.households.to_numpy(), flows.households.to_numpy())
    assert data.attrs["error_bound"] == flows.error_bound
    assert flows.matrix.attrs == {}  # ours is as it was
    at = data.value.sel(region="AT", consumer="BE")
    assert float(at) == float(flows.matrix.loc["AT", "BE"])


def test_final_demand_has_two_dimensions_of_regions(table: cf.Table, tmp_path: Path) -> None:
    Y = table.Y
    data = cf.to_xarray(Y)
    assert data.value.dims == ("region", "sector", "consumer", "category")
    np.testing.assert_array_equal(data.value.to_numpy().reshape(Y.shape), Y.to_numpy())
    assert Y.columns.names == ["region", "category"]  # ours is as it was
    data.to_netcdf(tmp_path / "Y.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "Y.nc", engine="h5netcdf") as read:
        xarray.testing.assert_equal(read, data)


def test_labels_that_are_not_all_combinations_are_entries(tmp_path: Path) -> None:
    table = cf.Table(
        Z=[[1.0, 2.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]], Y=[[9.0, 1.0], [8.0, 0.0], [3.0, 1]],
        F=[5.0, 6.0, 7.0], regions=["DE", "DE", HOSTILE], sectors=["a", "b", "c"], stressors="CO2",
    )  # fmt: skip
    frame = cf.extraction(table, "a")
    data = cf.to_xarray(frame)
    assert data.sizes == {"entry": 3}
    assert data.region.to_numpy().tolist() == ["DE", "DE", HOSTILE]
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "a.nc", engine="h5netcdf") as read:
        assert_same(read.load(), frame)


@pytest.mark.filterwarnings("ignore")  # of zarr, about its own formats
def test_zarr(table: cf.Table, panel: cf.Panel, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    for name, frame in results(table, panel).items():
        data = cf.to_xarray(frame)
        data.to_zarr(tmp_path / name)
        with xarray.open_zarr(tmp_path / name) as read:
            assert_same(read.load(), frame)


def test_other_things_are_refused() -> None:
    with pytest.raises(InputError, match=r"result: expected flows, or a frame .* got int"):
        cf.to_xarray(1)


@pytest.mark.parametrize("package", ["xarray", "bw_processing"])
def test_what_is_missing_can_be_installed(table: cf.Table, tmp_path: Path, package: str) -> None:
    ask = {
        "xarray": lambda: cf.to_xarray(pd.DataFrame()),
        "bw_processing": lambda: cf.to_datapackage(table, tmp_path / "t"),
    }
    with (
        mock.patch.dict(sys.modules, {package: None}),
        pytest.raises(
            InputError, match=rf"{package}: .*`pip install 'carbonflows_fast\[(\w+)\]'`"
        ) as caught,
    ):
        ask[package]()
    assert not any(tmp_path.iterdir())
    extra = str(caught.value).split("[")[1].split("]")[0]
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert any(one.startswith(package) for one in project["optional-dependencies"][extra])
