"""National tables of WIOD: what the docs say of them, and factors of a world."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import carbonflows_fast as cf

PAGE = (Path(__file__).parents[2] / "docs" / "national.md").read_text(encoding="utf-8")


def cut_out(world: cf.Table, region: str, *, by_origin: bool) -> cf.Table:
    """A region as a national table: imports by product, or by origin with the world's factors."""
    own, at_home = (index.get_level_values(0) == region for index in (world.rows, world.demand))
    Z, Y, n = world.Z.toarray(), world.Y.to_numpy(), int(own.sum())
    bought = [Z[~own][:, own], Y[~own][:, at_home]]
    given: dict[str, Any] = {}
    if by_origin:
        products = [" | ".join(row) for row in world.rows[~own]]
        bought = [pd.DataFrame(part, products) for part in bought]
        given["technology"] = cf.multipliers(world).loc[:, ~own].to_numpy()
    else:
        bought = [part.reshape(-1, n, part.shape[1]).sum(axis=0) for part in bought]
    return cf.national(
        Z[own][:, own], Y[own][:, at_home], world.F.loc[:, own].to_numpy(), imports=tuple(bought),
        F_Y=world.F_Y.to_numpy()[:, at_home], x=world.arrays.x[own], region=region,
        exports=Z[own][:, ~own].sum(axis=1) + Y[own][:, ~at_home].sum(axis=1),
        sectors=[sector for _, sector in world.rows[own]],
        categories=[category for _, category in world.demand[at_home]],
        stressors=world.stressors, **given)  # fmt: skip


def test_factors_of_a_world_give_its_footprints() -> None:
    """Exports that come back in imports are in the factors."""
    world = cf.synthetic.world(3, 4)
    for region in world.regions:
        table = cut_out(world, region, by_origin=True)
        for account in ("production", "consumption"):
            found, expected = (cf.accounts(t).loc[region, account] for t in (table, world))
            np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.real_data
def test_domestic_technology_beside_the_world(real_data: Path) -> None:
    world = cf.read(real_data / "wiod2013_2009.zip")
    right = cf.accounts(world)["consumption"]
    rows = re.findall(r"^\| (\w[\w ]*) \| ([\d,.]+) \| ([\d,.]+) \| (.*) % \|$", PAGE, re.MULTILINE)
    codes = {"Germany": "DEU", "United States": "USA", "China": "CHN", "Luxembourg": "LUX"}
    assert [name for name, *_ in rows] == list(codes)
    for name, of_world, of_country, difference in rows:
        region = codes[name]
        found = cf.accounts(cut_out(world, region, by_origin=False)).loc[region, "consumption"]
        digits = 1 if "." in of_world else 0
        assert f"{right[region] / 1000:,.{digits}f}" == of_world
        assert f"{found / 1000:,.{digits}f}" == of_country
        assert f"{found / right[region] - 1:+.0%}".replace("-", "−") == f"{difference}%"


@pytest.mark.real_data
def test_luxembourg(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's own code, on the original workbook."""
    folder = real_data / "originals" / "wiod2016"
    if not (folder / "LUX_NIOT_nov16.xlsx").exists():
        pytest.skip("no LUX_NIOT_nov16.xlsx among the originals")
    monkeypatch.chdir(folder)
    known: dict[str, Any] = {"pd": pd, "cf": cf}
    exec(re.findall(r"```\n(book = .*?)```", PAGE, re.DOTALL)[0], known)
    table: cf.Table = known["table"]
    assert table.n == 112
    accounts = cf.accounts(table).loc["LUX"].round()
    said = "{consumption:,.0f} kt of consumption against {production:,.0f} kt of production"
    assert said.format(**accounts) in PAGE
    assert "Imports of A03, C19 (1.9% of all imports)" in table.notes[-1]
    assert cf.check(table).ok
