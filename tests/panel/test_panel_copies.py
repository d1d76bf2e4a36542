"""Tables that workers copy to their own disk."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.running.panel_cluster import saved_years

import carbonflows_fast as cf
from carbonflows_fast.errors import CarbonFlowsError, InputError, PanelError
from carbonflows_fast.panel import _copies, _tasks
from carbonflows_fast.store._saved import checksum


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return saved_years(tmp_path / "store", [2010, 2011])


def test_copies_have_the_same_bits_and_are_made_once(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISK", str(tmp_path))
    opened: list[Path] = []
    monkeypatch.setattr(_tasks, "open", lambda p: (opened.append(Path(p)), cf.open(p))[1])
    panel, place = cf.Panel(store), tmp_path / "copies"
    ask = panel.structural_decomposition
    pd.testing.assert_frame_equal(ask("CO2", copies="$DISK/copies"), ask("CO2"), check_exact=True)
    assert [path.parent for path in opened] == [place, place, store, store]
    assert {path.name for path in place.iterdir()} == {checksum(panel.path(y)) for y in panel}
    monkeypatch.setattr(_copies, "save", None)
    files = panel.flows("CO2", copies=place, out=tmp_path / "results")
    assert panel.flows("CO2", out=tmp_path / "results") == files  # the same key
    assert cf.open(place / checksum(panel.path(2010)), verify=True).equals(panel[2010])


def test_a_table_that_was_replaced_is_copied_again(store: Path, tmp_path: Path) -> None:
    panel = cf.Panel(store)
    before = panel.accounts("CO2", years=2010, copies=tmp_path / "copies")
    cf.save(panel[2010].with_changes(F=2 * panel[2010].F), panel.path(2010))
    after = panel.accounts("CO2", years=2010, copies=tmp_path / "copies")
    pd.testing.assert_series_equal(after.production - after.households,
                                   2 * (before.production - before.households))  # fmt: skip
    assert len(list((tmp_path / "copies").iterdir())) == 2


def failed(store: Path, **options: Any) -> str:
    with pytest.raises(PanelError) as caught:
        cf.Panel(store).accounts("CO2", years=2010, **options)
    return str(caught.value)


def test_what_cannot_be_copied_is_said(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    assert str(tmp_path / "file") in failed(store, copies=tmp_path / "file")
    with pytest.raises(InputError, match="copies: expected a path"):
        cf.Panel(store).accounts("CO2", copies=3)
    path = cf.Panel(store).path(2010)
    with pytest.raises(CarbonFlowsError, match=r"expected a copy of .* got another table"):
        _copies.local_copy(str(path), "0" * 64, str(tmp_path / "copies"))


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="needs users")
def test_a_copy_of_another_user_is_not_trusted(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cf.Panel(store).accounts("CO2", copies=tmp_path / "copies")
    user = os.getuid() + 1
    if user == 1:
        for copy in (tmp_path / "copies").iterdir():
            os.chown(copy, 2, -1)
    monkeypatch.setattr(os, "getuid", lambda: user)
    assert "which another user made; put the name of the user into" in failed(
        store, copies=tmp_path / "copies"
    )
