"""Scenarios against changes of dense matrices, line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.worlds.strategies import tables
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf
from carbonflows_fast.errors import InputError, LabelError


def line(part: str, **where: Any) -> dict[str, Any]:
    return {"part": part, **where}


class Dense:
    """The numbers of a table, changed as a line reads."""

    def __init__(self, table: cf.Table) -> None:
        self.t = table
        self.x0 = table.x.to_numpy()
        self.A, self.Y = table.A.toarray(), table.Y.to_numpy().copy()
        self.S, self.F_Y = table.S.to_numpy().copy(), table.F_Y.to_numpy().copy()

    def change(self, one: dict[str, Any]) -> tuple[int, float, float]:
        part, rows, users = one["part"], list(self.t.rows), list(self.t.demand)
        stressors = list(self.t.stressors)
        target = {"A": self.A, "Z": self.A, "Y": self.Y, "S": self.S, "F": self.S, "F_Y": self.F_Y}
        first = stressors if part in ("S", "F", "F_Y") else rows
        second = users if part in ("Y", "F_Y") else rows
        cells, before, after = 0, 0.0, 0.0
        for i, a in enumerate(first):
            for j, b in enumerate(second):
                if not self.meant(one, part, a, b):
                    continue
                scale = self.per(part, j)
                cells, before = cells + 1, before + target[part][i, j] * scale
                if "factor" in one:
                    target[part][i, j] *= one["factor"]
                else:
                    target[part][i, j] = self.kept(one["value"], part, j)
                after += target[part][i, j] * scale
        return cells, before, after

    def per(self, part: str, j: int) -> float:
        return float(self.x0[j]) if part in ("Z", "F") else 1.0

    def kept(self, value: float, part: str, j: int) -> float:
        return value / self.per(part, j) if self.per(part, j) else 0.0

    @staticmethod
    def meant(one: dict[str, Any], part: str, a: Any, b: Any) -> bool:
        def fits(label: Any, *keys: str) -> bool:
            return all(not one.get(k) or one[k] == text for k, text in zip(keys, label))

        if part in ("S", "F"):
            return fits((a,), "stressor") and fits(b, "region", "sector")
        if part == "F_Y":
            return fits((a,), "stressor") and fits(b, "buyer_region", "buyer")
        return fits(a, "region", "sector") and fits(b, "buyer_region", "buyer")


def some_lines(table: cf.Table, data: st.DataObject) -> list[dict[str, Any]]:
    lines = []
    for _ in range(data.draw(st.integers(1, 3))):
        part = data.draw(st.sampled_from(["A", "Z", "Y", "S", "F", "F_Y"]))
        one = line(part)
        if part != "F_Y" and data.draw(st.booleans()):
            one["region"], one["sector"] = data.draw(st.sampled_from(list(table.rows)))
        if part in ("A", "Z") and data.draw(st.booleans()):
            one["buyer_region"], one["buyer"] = data.draw(st.sampled_from(list(table.rows)))
        if part in ("Y", "F_Y") and data.draw(st.booleans()):
            one["buyer_region"], one["buyer"] = data.draw(st.sampled_from(list(table.demand)))
        if part in ("S", "F", "F_Y") and data.draw(st.booleans()):
            one["stressor"] = data.draw(st.sampled_from(table.stressors))
        if part in ("A", "Z") or data.draw(st.booleans()):
            one["factor"] = data.draw(st.sampled_from([0.0, 0.5, 0.9]))
        else:
            one["value"] = data.draw(st.sampled_from([0.0, 1.5]))
        lines.append(one)
    return lines


@given(tables(zero_outputs=False), st.data())
def test_lines_change_what_they_name(table: cf.Table, data: st.DataObject) -> None:
    lines, dense = some_lines(table, data), Dense(table)
    told = [dense.change(one) for one in lines]
    made, ledger = cf.scenario(table, pd.DataFrame(lines))
    np.testing.assert_allclose(made.A.toarray(), dense.A, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(made.Y, dense.Y)
    np.testing.assert_allclose(made.S, dense.S)
    np.testing.assert_allclose(made.F_Y, dense.F_Y)
    scale = 1e-9 * np.abs(dense.x0).sum()
    np.testing.assert_allclose(ledger[["cells", "before", "after"]], told, rtol=1e-9, atol=scale)
    x = np.linalg.solve(np.eye(table.n) - dense.A, dense.Y.sum(axis=1))
    np.testing.assert_allclose(made.x, x, rtol=1e-7, atol=scale)
    assert made.notes[-1].startswith("A scenario with ")


class DenseFlows(Dense):
    """The same of Z and F, which know what sectors without output buy and emit."""

    def __init__(self, table: cf.Table) -> None:
        super().__init__(table)
        self.A, self.S = table.Z.toarray(), table.F.to_numpy().copy()

    def per(self, part: str, j: int) -> float:
        if part in ("A", "S"):
            return 1.0 / self.x0[j] if self.x0[j] else 0.0
        return 1.0

    def kept(self, value: float, part: str, j: int) -> float:
        return value * self.x0[j] if part in ("A", "S") else value


@given(tables(negatives=False), st.data())
def test_without_rebalancing_flows_stay(table: cf.Table, data: st.DataObject) -> None:
    lines, dense = some_lines(table, data), DenseFlows(table)
    told = [dense.change(one) for one in lines]
    Z, Y = dense.A, dense.Y
    x = Z.sum(axis=1) + Y.sum(axis=1)
    assume(((x > 0.0) | (x == 0.0)).all())
    A = np.divide(Z, x, out=np.zeros_like(Z), where=x != 0.0)
    assume(np.linalg.cond(np.eye(table.n) - A) < 1e6)  # else nothing is left to produce for
    made, ledger = cf.scenario(table, pd.DataFrame(lines), rebalance=False)
    scale = 1e-9 * np.abs(dense.x0).sum()
    np.testing.assert_allclose(ledger[["cells", "before", "after"]], told, rtol=1e-9, atol=scale)
    if any(one["part"] in ("A", "Z", "Y") for one in lines):
        np.testing.assert_allclose(made.x, x, rtol=1e-12, atol=1e-12 * scale)
    else:
        np.testing.assert_array_equal(made.x, table.x)
    np.testing.assert_allclose(made.Z.toarray(), Z, rtol=1e-12)
    np.testing.assert_allclose(made.F, dense.S, rtol=1e-12)


def idle() -> cf.Table:
    """A table in which a sector without output buys 5 and emits 7."""
    return cf.Table(
        Z=[[10.0, 20.0, 5.0], [5.0, 10.0, 0.0], [0.0, 0.0, 0.0]], Y=[70.0, 85.0, 0.0],
        F=[[50.0, 10.0, 7.0]], regions=["DE", "DE", "FR"], sectors=["a", "b", "a"],
        stressors="CO2", row_units="M.EUR", demand=[("DE", "all")],
    )  # fmt: skip


@pytest.mark.parametrize("rebalance", [True, False])
def test_lines_about_emissions_alone_leave_output_as_it_is(rebalance: bool) -> None:
    table = idle()
    made, ledger = cf.scenario(table, pd.DataFrame([line("F", factor=2.0)]), rebalance=rebalance)
    assert made.F.loc["CO2"].tolist() == [100.0, 20.0, 14.0]
    assert ledger[["before", "after"]].iloc[0].tolist() == [67.0, 134.0]
    np.testing.assert_array_equal(made.x, table.x)
    np.testing.assert_array_equal(made.Z.toarray(), table.Z.toarray())
    made, _ = cf.scenario(table, pd.DataFrame([line("F", region="FR", value=3.0)]))
    assert made.F.loc["CO2"].tolist() == [50.0, 10.0, 3.0]


def test_what_a_sector_without_output_buys_and_emits_is_named_where_it_is_lost() -> None:
    table = idle()
    change = pd.DataFrame([line("Y", region="DE", sector="b", factor=2.0)])
    made, _ = cf.scenario(table, change)
    gap, lost = made.notes[-2:]
    assert gap.startswith(
        "Outputs of the table before this scenario differ from what it sells by 0.0"
    )
    assert lost == (
        "Sectors without output have no emissions per unit: a scenario leaves out CO2 7."
    )
    made, _ = cf.scenario(table, change, rebalance=False)
    assert len(made.notes) == 1
    assert made.x.tolist() == [105.0, 185.0, 0.0]
    assert made.F.loc["CO2"].tolist() == [50.0, 10.0, 7.0]
    assert made.Z.toarray()[0].tolist() == [10.0, 20.0, 5.0]
    with pytest.raises(InputError, match=r"expected sectors with output, for a value other"):
        cf.scenario(table, pd.DataFrame([line("Y", factor=2.0), line("F", value=1.0)]))
    made, _ = cf.scenario(
        table, pd.DataFrame([line("Y", factor=2.0), line("F", value=1.0)]), rebalance=False
    )
    assert made.F.loc["CO2"].tolist() == [1.0, 1.0, 1.0]


def test_a_table_that_is_not_balanced_is_changed_and_said_to_be() -> None:
    table = idle()
    unbalanced = cf.Table(
        Z=table.Z.toarray(), x=[105.0, 150.0, 0.0], Y=table.Y, F=table.F,
        regions=["DE", "DE", "FR"], sectors=["a", "b", "a"], stressors="CO2",
        demand=[("DE", "all")],
    )  # fmt: skip
    for rebalance in (True, False):
        made, _ = cf.scenario(
            unbalanced, pd.DataFrame([line("Y", factor=1.0)]), rebalance=rebalance
        )
        assert "differ from what it sells by 0.2" in made.notes[1]
    assert made.x.tolist() == [105.0, 100.0, 0.0]


def test_a_block_is_set_to_a_value_and_a_file_is_read(tmp_path: Path) -> None:
    table = three_regions()
    path = tmp_path / "changes.csv"
    path.write_text(
        "part,region,sector,buyer_region,buyer,factor,value,why\n"
        "Z,AA,,BB,goods,,2.5,trade\n"
        "\n"
        "A,CC,mining,,,0.5,,less\n"
    )
    made, ledger = cf.scenario(table, path)
    Z = made.A.toarray() * table.x.to_numpy()
    np.testing.assert_allclose(Z[:2, 2], 2.5)
    np.testing.assert_allclose(made.A.toarray()[3], table.A.toarray()[3] / 2)
    assert ledger["cells"].tolist() == [2, 5]
    assert ledger["why"].tolist() == ["trade", "less"]
    assert ledger["after"].iloc[0] == pytest.approx(5.0)
    # Others are as they were, and the given table is.
    assert table.equals(three_regions())
    np.testing.assert_array_equal(made.A.toarray()[4], table.A.toarray()[4])


def test_the_difference_of_a_question() -> None:
    table = three_regions()
    made, _ = cf.scenario(table, pd.DataFrame([line("S", factor=0.5)]))
    before, after = cf.accounts(table), cf.accounts(made)
    half = (before["production"] - before["households"]) / 2
    np.testing.assert_allclose(after["production"] - after["households"], half, rtol=1e-9)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        ({"part": "B", "factor": 1}, r"row 1: expected a part: A, Z, Y, S, F, F_Y, got 'B'"),
        ({"part": "A"}, r"row 1: expected a factor or a value, got neither"),
        ({"part": "A", "factor": 1, "value": 2}, r"row 1: expected a factor or a value, got both"),
        (
            {"part": "A", "stressor": "CO2", "factor": 1},
            r"row 1: expected places of A",
        ),
        ({"part": "A", "factor": "x"}, r"column factor: expected numbers, .*'x' in row 1"),
        ({"part": "A", "sector": "gods", "factor": 1}, r"row 1, sector: expected .* 'gods'"),
        ({"part": "A", "buyer": "gods", "factor": 1}, r"row 1, buyer: expected .*"),
        ({"part": "Y", "buyer_region": "ZZ", "factor": 1}, r"row 1, demand: expected .* 'ZZ'"),
        ({"part": "S", "stressor": "CO", "factor": 1}, r"row 1, stressor: .* 'CO'"),
    ],
)
def test_bad_lines(one: dict[str, Any], said: str) -> None:
    with pytest.raises((InputError, LabelError), match=said):
        cf.scenario(three_regions(), pd.DataFrame([one]))


def test_bad_lists() -> None:
    with pytest.raises(InputError, match="changes: expected the column part"):
        cf.scenario(three_regions(), pd.DataFrame({"sector": ["goods"]}))
    with pytest.raises(InputError, match="changes: expected a DataFrame or the path"):
        cf.scenario(three_regions(), [1])
    with pytest.raises(InputError, match="rebalance: expected True or False"):
        cf.scenario(three_regions(), pd.DataFrame([line("A", factor=1)]), rebalance="yes")  # type: ignore[arg-type]
