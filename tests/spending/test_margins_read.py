"""Margins from files of GLORIA and USEEIO, against sums of the numbers that were written."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from support.files.useeio_files import PHI, Model
from support.files.zips import packed
from support.worlds.gloria_world import (
    CATEGORIES,
    REGIONS,
    SECTORS,
    C,
    N,
    S,
    Valued,
    file_name,
    write_read_me,
)
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.gloria import _valuation
from carbonflows_fast.readers.gloria._labels import read_valuations
from carbonflows_fast.readers.gloria._valuation import SHEETS

SHARES = ["basic", "trade", "transport", "taxes"]
HOUSEHOLDS, INVENTORIES = CATEGORIES
ROWS = [(region, sector) for region, _ in REGIONS for sector in SECTORS]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A download with all sheets, not to be changed."""
    return Valued().write(tmp_path_factory.mktemp("gloria"))


@pytest.fixture
def place(written: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(written, tmp_path / "copy"))


def slowly(world: Valued, users: str, buyers: list[str]) -> dict[tuple[str, str], list[float]]:
    """Shares and price of each product, and of each sector of all regions, cell by cell."""
    sums = {row: [0.0] * 5 for row in ROWS} | {("", sector): [0.0] * 5 for sector in SECTORS}
    for row, label in enumerate(ROWS):
        for sheet in range(5):
            paid = 0.0
            for r, (region, _) in enumerate(REGIONS):
                if region in buyers and users in ("final", "all", HOUSEHOLDS):
                    paid += world.Y[sheet][row, r * C]
                if region in buyers and users == INVENTORIES:
                    paid += world.Y[sheet][row, r * C + 1]
                if region in buyers and users in ("industries", "all"):
                    for i in range(S):
                        paid += world.U[sheet][row, r * S + i]
            sums[label][sheet] += paid
            sums["", label[1]][sheet] += paid
    found = {}
    for label, (basic, trade, transport, taxes, subsidies) in sums.items():
        price = basic + trade + transport + taxes + subsidies
        if price > 0:
            own = basic + min(trade, 0.0) + min(transport, 0.0)
            if own < 0:
                continue
            parts = [own, max(trade, 0.0), max(transport, 0.0), taxes + subsidies]
            found[label] = [part / price for part in parts] + [price]
    return found


@pytest.mark.parametrize("users", ["final", "industries", "all", HOUSEHOLDS, INVENTORIES])
@pytest.mark.parametrize("buyer", [None, "CIV"])
def test_shares_are_of_what_is_paid(written: Path, users: str, buyer: str | None) -> None:
    found = cf.margins(written, users=users, buyer=buyer)
    regions = [region for region, _ in REGIONS]
    expected = slowly(Valued(), users, regions if buyer is None else [buyer])
    labels = list(zip(found.region, found.sector, strict=True))
    assert labels == list(expected)
    assert len(labels) >= N + S - 1  # what leaves a stock has no price
    for label, line in zip(labels, found[[*SHARES, "paid"]].to_numpy(), strict=True):
        np.testing.assert_allclose(line, expected[label], rtol=1e-12, atol=1e-15)
    assert found.attrs == {
        "source": "GLORIA 059 2022", "year": 2022,
        "margin_sectors": {"trade": ["Fishing"], "transport": ["Fishing"]},
    }  # fmt: skip


def test_rows_are_read_some_at_once(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = cf.margins(written, users="all")
    monkeypatch.setattr(_valuation, "CELLS_AT_ONCE", 30)  # 2 rows of T, 5 of Y
    pd.testing.assert_frame_equal(cf.margins(written, users="all"), whole)
    assert cf.margins(written).equals(cf.margins(written, users=[HOUSEHOLDS]))


def test_final_users_need_no_other_file_and_zips_will_do(place: Path, tmp_path: Path) -> None:
    whole = cf.margins(place)
    for file in [*place.rglob("*_T-*"), *place.rglob("*_V-*"), *place.rglob("*Q-*")]:
        file.unlink()
    assert cf.margins(place).equals(whole)
    packed(place, tmp_path / "all.zip", "gloria/")
    assert cf.margins(tmp_path / "all.zip").equals(whole)


def test_factors_and_purchases_take_them(written: Path) -> None:
    table = cf.read(written, stressors="Wheat")
    found = cf.margins(written, users="all")
    options = {"margins": found, "margin_sectors": found.attrs["margin_sectors"]}
    both = cf.factors(table, valuation="both", products="Growing wheat", **options)
    factor = both.set_index("valuation", append=True).factor.unstack()
    services = cf.factors(table, products="Fishing").factor.droplevel("sector")
    lines = found[(found.sector == "Growing wheat") & (found.region != "")].set_index("region")
    margin = (lines.trade + lines.transport) * services
    expected = factor.basic.droplevel("sector") * lines.basic + margin
    got = factor.purchaser.droplevel("sector")
    np.testing.assert_allclose(got[lines.index], expected[lines.index], rtol=1e-9)
    ledger = pd.DataFrame({"product": ["Growing wheat"], "region": ["CIV"], "amount": [1e3]})
    bought = cf.purchases(table, ledger, valuation="purchaser", **options)
    assert bought.total == pytest.approx(got["CIV"], rel=1e-9)


def test_what_nobody_buys_there_is_that_of_all_regions(
    place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = Valued()
    for sheet in world.Y:
        sheet[2] = 0.0  # wheat of CIV
    world.Y[0][4], world.Y[4][4] = 0.0, -2.0  # wheat of DYE is worth nothing
    shutil.rmtree(place)
    with caplog.at_level(logging.WARNING):
        found = cf.margins(world.write(place))
    assert "no margins of 1 products, whose basic value or price is not above zero" in caplog.text
    assert "('DYE', 'Growing wheat')" in caplog.text
    wheat = found[found.sector == "Growing wheat"]
    assert list(wheat.region) == ["XAM", ""]
    table = cf.read(place, stressors="Wheat")
    options = {"margins": found, "margin_sectors": found.attrs["margin_sectors"]}
    assert cf.factors(table, valuation="purchaser", **options).factor.notna().all()


def test_price_ratios_of_useeio(tmp_path: Path) -> None:
    model = Model()
    path = model.workbook(tmp_path)
    found = cf.margins(path, transport=0.25)
    table = cf.read(path, stressors="GHG")
    assert list(zip(found.region, found.sector, strict=True)) == list(table.rows)
    phi = np.array(PHI)
    expected = np.column_stack([phi, 0.75 * (1 - phi), 0.25 * (1 - phi), 0 * phi])
    np.testing.assert_allclose(found[SHARES], expected, rtol=1e-14)
    assert found.attrs == {"source": "XXEEIOv1.0-s-20", "year": 2020}
    assert (cf.margins(path, transport=0, year=2019).basic == 1.0).all()
    basic = cf.factors(table)
    sectors = list(table.content.sectors)
    paid = cf.factors(table, valuation="purchaser", margins=found,
                      margin_sectors=dict.fromkeys(("trade", "transport"), sectors))  # fmt: skip
    x = table.x.groupby("region", sort=False)
    mean = (basic.factor * table.x).groupby("region", sort=False).sum() / x.sum()
    margins = (1 - phi) * mean[table.rows.get_level_values("region")].to_numpy()
    np.testing.assert_allclose(paid.factor, phi * basic.factor + margins, rtol=1e-9)


def test_ratios_that_are_no_shares_have_no_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def change(sheet: Any) -> None:
        sheet["C2"], sheet["C3"] = 1.02, -0.5

    with caplog.at_level(logging.WARNING):
        found = cf.margins(_changed(Model().workbook(tmp_path), "Phi", change), transport=0)
    assert "no margins of 2 products" in caplog.text
    assert list(found.basic) == PHI[2:]


def _changed(path: Path, sheet: str, change: Any) -> Path:
    book = openpyxl.load_workbook(path)
    change(book[sheet])
    book.save(path)
    return path


# --- what is wrong --------------------------------------------------------------------------


def damaged(place: Path, part: str, markup: int, change: Any) -> Path:
    """Change the numbers of a file."""
    path = next(place.rglob(file_name(part, markup=markup)))
    numbers = np.loadtxt(path, delimiter=",")
    change(numbers)
    np.savetxt(path, numbers, delimiter=",", fmt="%.17g")
    return place


def _renamed(book: Any) -> None:
    book["Valuations"]["B4"] = "Freight"


def _without(book: Any) -> None:
    del book["Valuations"]


def _set(row: int, column: int, value: float) -> Any:
    def change(numbers: Any) -> None:
        numbers[row, column] = value

    return change


def _flip(numbers: Any) -> None:
    numbers *= -1.0


def _cut(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


GLORIA: dict[str, tuple[Any, str]] = {
    "a sheet missing": (
        lambda p: [next(p.rglob(file_name("Y", markup=3))).unlink(), p][1],
        r"one file …_Y-Results_2022_059_Markup003\(full\)\.csv, transport margins, got none; put",
    ),
    "no ReadMe": (
        lambda p: [next(p.rglob("*.xlsx")).unlink(), p][1], r"GLORIA_ReadMe_059\.xlsx, which has",
    ),
    "no valuations": (
        lambda p: [write_read_me(p / "GLORIA_ReadMe_059.xlsx", _without), p][1],
        "expected a sheet 'Valuations'",
    ),
    "other valuations": (
        lambda p: [write_read_me(p / "GLORIA_ReadMe_059.xlsx", _renamed), p][1],
        "sheet 'Valuations': expected a number for Transport margins, got .*'freight'",
    ),
    "a margin on an industry": (
        lambda p: damaged(p, "Y", 2, _set(0, 1, 7.0)),
        "Markup002.*row 'XAM | industry | Growing wheat'.* expected zero, .*got 7, one of 1",
    ),
    "subsidies above zero": (
        lambda p: damaged(p, "Y", 5, _flip),
        "Markup005.*expected subsidies below zero, as GLORIA has them, got a sum of",
    ),
    "a file cut short": (
        lambda p: [_cut(next(p.rglob(file_name("Y", markup=4)))), p][1],
        "Markup004.*expected 12 rows, one for each label",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GLORIA)
def test_damage_is_one_sentence(name: str, place: Path) -> None:
    damage, said = GLORIA[name]
    with pytest.raises(cf.FormatError, match=SENTENCE) as caught:
        cf.margins(damage(place))
    assert pd.Series([str(caught.value)]).str.contains(said).item(), str(caught.value)


def test_products_do_not_buy_and_industries_bear_no_margins(place: Path) -> None:
    damaged(place, "T", 1, _set(2, 2, 1.0))
    with pytest.raises(cf.FormatError, match=r"row 'XAM \| product \| Gr.*column 'XAM \| product"):
        cf.margins(place, users="industries")
    damaged(place, "T", 1, _set(2, 2, 0.0))
    damaged(place, "T", 3, _set(0, 2, 1.0))
    with pytest.raises(cf.FormatError, match=r"Markup003.*row 'XAM \| industry"):
        cf.margins(place, users="all")
    assert len(cf.margins(place)) == N + S


def test_wrong_arguments(written: Path, tmp_path: Path) -> None:
    book = Model().workbook(tmp_path)
    ask = cf.margins
    wrong: list[tuple[Any, str]] = [
        (lambda: ask(written, users="firms"), "users: expected 'final', 'industries', 'all' or"),
        (lambda: ask(written, users=[]), "users: expected 'final', 'industries', 'all' or"),
        (lambda: ask(written, users=3), "users: expected 'final', 'industries', 'all' or"),
        (lambda: ask(written, buyer="Atlantis"), "buyer: expected a region"),
        (lambda: ask(written, buyer=["CIV"]), "buyer: expected a region or a group of regions"),
        (lambda: ask(written, transport=0.1), "transport: expected a value only for USEEIO, since"),
        (lambda: ask(written, year=2019), "one table of 2019"),
        (lambda: ask(book, users="final", transport=0), "users: expected a value only for GLORIA"),
        (lambda: ask(book), "transport: expected the part of margins that is of transport"),
        (lambda: ask(book, transport=1.5), "transport: expected the part of margins"),
        (lambda: ask(book, transport=0, year=1999), "row 1: expected a column 1999, got 2019, 20"),
        (lambda: ask(Model().write(tmp_path / "json"), transport=0), "got a model in JSON files"),
        (lambda: ask(tmp_path / "json" / "demands"), "expected valuation sheets of GLORIA"),
    ]
    for call, said in wrong:
        with pytest.raises(cf.CarbonFlowsError, match=SENTENCE) as caught:
            call()
        assert said in str(caught.value)


def test_sheets_of_useeio_that_do_not_fit(tmp_path: Path) -> None:
    def other(sheet: Any) -> None:
        sheet["A2"] = "999/US"

    with pytest.raises(cf.FormatError, match=r"sheet 'Phi', column A: .*4 labels once"):
        cf.margins(_changed(Model().workbook(tmp_path), "Phi", other), transport=0)
    path = Model().workbook(tmp_path)
    book = openpyxl.load_workbook(path)
    del book["Phi"]
    book.save(path)
    with pytest.raises(cf.FormatError, match="expected a sheet 'Phi'"):
        cf.margins(path, transport=0)


@pytest.mark.real_data
def test_the_read_me_numbers_the_sheets(real_data: Path) -> None:
    for file in sorted((real_data / "originals" / "gloria_059").glob("*.xlsx")):
        with open_files(file) as files:
            numbers = read_valuations(files, file.name)
        assert numbers == {name.casefold(): at for at, name in enumerate(SHEETS, start=1)}
    with pytest.raises(cf.FormatError, match=SENTENCE):  # a sample with two sheets of five
        cf.margins(real_data / "formats" / "gloria_mock")


def test_margins_of_another_table_are_refused(written: Path) -> None:
    with pytest.raises(cf.LabelError, match="margins, column sector: expected a sector of the t"):
        cf.factors(cf.synthetic.world(2, 3), valuation="purchaser", margins=cf.margins(written))
