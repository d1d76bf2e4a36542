"""Figures in a real notebook: `nox -s notebook`, which brings Jupyter's kernel and its client.

Not collected with the other tests, which must pass without Jupyter.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbclient
import nbformat
import pytest

START = """
%matplotlib inline
import carbonflows_fast as cf
import matplotlib.pyplot as plt
flows = cf.flows(cf.synthetic.world(4, 3))
"""
CELLS = {  # what is run, and how many pictures are then shown
    "cf.figures.sankey(flows)": 1,
    "ax = cf.figures.net_imports(flows)": 1,
    "ax = cf.figures.heat_map(flows); plt.show()": 1,
    "cf.figures.sankey(flows); cf.figures.net_imports(flows)": 2,
    "figure, two = plt.subplots(1, 2); cf.figures.sankey(flows, ax=two[0]);": 1,
    "ax = cf.figures.sankey(flows); plt.close(ax.figure)": 0,
    "cf.report(cf.synthetic.world(2, 2), out='report.html')": 0,
    "assert plt.get_fignums() == []": 0,
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Return what each cell shows."""
    folder: Path = tmp_path_factory.mktemp("notebook")
    failing = "try:\n    cf.figures.net_imports(flows, top=0)\nexcept cf.InputError:\n    pass"
    book = nbformat.v4.new_notebook()
    book.cells = [nbformat.v4.new_code_cell(text) for text in (START, failing, *CELLS)]
    nbclient.NotebookClient(book, resources={"metadata": {"path": str(folder)}}).execute()
    return list(book.cells)


def pictures(cell: Any) -> int:
    return sum("image/png" in output.get("data", {}) for output in cell.outputs)


def test_each_figure_is_shown_once(run: list[Any]) -> None:
    assert {cell.source: pictures(cell) for cell in run[2:]} == CELLS


def test_a_figure_that_fails_is_not_shown(run: list[Any]) -> None:
    assert [pictures(cell) for cell in run[:2]] == [0, 0]
    assert run[1].outputs == []


def test_a_report_is_one_short_line(run: list[Any]) -> None:
    (shown,) = next(cell for cell in run if "report(" in cell.source).outputs
    text = shown["data"]["text/plain"]
    assert text.endswith("Path('report.html')")
    assert "\n" not in text
