"""Identities of trade and sector studies on the real tables, to 1e-9 of all emissions.

WIOD 2013 release (Timmer et al. 2015), CO2 by JRC (Corsatea et al. 2019).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.references import trade_reference
from support.references.reference import Reference

import carbonflows_fast as cf

pytestmark = pytest.mark.real_data
YEARS = (2005, 2009)


@pytest.fixture(scope="module", params=YEARS)
def table(request: pytest.FixtureRequest, real_data: Path) -> cf.Table:
    return cf.read(real_data / f"wiod2013_{request.param}.zip")


@pytest.fixture(scope="module")
def reference(table: cf.Table) -> Reference:
    return Reference(table)


def test_bilateral_trade_is_its_dense_formula(table: cf.Table, reference: Reference) -> None:
    flows, s = cf.flows(table), table.S.to_numpy()[0]
    limit = 1e-9 * flows.total
    expected = trade_reference.eebt(reference, s)
    for use, values in expected.items():
        got = flows.by_traded_product(use)  # type: ignore[arg-type]
        assert np.abs(got.to_numpy() - values).sum() <= limit
    emitted = flows.matrix.sum(axis=1).to_numpy()
    home = trade_reference.domestic(reference, s)
    exports = flows.bilateral_trade().sum(axis=1).to_numpy()
    assert np.abs(exports + home - emitted).sum() <= limit


def test_every_breakdown_adds_up(table: cf.Table) -> None:
    flows, accounts = cf.flows(table), cf.accounts(table)
    limit = 1e-9 * flows.total
    E = flows.matrix.to_numpy()
    split = flows.split()
    assert abs(split["by_final_product"].sum() - (E.sum() - np.trace(E))) <= limit
    trade = flows.bilateral_trade().to_numpy()
    assert abs(split["by_border_product"].sum() - trade.sum()) <= limit
    by_product = flows.by_product().groupby(level="region", sort=False).sum()
    assert np.abs(by_product - flows.matrix).to_numpy().sum() <= limit
    for region in table.regions:
        partners = flows.partners(region)
        assert abs(partners["imports"].sum() - accounts.imports[region]) <= limit
        assert abs(partners["exports"].sum() - accounts.exports[region]) <= limit
        assert np.abs(flows.origins(region).sum() - flows.matrix[region]).sum() <= limit


@pytest.mark.parametrize("name", ["steel", "automotive", "clothing"])
def test_a_study_is_its_dense_formula(name: str, table: cf.Table, reference: Reference) -> None:
    study, s = cf.sector_study(table, sectors=name), table.S.to_numpy()[0]
    T = np.isin(reference.sector_of_row, study.sectors)
    expected = trade_reference.study(reference, s, T)
    footprint = cf.flows(table).total
    limit = 1e-9 * footprint
    assert np.abs(study._steps - expected["steps"]).sum() <= limit
    assert abs(footprint - expected["avoiding"] - study.total) <= limit
    assert abs(study.direct - expected["direct"]) <= limit
    assert np.abs(study.products.to_numpy() - expected["products"]).sum() <= limit
    assert np.abs(study.tiers["emissions"].to_numpy() - expected["tiers"]).max() <= limit
    found = study.paths(min_share=1e-6)
    assert abs(found.value.sum() + found.remainder - study.total) <= limit
    coarser = [study.paths(min_share=share).coverage for share in (1e-3, 1e-4)]
    assert coarser[0] < coarser[1] < found.coverage


def test_all_sectors_give_back_the_footprint(table: cf.Table) -> None:
    flows = cf.flows(table)
    study = cf.sector_study(table, sectors=np.ones(table.n, dtype=bool))
    assert np.abs(study._steps.sum(axis=1) - flows.matrix.to_numpy()).sum() <= 1e-9 * flows.total


def test_two_findings_of_the_study(table: cf.Table) -> None:
    """About a third of Europe's aluminium has a price; over half of clothing crosses a border."""
    metals = cf.sector_study(table, sectors="aluminium")
    system = f"EU ETS {table.year}"
    assert 0.25 < metals.price_coverage(system, consumers="EU27 2007") < 0.45
    clothing = cf.sector_study(table, sectors="clothing")
    assert clothing.border_shares["emitted → consumed"] > 0.5
