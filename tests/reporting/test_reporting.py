"""The report: its numbers are those of the references, and it is a page that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from support.references.report_reference import Checker, world
from support.running.report_page import HEADINGS, Page, draw_nothing
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.cli import main
from carbonflows_fast.reporting._method_and_limits import _lost_share
from carbonflows_fast.table._table import with_notes

HOSTILE = ("<script>alert(1)</script>", "A & \"B\" 'C' -->", "中国 $x$")


@pytest.fixture(scope="module")
def tables() -> tuple[cf.Table, cf.Table]:
    return world(1, year=2009), world(2, year=2005)


@pytest.fixture(scope="module")
def written(tables: tuple[cf.Table, cf.Table], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("report") / "report.html"
    assert cf.report(tables[0], "CO2", out=out, since=tables[1]) == out
    return out


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of texts and numbers."""
    draw_nothing(monkeypatch)


@pytest.fixture(scope="module")
def shelves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Saved tables of two years, one of another stressor, and two years of text."""
    folder = tmp_path_factory.mktemp("shelves")
    for name in ("folder", "store", "texts"):
        (folder / name).mkdir()
    for year in (2005, 2009):
        cf.save(small_world(year=year), folder / f"store/{year}")
        cf.write_exiobase(small_world(year=year, row_units="EUR"), folder / f"texts/{year}")
    cf.save(small_world(stressors=["CH4"], year=2001), folder / "other")
    return folder


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """A report on a table whose labels would break a page that believes them."""
    rng = np.random.default_rng(0)
    sectors = ["<b>coal</b>", "</style><style>*{display:none}</style>"]
    table = cf.Table(
        Z=rng.random((6, 6)), Y=3 * rng.random((6, 3)) + 1, F=rng.random((1, 6)) + 0.1,
        regions=np.repeat(HOSTILE, 2).tolist(), sectors=sectors * 3,
        stressors=["CO₂ <i>\"</i> & 'x'"], stressor_units=["<u>kt</u>"], name="</title><p>",
    )  # fmt: skip
    out = tmp_path_factory.mktemp("hostile") / "report.html"
    cf.report(table, out=out, title="<h1>$style</h1>", date="<em>today</em>")
    return Page(out.read_text(encoding="utf-8"))


def small_world(
    regions: Sequence[str] = "AB", sectors: Sequence[str] = ("coal", "steel"), scale: float = 1.0,
    **given: Any,
) -> cf.Table:  # fmt: skip
    """Two regions and two sectors that no classification has: little to compute, and to draw."""
    rng = np.random.default_rng(0)
    about = {"stressors": ["CO2"], "stressor_units": ["kt"]} | given
    return cf.Table(
        Z=rng.random((4, 4)), Y=3 * rng.random((4, 2)) + 1, F=scale * rng.random((1, 4)) + 0.1,
        regions=np.repeat([*regions], 2).tolist(), sectors=[*sectors] * 2, **about,
    )  # fmt: skip


# ---- numbers -------------------------------------------------------------------------------------


def test_every_number_is_that_of_the_references(
    page: Page, tables: tuple[cf.Table, cf.Table]
) -> None:
    Checker(page, *tables).everything()


@pytest.mark.parametrize(
    ("table", "key"),
    [("region_trade", "imports"), ("flow_changes", "before"), ("steel_regions", "made")],
)
def test_a_wrong_number_would_be_found(
    written: Path, tables: tuple[cf.Table, cf.Table], table: str, key: str
) -> None:
    page = Page(written.read_text(encoding="utf-8"))
    page.tables[table][0][key] *= 1 + 1e-6
    with pytest.raises(AssertionError):
        Checker(page, *tables).everything()


def test_numbers_read_as_they_are_in_full(page: Page, tables: tuple[cf.Table, cf.Table]) -> None:
    traded = cf.flows(tables[0]).traded_share_all
    assert page.figures["traded_share_all"] == traded  # to the last bit
    assert f"{100 * traded:.1f}\N{NO-BREAK SPACE}%" in page.source
    assert "Change from 2005 to 2009" in page.text
    assert "in current prices" in page.text
    assert "Due to trade and demand origin" in page.text  # other than the cause of that name


def test_what_is_not_known_is_said(hostile: Page) -> None:
    spaced = hostile.spaced
    assert "No sector studies Of the five studies that the library knows, none can be" in spaced
    assert "Steel, aluminium, automotive, clothing, cotton: the study takes a table" in spaced
    assert "this is one with 2 sectors of none of them: '<b>coal</b>'," in spaced
    assert "What kind of product is traded is not known" in hostile.text
    assert not {"studies_compared", "classes", "production_changes"} & set(hostile.tables)


@pytest.mark.usefixtures("undrawn")
def test_a_panel_gives_its_last_year_since_its_first(tmp_path: Path) -> None:
    for scale, year in ((1.0, 2001), (2.0, 2008)):
        cf.save(small_world(scale=scale, year=year), tmp_path / str(year))
    panel = cf.Panel(tmp_path)
    page = Page(cf.report(panel, out=tmp_path / "a.html").read_text(encoding="utf-8"))
    rows = page.by("years", "year")
    assert list(rows) == ["2001", "2008"]
    for year in panel:
        flows = cf.flows(panel[year])
        assert rows[str(year)]["share"] == pytest.approx(flows.traded_share, rel=1e-12)
        assert rows[str(year)]["industrial"] == pytest.approx(flows.total, rel=1e-12)
        emitted = flows.total + flows.households.sum()
        assert rows[str(year)]["production"] == pytest.approx(emitted, rel=1e-12)
    assert page.figures["change_before"] == pytest.approx(cf.flows(panel[2001]).total)
    assert main(["report", str(tmp_path), "--out", str(tmp_path / "b.html")]) == 0
    assert (tmp_path / "b.html").read_bytes() == (tmp_path / "a.html").read_bytes()


@pytest.mark.parametrize("emissions", [0.0, 1.0])
def test_one_region_trades_nothing(tmp_path: Path, emissions: float, capsys: Any) -> None:
    table = cf.Table(
        Z=[[1.0]], Y=[[9.0]], F=[[emissions]], regions="DE", sectors=["all"], stressors="heat"
    )
    out = cf.report(table, out=tmp_path / "one.html", progress=False)
    assert capsys.readouterr().err == ""
    page = Page(out.read_text(encoding="utf-8"))
    assert page.figures["traded"] == 0
    assert page.figures["world_emissions"] == pytest.approx(emissions)
    assert not {"largest_flows", "traded", "classes"} & set(page.tables)
    assert "The table has one region, which consumes all that it produces." in page.text
    assert not re.search(r"\b0 regions|importers|exporters", page.text)
    assert ("No supply chain has any emissions" in page.text) == (emissions == 0)
    assert "heat embodied in trade" in page.text


@pytest.mark.usefixtures("undrawn")
def test_sentences_are_right_in_number(tmp_path: Path) -> None:
    sectors, names = ("Construction", "Transport Equipment"), ("AA", "WIOD 2013")
    table, before = (small_world(sectors=sectors, name=name, year=2009, scale=scale)
                     for scale, name in zip((1.0, 0.5), names, strict=True))  # fmt: skip
    table = with_notes(table, "Emissions are split by output.")
    page = Page(cf.report(table, out=tmp_path / "a.html", since=before).read_text(encoding="utf-8"))
    assert {"studies_compared", "flow_changes"} & set(page.tables) == {"flow_changes"}
    for sentence in (
        "1 region on balance imported emissions in 2009, and 1 region exported them.",
        "The net importer is ", "The net exporter is ", "All flows from one region to another",
        "How it was read Emissions are split by output.",
        "One sector study The study follows", "passes through the sector, and counts it once",
        "four have no numbers of their own from this table",
        "Steel: the study takes a table with all sectors of steel; this is one without 'Basic Met",
        "Bands lead from where emissions happen to where the automotive sector makes its products",
        "The table's sector “Transport Equipment” is wider than the subject of the study.",
        "Change from WIOD 2013 to AA", "kt more in AA than in WIOD 2013", "WIOD 2013 kt AA kt",
        "Effects as a share of industrial emissions in WIOD 2013: ",
    ):  # fmt: skip
        assert sentence in page.spaced
    assert not re.search(r"beyond the largest|the largest regions\. |must not be added", page.text)


@pytest.mark.usefixtures("undrawn")
def test_abbreviations_are_explained(hostile: Page, tmp_path: Path) -> None:
    table = small_world(sectors=("coal", "Machinery, Nec"))
    page = Page(cf.report(table, out=tmp_path / "a.html").read_text(encoding="utf-8"))
    said = "nec is what is not elsewhere classified"
    assert said in page.text
    assert said not in hostile.text


@pytest.mark.usefixtures("undrawn")
def test_regions_of_one_country_go_by_their_labels(tmp_path: Path) -> None:
    states, before = (small_world(["US-GA", "RoUS"], scale=s, year=y)
                      for s, y in ((1.0, 2009), (0.5, 2005)))  # fmt: skip
    page = Page(cf.report(states, out=tmp_path / "a.html", since=before).read_text("utf-8"))
    assert "United States" not in page.source
    for sentence in ("Emitted in all regions of the table", "All regions of the table emitted",
                     "RoUS: steel", "The net importer is US-GA."):  # fmt: skip
        assert sentence in page.spaced
    mixed = small_world(["US-GA", "DEU"])
    page = Page(cf.report(mixed, out=tmp_path / "a.html").read_text("utf-8"))
    assert "United States: steel" in page.spaced
    assert "Emitted in the world" in page.spaced


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("factor", "sentences", "never"),
    [
        (2.0, ["region stayed at", "What each region emitted, and the change",
               "largest in consumption first"], "AtB"),
        (0.0, ["What industries emit adds up to 0 kt , of which nothing is a share. Three numbers",
               "No region on balance imported or exported emissions in the year"], r"\b0 regions"),
        (-1.0, ["Net importers", "n/a"], "of what it emits"),
    ],
)  # fmt: skip
def test_sentences_of_odd_tables_make_sense(
    factor: float, sentences: list[str], never: str, tmp_path: Path
) -> None:
    then = small_world(sectors=["coal", "Textiles and Textile Products"])
    now = then.with_changes(S=factor * then.S)
    page = Page(cf.report(now, out=tmp_path / "a.html", since=then).read_text("utf-8"))
    for sentence in sentences:
        assert sentence in page.spaced
    assert not re.search(never, page.text)
    assert "less than 0.1" in _lost_share(-1e-6, 1.0, 0.0)


# ---- the page ------------------------------------------------------------------------------------


def test_labels_are_escaped(hostile: Page, page: Page) -> None:
    count = [sum(tag == "script" for tag, _ in p.elements) for p in (hostile, page)]
    assert count == [1, 1]  # our own
    assert {tag for tag, _ in hostile.elements} <= {tag for tag, _ in page.elements}
    assert {row["region"] for row in hostile.tables["accounts"]} == set(HOSTILE)
    for label in (*HOSTILE, "<b>coal</b>", "<em>today</em>", "<h1>$style</h1>", "</title><p>"):
        assert label in hostile.text


def test_nothing_is_loaded_from_anywhere(page: Page, hostile: Page) -> None:
    for one in (page, hostile):
        own = r'<meta http-equiv[^>]*>|href="data:(,|image/png;base64,[^"]*)"'
        source = re.sub(own, "", one.source)
        assert not re.search(r"https?:|//(?! )|@import|\bsrc\b|srcset|<iframe|<object", source)
        assert all(name.startswith("#") for name in re.findall(r"""url\(['"]?([^)]*)""", source))
        links = [a["href"] for tag, a in one.elements if "href" in a and tag != "link"]
        assert links
        assert all(str(link).startswith(("#", "data:image/png;base64,")) for link in links)
    policy = next(a["content"] for _, a in page.elements if "http-equiv" in a) or ""
    script = re.search(r"<script>(.*?)</script>", page.source, re.S)
    assert script is not None
    mark = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert "default-src 'none'" in policy
    assert f"script-src 'sha256-{mark}'" in policy


def test_it_can_be_read_without_seeing_it(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert ("html", {"lang": "en"}) in page.elements
    assert [tags.count(tag) for tag in ("title", "h1", "main", "header", "nav", "footer")] == [
        1
    ] * 6
    assert page.headings[0] == 1
    steps = np.diff(page.headings)
    assert steps.max() == 1  # no level is left out
    assert len(HEADINGS) >= max(page.headings)
    named = [str(a["id"]) for _, a in page.elements if "id" in a]
    assert len(named) == len(set(named))
    for _, attributes in page.elements:
        for key in ("aria-labelledby", "href"):
            target = (attributes.get(key) or "").removeprefix("#")
            if target and not target.startswith("data:"):
                assert target in named
    first = next(a for tag, a in page.elements if tag == "a")
    assert first["href"] == "#main"
    pictures = [a for tag, a in page.elements if tag == "svg"]
    assert tags.count("figure") == tags.count("figcaption") >= 8
    shapes = [str(a["class"]) for a in pictures]
    assert shapes == ["wide", "narrow"] * tags.count("figure")  # a style shows one of both
    assert all(a["role"] == "img" and len(a["aria-label"] or "") > 40 for a in pictures)
    assert tags.count("caption") == tags.count("table") == len(page.tables)
    heads = [a for tag, a in page.elements if tag == "th"]
    assert all(a["scope"] in ("row", "col") for a in heads)
    for tag, attributes in page.elements:
        if tag == "button" and "enlarge" in (attributes["class"] or ""):
            assert "hidden" in attributes  # it does nothing without the script
            assert attributes["type"] == "button"


# ---- files, arguments, command -------------------------------------------------------------------


def test_a_report_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    out, table = tmp_path / "report.html", world(1, ("CHN", "USA"))
    out.write_text("the old one")
    with pytest.raises(cf.LabelError):
        cf.report(table, "CH5", out=out)
    with pytest.raises(cf.InputError, match=r"^since: expected the rows"):
        cf.report(table, out=out, since=world(1))
    assert out.read_text() == "the old one"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


@pytest.mark.parametrize(
    "changes",
    [
        {"table": 3}, {"since": "2005.zip"}, {"out": 3}, {"out": "report.pdf"},
        {"out": "nowhere/report.html"}, {"out": ""}, {"out": "."}, {"title": " "}, {"title": 3},
        {"title": "a\ud800"}, {"title": "a\0b"}, {"title": "a\nb"}, {"title": "a\x85"},
        {"date": 2009}, {"date": "\x01"}, {"progress": "yes"},
        {"table": small_world(sectors=["coal\0", "steel"])}, {"table": small_world(name="\ud800")},
        {"since": small_world(year=2009)}, {"since": small_world(regions=["A", "C"])},
        {"since": small_world(stressors=["CH4"])}, {"since": small_world(stressor_units=[""])},
    ],
)  # fmt: skip
def test_bad_arguments_get_one_sentence(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = {"table": small_world(year=2009), "out": "report.html"} | changes
    with pytest.raises(cf.InputError, match=SENTENCE) as raised:
        cf.report(arguments.pop("table"), **arguments)
    assert str(raised.value).startswith(next(iter(changes)))
    assert ("for none" in str(raised.value)) <= ("date" in changes)  # a title there always is
    assert not re.search(r"\b(before|after)\b|''(?!$)", str(raised.value).replace("got ''", ""))
    assert list(tmp_path.iterdir()) == []


def test_tables_that_differ_are_named_by_their_years(tmp_path: Path) -> None:
    now, out = small_world(year=2009), tmp_path / "report.html"
    for changes, said in (
        ({"regions": ["A", "C"]}, "2 only in the table of 2009 .*, 2 only in the table of 2005"),
        ({"stressor_units": [""]}, "'CO2' in 'kt', as in the table of 2009, got 'CO2' in no unit"),
        ({"row_units": "EUR"}, r"\('A', 'coal'\) in no unit, got 'EUR'"),
        ({"stressors": ["CO2 (fossil)"]}, r"got the table of 2005 without it; nearest is 'CO2 \("),
    ):
        with pytest.raises(cf.InputError, match=f"^since: expected .*{said}"):
            cf.report(now, out=out, since=small_world(year=2005, **changes))


@pytest.mark.usefixtures("undrawn")
def test_the_other_table_may_have_another_order(tmp_path: Path) -> None:
    now, then = small_world(year=2009), small_world(year=2005, scale=2.0)
    order = ["B", "A"]
    turned = cf.Table(
        Z=then.Z.toarray()[np.ix_([2, 3, 0, 1], [2, 3, 0, 1])],
        Y=then.Y.to_numpy()[np.ix_([2, 3, 0, 1], [1, 0])], F=then.F.to_numpy()[:, [2, 3, 0, 1]],
        regions=np.repeat(order, 2).tolist(), sectors=["coal", "steel"] * 2, stressors=["CO2"],
        stressor_units=["kt"], year=2005,
    )  # fmt: skip
    pages = []
    for since in (then, turned):
        out = cf.report(now, out=tmp_path / "report.html", since=since)
        pages.append(Page(out.read_text(encoding="utf-8")))
    frames = [pd.DataFrame(page.tables["consumption_changes"]) for page in pages]
    pd.testing.assert_frame_equal(*frames)


def test_the_command_writes_the_same_bytes_whatever_the_settings(
    written: Path, tables: tuple[cf.Table, cf.Table], tmp_path: Path, capsys: Any
) -> None:
    now, then = (cf.save(t, tmp_path / str(t.year)) for t in tables)
    out = tmp_path / "report.html"
    command = ["report", str(now), "--since", str(then), "--out", str(out), "--threads", "1"]
    with matplotlib.rc_context({"axes.facecolor": "red", "font.size": 20, "lines.linewidth": 5}):
        assert main([*command, "--stressor", "CO2"]) == 0
    assert capsys.readouterr().out == f"written: {out}\n"
    assert out.read_bytes() == written.read_bytes()
    for wrong in (["--stressor", "CH5"], ["--out", "report.txt"], ["--since", "nowhere"]):
        assert main([*command, *wrong]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert re.fullmatch(r"carbonflows-fast: [^\n]+\n", printed.err)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--out folder", "--out: expected a file, got the folder 'folder'; give the name"),
        ("--out no/a.html", "--out: .* got 'no/a.html'; create the folder 'no' first"),
        ("--stressor CO", "--stressor: .* got 'CO'; nearest is 'CO2'"),
        ("--since store/2009", "--since: expected another table .* leave it out"),
        ("--out store/2005/a.html", "--out: expected .* got 'store/2005/a.html', in a saved table"),
        ("--since store", "--since: expected one table, .* say which: --since-year"),
        ("--since store --since-year 2011", r"--since-year: .* 'store', 2005, 2009, got 2011; ask"),
        ("--since-year 2005", "--since: expected one table, got the year 2005 alone; give its"),
        ("--since store/2005 --since-year 2006", "--since-year: .* leave --since-year out"),
        ("--since other", r"--since: .*'CO2', which the table of 2009 .*; nearest is 'CH4'"),
        ("--since other --stressor CO2", "--since: .* 'CO2', got 'other' .*; nearest is 'CH4'"),
        ("--since texts", r"2 tables \(2005, 2009\); say which: --since-year …, or the path"),
        ("--since texts --since-year 2011", "one table of 2011, got .*; ask for a year that is th"),
        ("--title \ud800", "--title: expected one line of text"),
    ],
)
def test_the_command_advises_what_can_be_typed(
    options: str, said: str, shelves: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(shelves)
    assert main(["report", "store/2009", "--out", "a.html", *options.split()]) == 2
    printed = capsys.readouterr().err
    assert re.fullmatch(rf"carbonflows-fast: .*{said}[^\n]*\n", printed)
    assert not re.search(r"cf\.|\w=|''", printed)
    assert not (shelves / "a.html").exists()


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "asked",
    ["store/2009 --since store/2005", "store/2009 --since store --since-year 2005",
     "store --year 2009 --since store/2005", "store --year 2009 --since-year 2005"],
)  # fmt: skip
def test_years_are_picked_from_a_folder_of_saved_tables(
    asked: str, shelves: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(shelves)
    out = tmp_path / "a.html"
    assert main(["report", *asked.split(), "--out", str(out)]) == 0
    page = Page(out.read_text(encoding="utf-8"))
    assert "Change from 2005 to 2009" in page.text
    assert "All years" not in page.text
    for wrong, said in (("--year 2011", "--year: .* got 2011"), ("--format wiod2013", "--format")):
        assert main(["report", "store", *wrong.split(), "--out", str(out)]) == 2
        assert re.match(f"carbonflows-fast: {said}", capsys.readouterr().err)


@pytest.mark.parametrize("option", ["--out", "--since"])
def test_a_path_of_nothing_is_none(option: str, capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["report", "nowhere", "--out", "a.html", option, ""])
    assert f"argument {option}: expected a path, got ''" in capsys.readouterr().err


@pytest.mark.usefixtures("undrawn")
def test_progress_is_shown_where_it_is_asked_for(tmp_path: Path, capsys: Any) -> None:
    cf.report(cf.synthetic.world(1, 2), out=tmp_path / "report.html", progress=True)
    shown = capsys.readouterr().err
    assert "Report: steel" in shown
    assert re.search(r"(\d+)/\1 ", shown)  # it comes to its end
