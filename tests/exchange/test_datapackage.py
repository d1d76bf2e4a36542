"""Data packages that bw_processing reads and bw2calc solves, compared with the dense inverse.

Neither is among what the other tests need: `nox -s exchange` runs these.
"""

from __future__ import annotations

import datetime
import doctest
import json
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.small_table import small
from support.worlds.strategies import tables

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # on import, about a solver that could be faster
    bwp = pytest.importorskip("bw_processing")
    bw2calc = pytest.importorskip("bw2calc")

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs

SUFFIXES = ["", ".zip"]


def opened(path: Path) -> Any:
    """The package, as bw_processing reads it."""
    if path.suffix == ".zip":
        files = bwp.generic_zipfile_filesystem(dirpath=path.parent, filename=path.name, write=False)
    else:
        files = bwp.generic_directory_filesystem(dirpath=path)
    return bwp.load_datapackage(files)


def matrix(package: Any, name: str, rows: list[int], columns: list[int]) -> Any:
    """One matrix of a package by ids, as stored; and which entries are flipped."""
    indices, data = (package.get_resource(f"{name}.{part}")[0] for part in ("indices", "data"))
    at_row, at_column = ({one: at for at, one in enumerate(ids)} for ids in (rows, columns))
    where = (
        [at_row[one] for one in indices["row"].tolist()],
        [at_column[one] for one in indices["col"].tolist()],
    )
    flips = np.zeros(len(data), bool)
    if f"{name}.flip" in {resource["name"] for resource in package.resources}:
        flips = package.get_resource(f"{name}.flip")[0]
    shape = (len(rows), len(columns))
    kept, flipped = (
        sp.coo_array((data[some], tuple(np.array(one, int)[some] for one in where)), shape)
        for some in (~flips, flips)
    )
    return kept.toarray(), flipped.toarray()


def solved(demand: dict[int, float], *paths: Path) -> Any:
    lca = bw2calc.LCA(demand, data_objs=list(paths))
    lca.lci()
    return lca


def score(demand: dict[int, float], *paths: Path) -> float:
    lca = solved(demand, *paths)
    lca.lcia()
    return float(lca.score)


@given(tables(), st.sampled_from(SUFFIXES), st.sampled_from([0, 1, 5_000_000_000]))
def test_labels_order_and_bits_come_back(table: cf.Table, suffix: str, first: int) -> None:
    n, m = table.n, len(table.demand)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{suffix}")
        nodes = cf.to_datapackage(table, path, first_id=first)
        assert [one.name for one in Path(folder).iterdir()] == [path.name]
        package = opened(path)
        records = package.get_resource("nodes")[0]
        ids = [record["id"] for record in records]
        technosphere = matrix(package, "technosphere", ids[: n + m], ids[: n + m])
        biosphere = matrix(package, "biosphere", ids[n + m :], ids[: n + m])
    assert records == nodes.reset_index().to_dict("records")
    assert ids == list(range(first, first + n + m + len(table.stressors)))
    pairs = [(record["region"], record["name"]) for record in records[: n + m]]
    assert pairs[:n] == list(table.rows)
    assert pairs[n:] == list(table.demand)
    found = [tuple(record[key] for key in ("name", "unit", "extension")) for record in records]
    stressors = (table.stressors, table.stressor_units, table.extensions)
    assert found[n + m :] == list(zip(*stressors, strict=True))
    np.testing.assert_array_equal(technosphere[0], np.eye(n + m))
    bought = np.zeros((n + m, n + m))
    bought[:n, :n], bought[:n, n:] = table.A.toarray(), table.Y
    np.testing.assert_array_equal(technosphere[1], bought)
    np.testing.assert_array_equal(biosphere[0], np.hstack([table.S, table.F_Y]))
    assert not biosphere[1].any()


@given(tables(), st.sampled_from(SUFFIXES))
def test_scores_are_multipliers_times_demand(table: cf.Table, suffix: str) -> None:
    n = table.n
    L = np.linalg.inv(np.eye(n) - table.A.toarray())
    name = table.stressors[0]
    s = table.S.loc[name].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"table{suffix}")
        nodes = cf.to_datapackage(table, path, name)
        for row in (0, n - 1):
            got = score({int(nodes.index[row]): 3.0}, path)
            scale = 3.0 * float(np.abs(s) @ np.abs(L[:, row]))
            np.testing.assert_allclose(got, 3.0 * s @ L[:, row], rtol=0, atol=1e-9 * scale)
        for column in (0, len(table.demand) - 1):
            y = table.Y.to_numpy()[:, column]
            direct = float(table.F_Y.loc[name].iloc[column])
            got = score({int(nodes.index[n + column]): 1.0}, path)
            scale = float(np.abs(s) @ np.abs(L) @ np.abs(y)) + abs(direct)
            np.testing.assert_allclose(got, s @ L @ y + direct, rtol=0, atol=1e-9 * scale)


def test_the_technosphere_that_brightway_builds_is_one_less_inputs(tmp_path: Path) -> None:
    table = cf.Table(**small())
    nodes = cf.to_datapackage(table, tmp_path / "t")
    lca = solved({1: 1.0}, tmp_path / "t")
    n, m = table.n, len(table.demand)
    assert [lca.dicts.product[one] for one in nodes.index[: n + m]] == list(range(n + m))
    assert [lca.dicts.activity[one] for one in nodes.index[: n + m]] == list(range(n + m))
    built = lca.technosphere_matrix.toarray()
    np.testing.assert_array_equal(built[:n, :n], np.eye(n) - table.A.toarray())
    np.testing.assert_array_equal(built[:n, n:], -table.Y.to_numpy())
    np.testing.assert_array_equal(built[n:], np.eye(n + m)[n:])


def test_columns_of_a_region_have_its_consumption_as_score(tmp_path: Path) -> None:
    """Of a table shaped like EXIOBASE: seven categories, direct emissions of households."""
    table = cf.synthetic.world(5, 20, stressors=2)
    accounts = cf.accounts(table, "CO2")
    nodes = cf.to_datapackage(table, tmp_path / "w.zip", "CO2")
    for region, consumption in accounts["consumption"].items():
        users = nodes.index[(nodes["kind"] == "final demand") & (nodes["region"] == region)]
        got = score(dict.fromkeys(map(int, users), 1.0), tmp_path / "w.zip")
        np.testing.assert_allclose(got, consumption, rtol=1e-9)
    assert opened(tmp_path / "w.zip").metadata["score"] == {"stressor": "CO2", "unit": "kt"}


@pytest.mark.parametrize("asked", ["GWP100_AR6", {"CO2": 1.0, "CH4": 28.0}])
def test_weights_are_the_characterisation(tmp_path: Path, asked: Any) -> None:
    units = {"stressor_units": ["t", "t" if isinstance(asked, dict) else "kg"]}
    table = cf.Table(**small(stressors=["CO2", "CH4"], **units))
    cf.to_datapackage(table, tmp_path / "t", asked)
    expected = cf.multipliers(table, asked).iloc[0].to_numpy()
    got = [score({row + 1: 1.0}, tmp_path / "t") for row in range(table.n)]
    np.testing.assert_allclose(got, expected, rtol=1e-9)


def test_of_several_stressors_none_is_counted_unless_named(tmp_path: Path) -> None:
    table = cf.Table(**small(stressors=["CO2", "CH4"]))
    nodes = cf.to_datapackage(table, tmp_path / "t")
    assert list(opened(tmp_path / "t").groups) == ["technosphere", "biosphere"]
    lca = solved({1: 1.0}, tmp_path / "t")
    ids = nodes.query("kind == 'stressor'").index
    order = [lca.dicts.biosphere[int(one)] for one in ids]
    got = np.asarray(lca.inventory.sum(axis=1)).ravel()[order]
    expected = cf.multipliers(table).to_numpy()[:, 0]
    np.testing.assert_allclose(got, expected, rtol=1e-9)
    alone = cf.Table(**small(F=np.ones((1, 4)), stressors=["CO2"], F_Y=None, stressor_units="t"))
    cf.to_datapackage(alone, tmp_path / "alone")
    assert "characterization" in opened(tmp_path / "alone").groups


def test_an_own_process_buys_from_the_table(tmp_path: Path) -> None:
    """Hybrid: a process of one's own, with ids below those of the table."""
    table = cf.Table(**small())
    nodes = cf.to_datapackage(table, tmp_path / "t", "CO2", first_id=101)
    own = bwp.create_datapackage(fs=bwp.generic_directory_filesystem(dirpath=tmp_path / "own"))
    own.add_persistent_vector(
        matrix="technosphere_matrix",
        indices_array=np.array([(1, 1), (102, 1)], bwp.INDICES_DTYPE),
        data_array=np.array([1.0, 0.25]),
        flip_array=np.array([False, True]),
    )
    emitted = int(nodes.query("kind == 'stressor' and name == 'CO2'").index[0])
    own.add_persistent_vector(
        matrix="biosphere_matrix",
        indices_array=np.array([(emitted, 1)], bwp.INDICES_DTYPE),
        data_array=np.array([2.0]),
    )
    own.finalize_serialization()
    bought = cf.multipliers(table, "CO2").iloc[0, 1]
    got = score({1: 1.0}, tmp_path / "t", tmp_path / "own")
    np.testing.assert_allclose(got, 2.0 + 0.25 * bought, rtol=1e-9)


def test_stressors_that_nothing_emits_are_rows(tmp_path: Path) -> None:
    table = cf.Table(**small(F=np.zeros((2, 4)), F_Y=None))
    nodes = cf.to_datapackage(table, tmp_path / "t", table.stressors[0])
    lca = solved({1: 1.0}, tmp_path / "t")
    assert set(nodes.query("kind == 'stressor'").index) == set(lca.dicts.biosphere)
    assert score({1: 1.0}, tmp_path / "t") == 0.0


def test_a_package_claims_no_licence_and_tells_its_time(tmp_path: Path) -> None:
    cf.to_datapackage(cf.Table(**small(name="?!", year=2009)), tmp_path / "t")
    about = json.loads((tmp_path / "t" / "datapackage.json").read_text(encoding="utf-8"))
    assert "licenses" not in about
    assert (about["title"], about["year"], about["name"]) == ("?!", 2009, "input-output_table")
    assert datetime.datetime.fromisoformat(about["created"]).tzinfo == datetime.UTC


def test_nothing_is_left_after_a_failure(tmp_path: Path) -> None:
    table = cf.Table(**small())
    for suffix in SUFFIXES:
        full = mock.patch.object(bwp.Datapackage, "add_json_metadata", side_effect=OSError("full"))
        with full, pytest.raises(InputError, match=r"path: .* got .*full.*nothing was written"):
            cf.to_datapackage(table, tmp_path / f"t{suffix}")
        assert not any(tmp_path.iterdir())


def test_a_text_that_is_cut_short_is_noticed(tmp_path: Path) -> None:
    def cut(data: Any, file: Any, **options: Any) -> None:
        file.write(json.dumps(data, **options)[:-3])

    for suffix in SUFFIXES:
        with (
            mock.patch("bw_processing.io_helpers.json.dump", cut),
            pytest.raises(InputError, match=r"path: .* got .*it was cut short"),
        ):
            cf.to_datapackage(cf.Table(**small()), tmp_path / f"t{suffix}")
        assert not any(tmp_path.iterdir())


def test_bad_arguments(tmp_path: Path) -> None:
    table = cf.Table(**small())
    for wrong in (-1, 1.5, "1", 2**63, True):
        with pytest.raises(InputError, match="first_id: expected"):
            cf.to_datapackage(table, tmp_path / "t", first_id=wrong)  # type: ignore[arg-type]
    with pytest.raises(LabelError, match="nearest are 'CO2'"):
        cf.to_datapackage(table, tmp_path / "t", "CO")
    (tmp_path / "t").mkdir()
    cf.to_datapackage(table, tmp_path / "t")  # an empty folder is as good as a new one
    with pytest.raises(InputError, match="path: expected a new name, or an empty folder"):
        cf.to_datapackage(table, tmp_path / "t")
    with pytest.raises(InputError, match=r"path: .*make .*none first"):
        cf.to_datapackage(table, tmp_path / "none" / "t")


def test_the_page_says_what_comes_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples that need Brightway or MARIO are not among those of the other pages' tests."""
    pytest.importorskip("mario")
    text = (Path(__file__).parents[2] / "docs" / "exchange.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```pycon\n(.*?)```", text, re.DOTALL)
    session = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "exchange", None, 0)
    assert len(session.examples) >= 8
    monkeypatch.chdir(tmp_path)
    assert doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session).failed == 0
