"""Numba's cache: kept where it can be, and done without where it cannot."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from carbonflows_fast._base import kernels as _kernels

pytest.importorskip("numba")
KERNEL = """
@kernel(OUT_MATRIX, MATRIX, CODES, COUNT)
def sum_by_group(values, codes, groups):
    out = np.zeros((groups, values.shape[1]))
    for i in range(values.shape[0]):
        for c in range(values.shape[1]):
            out[codes[i], c] += values[i, c]
    return out
"""
ONE_KERNEL = """
import logging, sys
from pathlib import Path
source = Path({source!r}).read_text("utf-8")
cut = source.index("@kernel(")
path = Path({folder!r}, "one_kernel.py")
if not path.exists():
    path.write_text(source[:cut] + {kernel!r}, "utf-8")
sys.path.insert(0, {folder!r})
import numpy as np
import one_kernel
out = one_kernel.sum_by_group(np.ones((3, 1)), np.array([0, 1, 1], dtype=np.int32), 2)
print(out.ravel().tolist(), sum(one_kernel.sum_by_group.stats.cache_hits.values()))
"""


@pytest.fixture
def ask(tmp_path: Path) -> Any:
    """Run a program that compiles one kernel, in a folder of its own."""
    (tmp_path / "package").mkdir()

    def run(**environment: str | None) -> tuple[str, str]:
        code = ONE_KERNEL.format(
            source=_kernels.__file__, folder=str(tmp_path / "package"), kernel=KERNEL
        )
        kept = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
        given = {name: value for name, value in environment.items() if value is not None}
        gone = {name for name, value in environment.items() if value is None}
        made = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
            env={n: v for n, v in (kept | given).items() if n not in gone}, check=True,
        )  # fmt: skip
        return made.stdout.strip(), made.stderr

    return run


def nowhere(tmp_path: Path) -> dict[str, str]:
    """Places for a cache of which none can be: below files."""
    (tmp_path / "package" / "__pycache__").write_text("a file")
    (tmp_path / "file").write_text("")
    return {name: str(tmp_path / "file" / "below")
            for name in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")}  # fmt: skip


def test_a_cache_that_can_be_written_is_used_without_a_word(ask: Any, tmp_path: Path) -> None:
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert ask(**cache) == ("[1.0, 2.0] 0", "")
    assert ask(**cache) == ("[1.0, 2.0] 1", "")


def test_without_any_place_it_is_compiled_with_one_line(ask: Any, tmp_path: Path) -> None:
    out, said = ask(**nowhere(tmp_path))
    assert out == "[1.0, 2.0] 0"
    assert said.count("\n") == 1
    assert said.startswith("compiled loops cannot be kept (RuntimeError: cannot cache function")
    assert "let NUMBA_CACHE_DIR name a folder that you can write" in said


@pytest.mark.parametrize(("kind", "damage"), [("nbi", b""), ("nbc", b"no pickle")])
def test_a_damaged_cache_is_done_without(
    ask: Any, tmp_path: Path, kind: str, damage: bytes
) -> None:
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    ask(**cache)
    for file in (tmp_path / "cache").rglob(f"*.{kind}"):
        file.write_bytes(damage)
    out, said = ask(**cache)
    assert out == "[1.0, 2.0] 0"
    assert said.count("\n") == 1
    assert f"cannot be kept in {tmp_path / 'cache'}" in said
    assert "delete that folder" in said
    shutil.rmtree(tmp_path / "cache")  # as it advises
    assert ask(**cache) == ("[1.0, 2.0] 0", "")


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users")
def test_without_a_home_no_folder_is_made_in_the_current_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # nobody knows this user
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OSError, match="no home folder"):
        _kernels._require_home()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    _kernels._require_home()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs users")
def test_a_folder_that_another_user_made_where_anybody_can_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = tmp_path / "numba"
    cache.mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(cache))
    tmp_path.chmod(0o1777)  # as /tmp is
    _kernels._require_home()
    monkeypatch.setattr(os, "getuid", lambda: cache.stat().st_uid + 1)
    if cache.stat().st_uid == 0:
        os.chown(cache, 2, -1)
        monkeypatch.setattr(os, "getuid", lambda: 3)
    with pytest.raises(PermissionError, match="is another user's, whose code would be run"):
        _kernels._require_home()
    tmp_path.chmod(0o755)
    _kernels._require_home()


def test_a_full_disk_and_a_fault_of_the_code_are_not_taken_for_each_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from numba.core import caching

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    def twice(values: Any) -> Any:
        return values * 2.0

    def wrong(values: Any) -> Any:
        return values.nothing

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    monkeypatch.setattr(_kernels, "_said", [])
    compiled = _kernels.kernel(_kernels.OUT_VECTOR, _kernels.VECTOR)(twice)
    assert compiled(np.ones(2)).tolist() == [2.0, 2.0]
    assert "No space left on device" in caplog.text
    with pytest.raises(Exception, match="Unknown attribute 'nothing'"):
        _kernels.kernel(_kernels.OUT_VECTOR, _kernels.VECTOR)(wrong)
