"""Every result goes through a pickle into a process that has imported nothing, and comes back."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import scipy.sparse as sp

import carbonflows_fast as cf

PREPARED = {"LeontiefSystem"}  # holds memory of the core; its table goes instead
AND_BACK = "import pickle, sys; pickle.dump(pickle.load(sys.stdin.buffer), sys.stdout.buffer, 2)"


def alike(one: Any, other: Any, at: str) -> None:
    """Compare all that two things hold: bits, labels, order, attributes."""
    assert type(one) is type(other), at
    if isinstance(one, cf.Table):
        assert one.equals(other), at
        assert one.notes == other.notes, at
    elif isinstance(one, pd.DataFrame | pd.Series):
        same = pd.testing.assert_frame_equal if one.ndim == 2 else pd.testing.assert_series_equal
        same(one, other, check_exact=True, obj=at)
        alike(one.attrs, other.attrs, f"{at}.attrs")
    elif isinstance(one, pd.Index):
        pd.testing.assert_index_equal(one, other, exact=True)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other, at, strict=True)
    elif sp.issparse(one):
        assert one.shape == other.shape, at
        assert not (one != other).nnz, at
    elif isinstance(one, pa.Table):
        assert one.equals(other, check_metadata=True), at
    elif isinstance(one, Mapping):
        assert list(one) == list(other), at
        for key in one:
            alike(one[key], other[key], f"{at}[{key!r}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), at
        for place, (mine, theirs) in enumerate(zip(one, other)):
            alike(mine, theirs, f"{at}[{place}]")
    elif inspect.ismethod(one):
        alike((one.__func__, one.__self__), (other.__func__, other.__self__), at)
    elif isinstance(one, partial):
        alike((one.func, one.args, one.keywords), (other.func, other.args, other.keywords), at)
    elif type(one).__module__.startswith("carbonflows_fast") and not inspect.isroutine(one):
        alike(one.__reduce_ex__(4)[1:3], other.__reduce_ex__(4)[1:3], at)
    else:
        assert one == other or (one != one and other != other), at


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("years")
    for year in (2018, 2019):
        cf.save(cf.synthetic.world(3, 4, year=year), folder / str(year))
    table = cf.open(folder / "2019")
    later = table.with_changes(S=table.S * 0.9, year=2020)
    bought = pd.DataFrame({"product": ["Wheat"], "amount": [1.0]})
    errors = cf.Errors(Z=0.1, F=cf.BySize(0.1, -0.2))
    unsure = cf.uncertainty(table, "CO2", errors, draws=8)
    solution = cf.system(table).solve(table.Y.sum(axis=1))
    panel = cf.Panel(folder)
    return {
        "Table": cf.synthetic.world(3, 4),
        "opened": table,
        "Flows": cf.flows(table),
        "Footprints": cf.footprints(table),
        "Paths": cf.structural_paths(table, top=5),
        "PathChanges": cf.structural_path_decomposition(table, later, top=5),
        "Decomposition": cf.structural_decomposition(table, later),
        "SectorStudy": cf.sector_study(table, sectors="Wheat"),
        "PriceEffects": cf.carbon_price(table, price=80, regions="AT"),
        "Purchases": cf.purchases(table, bought, "CO2"),
        "Uncertainty": unsure,
        "Draws": unsure.drawn,
        "Difference": cf.difference(unsure, unsure),
        "CheckReport": cf.check(table),
        "Errors": errors,
        "BySize": errors.F,
        "SharedError": cf.SharedError("price", sd=0.1, F=1.0),
        "Panel": panel,
        "Solution": solution,
        "SolveReport": solution.report,
        "accounts": cf.accounts(table),
        "multipliers": cf.multipliers(table),
        "factors": cf.factors(table, "CO2"),
        "responsibility": cf.responsibility(table),
        "extraction": cf.extraction(table, "Wheat"),
        "layers": cf.production_layers(table),
        "of a panel": panel.accounts(progress=False),
    }


def test_no_kind_of_result_is_left_out(results: dict[str, Any]) -> None:
    kinds = {
        name
        for name in cf.__all__
        if inspect.isclass(kind := getattr(cf, name)) and not issubclass(kind, Exception)
    }
    assert kinds - PREPARED <= results.keys()
    for name in kinds - PREPARED:
        assert type(results[name]) is getattr(cf, name)


def test_another_process_gets_and_gives_back_the_same(results: dict[str, Any]) -> None:
    sent = pickle.dumps(results, pickle.HIGHEST_PROTOCOL)
    done = subprocess.run(
        [sys.executable, "-c", AND_BACK], input=sent, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    back = pickle.loads(done.stdout)
    assert back.keys() == results.keys()
    for name, result in results.items():
        alike(result, back[name], name)
        assert repr(back[name]) == repr(result)


def test_what_is_compared_can_differ(results: dict[str, Any]) -> None:
    """The comparison above sees one bit, one label and one attribute."""
    flows = pickle.loads(pickle.dumps(results["Flows"]))
    flows.matrix.iloc[0, 0] = np.nextafter(flows.matrix.iloc[0, 0], np.inf)
    frame = results["accounts"].copy()
    frame.attrs = {**results["accounts"].attrs, "unit": "t"}
    renamed = results["accounts"].rename({"AT": "DE"})
    for one, other in (
        (results["Flows"], flows), (results["accounts"], frame), (results["accounts"], renamed),
    ):  # fmt: skip
        with pytest.raises(AssertionError):
            alike(one, other, "changed")


def test_a_table_is_sent_where_its_system_cannot_be() -> None:
    table = cf.synthetic.world(3, 4)
    with pytest.raises(TypeError, match="cannot pickle"):
        pickle.dumps(cf.system(table))
    again = pickle.loads(pickle.dumps(table))
    y = table.Y.to_numpy().sum(axis=1)
    np.testing.assert_array_equal(cf.system(again).L @ y, cf.system(table).L @ y)
