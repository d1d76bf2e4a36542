"""`rtol=` of panels: with the question, in the key of what is saved, and refused before a task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.running.solving import iterated

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError

YEARS = (2010, 2011)
ASKED: dict[str, dict[str, Any]] = {
    "accounts": {},
    "flows": {},
    "structural_paths": {"top": 20},
    "sector_study": {"sectors": "Wheat"},
}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> cf.Panel:
    folder = tmp_path_factory.mktemp("store")
    with iterated():  # a table is saved as it was cut
        for year in YEARS:
            cf.save(cf.synthetic.world(5, 12, year=year), folder / str(year))
    return cf.Panel(folder)


def answer(panel: cf.Panel, what: str, **options: Any) -> Any:
    return getattr(panel, what)(**ASKED[what], **options)


@pytest.mark.parametrize("what", ASKED)
def test_a_panel_is_as_accurate_as_its_question(panel: cf.Panel, what: str) -> None:
    with iterated():
        exact, loose = answer(panel, what), answer(panel, what, rtol=1e-2)
    for year in YEARS:
        bounds = [found.attrs["by_task"][str(year)]["error_bound"] for found in (exact, loose)]
        assert bounds[0] < 1e-3 * bounds[1]
        with iterated():
            single = getattr(cf, what)(panel[year], **ASKED[what], rtol=1e-2)
        frame = single.flow if what == "sector_study" else single
        frame = frame if isinstance(frame, pd.DataFrame) else frame.to_frame()
        assert frame.attrs["error_bound"] == bounds[1]


def test_another_tolerance_is_another_question(panel: cf.Panel, tmp_path: Path) -> None:
    """Neither is a looser result taken for a closer one, nor the other way round."""
    with iterated():
        (first, _) = panel.flows(rtol=1e-2, out=tmp_path)
        looser = pd.read_parquet(first)
        for other in ({}, {"rtol": 1e-3}, {"rtol": 1e-1}):
            with pytest.raises(InputError, match="with the answer to another question; choose an"):
                panel.flows(out=tmp_path, **other)
        stamp = first.stat().st_mtime_ns
        assert panel.flows(rtol=1e-2, out=tmp_path)[0].stat().st_mtime_ns == stamp
        closer = pd.read_parquet(panel.flows(out=tmp_path / "closer")[0])
    assert (closer.value != looser.value).any()


@pytest.mark.parametrize(("what", "default"), [("flows", 1e-10), ("structural_paths", None)])
def test_the_default_written_out_is_the_same_question(
    panel: cf.Panel, what: str, default: float | None, tmp_path: Path
) -> None:
    (first, _) = answer(panel, what, out=tmp_path)
    stamp = first.stat().st_mtime_ns
    assert answer(panel, what, rtol=default, out=tmp_path)[0].stat().st_mtime_ns == stamp


def test_what_is_no_tolerance_is_refused_at_once(panel: cf.Panel, tmp_path: Path) -> None:
    for rtol in (0, 1, "1e-6"):
        with pytest.raises(InputError, match=r"^rtol: expected a number above 0 and below 1, got"):
            panel.accounts(rtol=rtol, out=tmp_path)
    assert not list(tmp_path.iterdir())
    for what in ("structural_decomposition", "structural_path_decomposition"):
        with pytest.raises(InputError, match=rf"^rtol: expected an argument of {what} \("):
            getattr(panel, what)(rtol=1e-6)
