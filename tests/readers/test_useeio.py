"""USEEIO's JSON: a model written by code, every complaint, and the published models."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.useeio_files import CODES, Model
from support.files.zips import packed

from carbonflows_fast.checks import check
from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read


@pytest.mark.parametrize("kind", ["folder", "folder above", "zip", "zip with a folder"])
def test_a_model_is_read(tmp_path: Path, kind: str) -> None:
    model = Model()
    folder = path = model.write(tmp_path / "XXEEIOv1.0-s-20")
    if kind == "folder above":
        path = tmp_path
    elif kind != "folder":
        path = tmp_path / ("XXEEIOv1.0-s-20.zip" if kind == "zip" else "models.zip")
        prefix = "" if kind == "zip" else "XXEEIOv1.0-s-20/"
        packed(folder, path, prefix)
    model.check(read(path))


@pytest.mark.parametrize("kind", ["folder", "folder above", "zip"])
def test_matrices_in_a_folder_of_their_own(tmp_path: Path, kind: str) -> None:
    """As ModelEarth/io publishes the models: lists beside demands/ and matrix/."""
    model = Model()
    folder = path = model.write(tmp_path / "XXEEIOv1.0-s-20")
    (folder / "matrix").mkdir()
    for name in ("A", "B", "D", "q"):
        (folder / f"{name}.json").rename(folder / "matrix" / f"{name}.json")
    if kind == "zip":
        path = tmp_path / "XXEEIOv1.0-s-20.zip"
        packed(folder, path, "")
    model.check(read(tmp_path if kind == "folder above" else path))
    (folder / "matrix" / "q.json").write_text("[[1], [2]]")
    with pytest.raises(FormatError, match=r"matrix/q\.json: expected \d+ rows, got 2"):
        read(folder)


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    model = Model()
    folder = model.write(tmp_path / "model")
    table = read(folder, stressors=["Methane/emission/air/kg", "JOBS"])
    assert table.stressors == ("JOBS", "Methane/emission/air/kg")
    np.testing.assert_array_equal(table.S, [model.D[1], model.B[1]])
    (folder / "B.json").write_text("[damaged")
    np.testing.assert_array_equal(read(folder, stressors="GHG").S, model.D[:1])
    with pytest.raises(LabelError, match=r"got 'GGH'; nearest are 'GHG'"):
        read(folder, stressors="GGH")
    (folder / "B.json").unlink()
    assert len(read(folder).stressors) == 3


def test_sectors_of_one_name_go_by_their_codes(tmp_path: Path) -> None:
    model = Model()
    for sector in model.files["sectors"]:
        sector["name"] = "Makers"
    assert read(model.write(tmp_path / "model")).sectors == tuple(CODES)


def changed(name: str, place: list[Any], value: Any) -> Callable[[Model], None]:
    """Return what puts a value somewhere into a file."""

    def change(model: Model) -> None:
        content = model.files[name]
        for key in place[:-1]:
            content = content[key]
        content[place[-1]] = value

    return change


def without(name: str) -> Callable[[Model], None]:
    return lambda model: model.files.pop(name)


VECTOR = "demands/RoUS_Production_Complete"
DAMAGES = {
    "q gone": (without("q"), r"q.json: expected a file, got nothing"),
    "list gone": (without("indicators"), r"indicators.json: expected a file, got nothing"),
    "demands gone": (without("demands"), r"demands.json: expected a file, got nothing"),
    "vector gone": (without(VECTOR), r"RoUS_Production_Complete.json: expected a file"),
    "no emissions": (
        lambda model: (model.files.pop("D"), model.files.pop("B")),
        r"D.json: expected D.json, B.json or both, got neither; restore them",
    ),
    "object": (changed("A", [slice(None)], []), r"A.json: expected 4 rows, got 0; the file is"),
    "short": (changed("A", [1], [0.1]), r"A.json, row 2: expected a list of 4 numbers, got 1;"),
    "no row": (changed("D", [2], 0.1), r"D.json, row 3: expected a list of 4 numbers, got 0.1;"),
    "text": (changed("A", [1, 3], "0,1"), r"A.json, row 2, column 4: expected a finite .* '0,1'"),
    "null": (changed("B", [1, 3], None), r"B.json, row 2, column 4: .* number, got None"),
    "true": (changed("D", [0, 0], True), r"D.json, row 1, column 1: .* number, got True"),
    "NaN": (changed("q", [2, 0], float("nan")), r"q.json, row 3, column 1: .* number, got nan"),
    "huge": (changed("q", [2, 0], 10**400), r"q.json, row 3, column 1: .* number, got 1000"),
    "nested": (changed("q", [2, 0], [1]), r"q.json, row 3, column 1: .* number, got \[1\]"),
    "amount": (changed(VECTOR, [0], {"sector": "Other/RoUS"}), r"amount of entry 1: .* got None"),
    "sector": (
        changed(VECTOR, [0, "sector"], "Elsewhere"),
        r"Complete.json: expected each of the 4 sectors once, got 4 entries, of which do not fit "
        r"Elsewhere, Other/RoUS",
    ),
    "twice": (changed(VECTOR, [0, "sector"], "111CA/RoUS"), r"not fit .*Other/RoUS; restore"),
    "index": (
        changed("sectors", [0, "index"], 1),
        r"sectors.json: expected every index from 0 to 3 once, got 1 in place of 2",
    ),
    "no unit": (changed("flows", [1, "unit"], 5), r"flows.json, entry 2: .* 'unit', got 5"),
    "number": (changed("indicators", [1], 5), r"indicators.json, entry 2: expected a text"),
    "year": (changed("demands", [1, "year"], "2020"), r"entry 2: .* whole number for 'year'"),
    "years": (
        changed("demands", [1, "year"], 2021),
        r"demands.json: expected demand of one year, as q is, got 2020, 2021",
    ),
    "type": (
        changed("demands", [4, "type"], "Household"),
        r"expected one vector of type Production, system Complete, for RoUS, got none; restore",
    ),
    "two": (
        changed("demands", [1, "system"], "Complete"),
        r"Complete, for US-XX, got US-XX_Production_Complete, US-XX_Production_Domestic",
    ),
    "blank": (changed("sectors", [0, "location"], " "), r"demands.json: expected one vector"),
    "alike": (changed("flows", [1, "id"], "Carbon dioxide/emission/air/kg"), r"every stressor"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    model = Model()
    change(model)
    with pytest.raises(FormatError, match=message):
        read(model.write(tmp_path / "model"))


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    folder = Model().write(tmp_path / "model")
    for name in ("A", "sectors", "demands", VECTOR):
        path = folder / f"{name}.json"
        text = path.read_text()
        path.write_text(text[: len(text) // 2])
        with pytest.raises(FormatError, match=rf"{path.name}: expected a JSON list, got"):
            read(folder)
        path.write_text("{}")
        with pytest.raises(FormatError, match=rf"{path.name}: expected a JSON list, got a dict"):
            read(folder)
        path.write_text(text)
    read(folder)


@pytest.mark.real_data
@pytest.mark.parametrize(("year", "model"), [(2012, "USEEIOv2.0.1-411"), (2020, "GAEEIOv1.0-s-20")])
def test_the_published_models_balance(real_data: Path, year: int, model: str) -> None:
    """Production is the demand that q follows from; consumption is another one."""
    table = read(real_data / "useeio", year=year)
    assert (table.name, table.year) == (model, year)
    L = np.array(json.loads((real_data / "useeio" / model / "L.json").read_text()))
    Y, q = table.Y, table.x.to_numpy()

    def off(y: Any) -> float:
        return float(np.abs(L @ y - q).sum() / q.sum())

    assert off(Y.sum(axis=1).to_numpy()) < 1e-5
    assert 0.05 < off(Y.xs("Consumption", axis=1, level="category").sum(axis=1).to_numpy()) < 0.15
    report = check(table)
    assert report.ok
    assert float(np.abs(table.F.to_numpy() - table.S.to_numpy() * q).max()) == 0.0
