"""The reader in docs/add_a_reader.md: it reads its layout, and complains as readers do."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.files.zips import packed

import carbonflows_fast as cf
from carbonflows_fast import readers
from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers._sources._candidates import Format

PAGE = Path(__file__).parents[2] / "docs" / "add_a_reader.md"
HEADER = """\
region,,AT,AT,DE,AT,DE
sector,,food,steel,food,hh,hh
"""
MONEY = """\
AT,food,1,0,2,5,1
AT,steel,0,0.5,1,2,2
DE,food,3,1,0,1,9
"""
AIR = """\
CO2,kt,1.5,2,3,0.25,0
CH4,t,0,1,0,0,0.5
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the reader known, and write a table."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    atlas = ModuleType("atlas")
    exec(compile(code, str(PAGE), "exec"), atlas.__dict__)
    known = Format(atlas.find_atlas, atlas.read_atlas, atlas.LOOKED_FOR)
    monkeypatch.setitem(readers.FORMATS, "atlas", known)
    place = tmp_path / "tables"
    place.mkdir()
    (place / "atlas_2019.csv").write_text(HEADER + MONEY)
    (place / "atlas_2019_air.csv").write_text(HEADER + AIR)
    return place


def test_its_layout_is_read(folder: Path) -> None:
    table = cf.read(folder)
    assert (table.name, table.year) == ("Atlas 2019", 2019)
    assert list(table.rows) == [("AT", "food"), ("AT", "steel"), ("DE", "food")]
    assert list(table.demand) == [("AT", "hh"), ("DE", "hh")]
    np.testing.assert_array_equal(table.Z.toarray(), [[1, 0, 2], [0, 0.5, 1], [3, 1, 0]])
    np.testing.assert_array_equal(table.Y, [[5, 1], [2, 2], [1, 9]])
    np.testing.assert_array_equal(table.F, [[1.5, 2, 3], [0, 1, 0]])
    np.testing.assert_array_equal(table.F_Y, [[0.25, 0], [0, 0.5]])
    assert table.stressor_units.to_dict() == {"CO2": "kt", "CH4": "t"}
    assert set(table.extensions) == {"emissions"}
    assert cf.read(packed(folder, folder.parent / "a.zip")).equals(table)
    assert cf.read(folder, stressors="CH4").F.to_numpy().tolist() == [[0, 1, 0]]


def test_its_errors_name_the_place(folder: Path) -> None:
    with pytest.raises(LabelError, match="got 'CO'; nearest are 'CO2'"):
        cf.read(folder, stressors="CO")
    air = folder / "atlas_2019_air.csv"
    air.write_text(HEADER.replace("steel", "iron") + AIR)
    with pytest.raises(FormatError, match=r"_air.csv, columns, position 2: expected 'AT \| steel'"):
        cf.read(folder)
    air.write_text(HEADER)
    assert cf.read(folder).F.shape == (0, 3)
    air.unlink()
    with pytest.raises(FormatError, match=r"atlas_2019_air.csv: expected a file, got nothing"):
        cf.read(folder)
