"""What notebooks show: small tables, in which nothing of a label is markup."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import carbonflows_fast as cf

HOSTILE = "<script>alert(1)</script> & co"


@pytest.fixture(scope="module")
def table() -> cf.Table:
    made = cf.synthetic.world(4, 6)
    return cf.Table(
        Z=made.Z, Y=made.Y.to_numpy(), F=made.F.to_numpy(), stressors=["CO2"],
        stressor_units="kt", regions=[{"AT": HOSTILE}.get(r, r) for r, _ in made.rows],
        sectors=[s for _, s in made.rows],
        demand=[({"AT": HOSTILE}.get(r, r), c) for r, c in made.demand], row_units="M.EUR",
        name=HOSTILE, year=2019,
    )  # fmt: skip


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def results(table: cf.Table) -> dict[str, object]:
    later = table.with_changes(S=table.S * 1.1, year=2020)
    bought = pd.DataFrame({"product": ["Wheat"], "amount": [1e6]})
    return {
        "table": table,
        "flows": cf.flows(table),
        "paths": cf.structural_paths(table, top=20),
        "changes": cf.structural_path_decomposition(table, later, top=20),
        "study": cf.sector_study(table, sectors="Wheat"),
        "decomposition": cf.structural_decomposition(table, later),
        "uncertainty": cf.uncertainty(table, errors=cf.Errors(F=0.1)),
        "purchases": cf.purchases(table, bought),
        "prices": cf.carbon_price(table, "CO2", 80, regions=HOSTILE),
    }


def test_a_line_and_a_table_without_markup_of_labels(table: cf.Table) -> None:
    for name, result in results(table).items():
        text = result._repr_html_()  # type: ignore[attr-defined]
        found = Tags(text)
        assert not {"script", "style"} & set(found.tags), name
        assert {"pre", "table"} <= set(found.tags), name
        assert repr(result) == found.words[0], name
        assert text.count("<tr") < 25, name


def test_facts_of_a_table(table: cf.Table) -> None:
    words = Tags(table._repr_html_()).words
    assert words[words.index("year") + 1] == "2019"
    assert HOSTILE in words[words.index("regions") + 1]


def test_the_largest_come_first_and_others_are_counted(table: cf.Table) -> None:
    flows = cf.flows(table)
    words = Tags(flows._repr_html_()).words
    assert f"and {16 - 10} more rows" in words
    first = flows.to_frame().sort_values("value", ascending=False).iloc[0]
    at = words.index(str(first["from"]))
    assert str(first["to"]) in words[at : at + 4]


def test_many_chains_are_a_line(table: cf.Table, monkeypatch: pytest.MonkeyPatch) -> None:
    from carbonflows_fast.paths import _chain_list

    monkeypatch.setattr(_chain_list, "SHOWN", 5)
    found = Tags(cf.structural_paths(table, top=20)._repr_html_())
    assert found.tags == ["pre"]
    assert np.all([not word.startswith("<") for word in found.words])
