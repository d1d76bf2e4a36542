"""`Errors.read`: what a file says, and what is wrong in it, by file and key."""

from __future__ import annotations

import dataclasses
import pickle
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf

WHOLE = """
# Relative standard deviations: 0.1 is 10 %.
Z = { domestic = 0.05, trade = 0.2 }
F.CO2."Basic metals" = 0.2
F.CO2.DE = 1

[Y]
"*" = { DE = 0.1 }
FR."*" = { by_size = { a = 0.4, b = -0.2, at_most = 1.0 } }

[F_Y.by_size]
a = 0.3
b = -0.1

[[shared]]
name = "fuel statistics of DE"
sd = 0.03
F.DE = -1.0

[[shared]]
name = "trade"
sd = 0.1
Z.trade = 1
Y.DE."*" = 0.5
"""


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "errors.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_is_errors(tmp_path: Path) -> None:
    expected = cf.Errors(
        Z={"domestic": 0.05, "trade": 0.2},
        F={("CO2", "Basic metals"): 0.2, ("CO2", "DE"): 1.0},
        Y={(None, "DE"): 0.1, ("FR", None): cf.BySize(0.4, -0.2, at_most=1.0)},
        F_Y=cf.BySize(0.3, -0.1),
        shared=[
            cf.SharedError("fuel statistics of DE", 0.03, F={"DE": -1.0}),
            cf.SharedError("trade", 0.1, Z={"trade": 1.0}, Y={("DE", None): 0.5}),
        ],
    )
    assert cf.Errors.read(written(tmp_path, WHOLE)) == expected
    assert cf.Errors.read(str(written(tmp_path, "\ufeff" + WHOLE))) == expected
    assert cf.Errors.read(written(tmp_path, WHOLE.replace("\n", "\r\n"))) == expected


def test_the_file_of_the_docs_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs/uncertainty.md").read_text(encoding="utf-8")
    errors = cf.Errors.read(written(tmp_path, page.split("```toml\n")[1].split("```")[0]))
    assert errors.Z == {"domestic": 0.05, "trade": 0.2}
    assert errors.shared[0].F_Y == {"CZ": 1.0}
    found = cf.uncertainty(cf.synthetic.world(regions=6), errors=errors)  # that of the shell's page
    assert (found.sd[["production", "consumption"]] > 0.0).all(axis=None)


LABELS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: text not in ("*", "by_size")
)


def quoted(text: str) -> str:
    return '"' + "".join(f"\\U{ord(one):08x}" for one in text) + '"'


@given(st.dictionaries(st.tuples(LABELS, LABELS), st.floats(0.0, 1.0), min_size=1))
def test_any_labels_may_be_in_a_file(tmp_path_factory: Any, numbers: Any) -> None:
    lines = [f"F.{quoted(a)}.{quoted(b)} = {number!r}" for (a, b), number in numbers.items()]
    path = written(tmp_path_factory.mktemp("labels"), "\n".join(lines))
    assert cf.Errors.read(path) == cf.Errors(F=numbers)


SHARED = '[[shared]]\nname = "a"\nsd = 0.1\n'
WRONG = {
    "Z = ": "{file}: expected TOML, got what is none at the end, line 1: Invalid value; write a",
    "Y = 0.1\n\nZ = [1,\n\n": "{file}: expected TOML, got what is none at the end, line 3: Inv",
    "Z = 0.1\nZ = 0.2": "{file}: expected TOML, got what is none at the end, line 2: Cannot over",
    "\nF.Basic metals = 0.2": "{file}: expected TOML, got what is none at line 2, column 9: Exp",
    "a = { " + "b" * 300 + " = 1, " + "b" * 300 + " = 1 }":
        "{file}: expected TOML, got what is none at line 1, column ",
    **dict.fromkeys(
        ("", "# Z = 0.1\n\n", 'distribution = "uniform"', "shared = []"),
        "{file}: expected errors of Z, Y, F or F_Y, or shared ones, got none; write e.g. Z = 0.1",
    ),
    "z = 0.1": "{file}: expected Z, Y, F, F_Y, shared or distribution, got the key 'z'; nearest",
    "Z = -0.1": "{file}, Z: expected a relative number from 0 to 1e6, got -0.1; write e.g. 0.1",
    "Z = nan": "{file}, Z: expected a relative number from 0 to 1e6, got nan",
    "Z = true": "{file}, Z: expected a relative number from 0 to 1e6, got True",
    'F.CO2 = "10 %"': "{file}, F.CO2: expected a relative number from 0 to 1e6, got '10 %'",
    "F = [0.1]": "{file}, F: expected a relative number from 0 to 1e6, got a list of 1",
    "F = 2020-01-01": "{file}, F: expected a relative number from 0 to 1e6, got datetime.date(",
    "F.CO2.DE = -1": "{file}, F.CO2.DE: expected a relative number from 0 to 1e6, got -1",
    "F = {}": "{file}, F: expected a number, or numbers by label, got an empty table",
    "[F.CO2]": "{file}, F.CO2: expected a number, or numbers by label, got an empty table",
    "F.CO2.DE.Steel = 1": "{file}, F.CO2.DE: expected two labels at most",
    '"Z"."*"."*" = 1': "{file}, Z.*.*: expected two labels at most, one of them no *, got * for",
    'Z."*" = 1': "{file}, Z: expected a label, or * beside one, got * alone",
    "F.by_size = 1": "{file}, F.by_size: expected a and b, got 1",
    "F.by_size = { a = 1 }": "{file}, F.by_size: expected a and b, got a table with 'a'",
    "F = { by_size = { a = 1, b = 2 }, CO2 = 1 }":
        "{file}, F: expected by_size alone, or labels, got by_size and 'CO2'",
    "F.by_size = { a = 1, b = 2, c = 3 }":
        "{file}, F.by_size: expected a, b or at_most, got the key 'c'",
    "F.by_size = { a = -1, b = 2 }": "{file}, F.by_size.a: expected a relative number from 0",
    "F.by_size = { a = 1, b = 20 }": "{file}, F.by_size.b: expected an exponent from −10 to 10",
    "shared = 1": "{file}, shared: expected tables, got 1; head each with [[shared]]",
    "[shared]\nsd = 1": "{file}, shared: expected tables, got a table with 'sd'",
    "[[shared]]\nsd = 1": "{file}, shared 1.name: expected text other than Z, Y, F and F_Y, got n",
    '[[shared]]\nname = "F"': "{file}, shared 1.name: expected text other than Z, Y, F and F_Y",
    '[[shared]]\nname = "a"\nF = 1': "{file}, shared 1.sd: expected its standard deviation, got no",
    SHARED.replace("0.1", "-1"): "{file}, shared 1.sd: expected a relative number from 0 to 1e6",
    SHARED: "{file}, shared 1: expected loadings of Z, Y, F or F_Y, got none; choose what it moves",
    SHARED + "F = inf": "{file}, shared 1.F: expected a relative number from −1e6 to 1e6, got inf",
    SHARED + "f = 1": "{file}, shared 1: expected name, sd, Z, Y, F or F_Y, got the key 'f'",
    (SHARED + "F = 1\n") * 2: "{file}, shared 2.name: expected a name of its own, got 'a'; rename",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG, ids=[text[:60] for text in WRONG])
def test_every_mistake_is_named_by_file_and_key(tmp_path: Path, text: str) -> None:
    path = written(tmp_path, text)
    said = refused(path)
    assert said.startswith(WRONG[text].replace("{file}", str(path))), said


def test_files_that_are_none(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.toml").endswith(
        "expected a TOML file with errors, got No such file or directory; check the path"
    )
    assert "expected a TOML file with errors" in refused(tmp_path)
    assert "got another encoding, in line 2;" in refused(
        written(tmp_path, "Z = 1\nF.'caf\xe9'=1".encode("latin-1"))
    )
    with pytest.raises(cf.InputError, match="path: expected the path of a TOML file, got None"):
        cf.Errors.read(None)  # type: ignore[arg-type]
    assert "at most 10 MB" in refused(written(tmp_path, b"#" * 10_000_001))
    assert "expected TOML" in refused(written(tmp_path, "Z = " + "[" * 100_000))


def refused(path: Path) -> str:
    with pytest.raises(cf.InputError) as caught:
        cf.Errors.read(path)
    said = str(caught.value)
    assert SENTENCE.match(said), said
    assert len(said) < 500
    assert said.startswith(str(path))
    return said


UNFIT = {
    "F.CO3 = 0.1": "F.CO3: expected a stressor, region or sector of the table, got 'CO3'; nearest",
    "Z.AT = 0.1": 'Z.AT: expected pairs .* write Z.AT."[*]" for what it sells',
    'Y = { AT = { "*" = 0.1 }, "*" = { AT = 0.1 } }': "Y: .* got Y.AT.* and Y.*AT for the same",
    "F_Y.CO2.XX = 0.1": "F_Y.CO2.XX: expected a category or region of the table, got 'XX'",
    SHARED + "F.CO2.Wheet = 1": "shared 'a', F.CO2.Wheet: expected a .*'Wheat'",
    SHARED + "Z.trade = 1\nF_Y.XX = 1": "shared 'a', F_Y.XX: expected a stressor, region or categ",
}
"""What does not fit a table, and what is said about it by whatever takes errors."""


@pytest.mark.parametrize("text", UNFIT)
@pytest.mark.parametrize("copied", [False, True])
def test_what_does_not_fit_names_file_and_key(tmp_path: Path, text: str, copied: bool) -> None:
    path = written(tmp_path, text)
    errors = cf.Errors.read(path)
    if copied:  # as it travels to the workers of a panel
        errors = pickle.loads(pickle.dumps(errors))
    table = cf.synthetic.world(2, 3)
    asks = [
        lambda of=of: cf.uncertainty(table, "CO2", errors, of=of)
        for of in ("accounts", "flows", "traded_share")
    ] + [
        lambda: cf.uncertainty(table, "CO2", errors, of="footprints", products=["Wheat"]),
        lambda: cf.structural_paths(table, "CO2", top=3, errors=errors),
        lambda: cf.sector_study(table, "CO2", sectors="Wheat", errors=errors),
        lambda: cf.structural_decomposition(table, table, "CO2", errors=errors),
    ]
    for ask in asks if not copied else asks[:1]:
        with pytest.raises(cf.InputError, match=f"^{re.escape(str(path))}, {UNFIT[text]}"):
            ask()


def test_what_no_draw_can_have_names_file_and_key(tmp_path: Path) -> None:
    for text, said in (
        ("F = 0.6", "F: expected relative deviations of at most 0.57735 .*, got 0.6; use distr"),
        (SHARED.replace("0.1", "0.6") + "F = 1", "shared 'a', sd: expected relative deviations of"),
    ):
        path = written(tmp_path, f'distribution = "uniform"\n{text}')
        with pytest.raises(cf.InputError, match=f"^{re.escape(str(path))}, {said}"):
            cf.uncertainty(cf.synthetic.world(2, 3), "CO2", cf.Errors.read(path), draws=2)


def test_the_file_is_no_part_of_the_errors(tmp_path: Path) -> None:
    found = cf.Errors.read(written(tmp_path, SHARED + "F.CO2 = 1"))
    made = cf.Errors(shared=cf.SharedError("a", 0.1, F={"CO2": 1.0}))
    assert found == made
    assert repr(found) == repr(made)
    with pytest.raises(
        cf.InputError, match=r"^F: expected a stressor"
    ):  # changed since it was read
        cf.uncertainty(cf.synthetic.world(2, 3), "CO2", dataclasses.replace(found, F={"CO3": 0.1}))


def test_a_distribution_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / "errors.toml"
    path.write_text('distribution = "uniform"\nZ = 0.1\n', encoding="utf-8")
    assert cf.Errors.read(path) == cf.Errors(Z=0.1, distribution="uniform")
    path.write_text('distribution = "normal"\nZ = 0.1\n', encoding="utf-8")
    with pytest.raises(cf.InputError, match=r"errors\.toml, distribution: expected 'lognormal'"):
        cf.Errors.read(path)


def test_an_endless_number_and_a_strange_path_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "errors.toml"
    path.write_text(f"Z = {'9' * 5000}\n", encoding="utf-8")
    for place in (path, "a\0b"):
        with pytest.raises(cf.InputError, match="expected TOML"):
            cf.Errors.read(place)


def test_the_example_that_is_shipped_is_about_every_country() -> None:
    path = files("carbonflows_fast.uncertainties") / "wiod_errors.toml"
    errors = cf.Errors.read(str(path))
    statistics = [one for one in errors.shared if one.name.startswith("energy statistics of ")]
    regions = [one.name.removeprefix("energy statistics of ") for one in statistics]
    assert len(set(regions)) == len(errors.shared) - 2 == 41
    for region, one in zip(regions, statistics, strict=True):
        assert dict(one.F) == dict(one.F_Y) == {region: 1.0}
        assert one.sd in (0.025, 0.05)
    # It fits a table of these countries, as `docs/how_sure.md` tries on WIOD itself.
    sectors = ["Electricity, Gas and Water Supply", "Construction"]
    n = 2 * len(regions)
    table = cf.Table(
        Z=np.ones((n, n)), Y=np.full((n, len(regions)), 9.0), F=np.ones((1, n)),
        F_Y=np.ones((1, len(regions))), regions=np.repeat(regions, 2).tolist(),
        sectors=sectors * len(regions), stressors="CO2",
    )  # fmt: skip
    assert (cf.uncertainty(table, errors=errors).sd.production > 0).all()
