"""Bad files: every error names file and place, and a failed write leaves nothing behind."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest

from carbonflows_fast.errors import FormatError, InputError, LabelError
from carbonflows_fast.readers import read, write_exiobase
from carbonflows_fast.readers._formats import FORMATS
from carbonflows_fast.readers.exiobase import _write
from carbonflows_fast.table import Table


def small(**changes: Any) -> Table:
    """Return a table of two regions and two sectors, with two extensions."""
    arguments: dict[str, Any] = {
        "Z": [
            [1.5, 2.0, 0.0, 1.0],
            [0.5, 1.0, 1.0, 0.0],
            [0.0, 1.0, 2.0, 1.0],
            [1.0, 0.0, 1.0, 3.0],
        ],
        "Y": [[7.0, 2.0], [4.0, 1.0], [2.0, 8.0], [1.0, 9.0]],
        "F": [[1.25, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0]],
        "F_Y": np.ones((3, 2)),
        "regions": ["AT", "AT", "DE", "DE"],
        "sectors": ["food", "steel"] * 2,
        "demand": [("AT", "hh"), ("DE", "hh")],
        "stressors": ["CO2", "CH4", "jobs"],
        "extensions": ["air", "air", "labour"],
        "stressor_units": ["kt", "kg", "p"],
        "row_units": "M.EUR",
        "population": [9.0, 84.0],
        "year": 2019,
        "name": "small",
    }
    return Table(**(arguments | changes))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the folder of a written table."""
    target = tmp_path / "table"
    write_exiobase(small(), target)
    return target


def replaced(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = (path / file).read_text()
        assert old in text
        (path / file).write_text(text.replace(old, new, 1))

    return change


def removed(file: str) -> Callable[[Path], None]:
    return lambda path: (path / file).unlink()


def line(file: str, number: int, new: str | None) -> Callable[[Path], None]:
    """Replace a line (counted from 1), or drop it."""

    def change(path: Path) -> None:
        lines = (path / file).read_text().splitlines()
        lines[number - 1 : number] = [] if new is None else [new]
        (path / file).write_text("\n".join(lines))

    return change


def cut(file: str, size: int) -> Callable[[Path], None]:
    return lambda path: (path / file).write_bytes((path / file).read_bytes()[:size])


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "text among numbers": (
        replaced("Z.txt", "1.5", "1,5"),
        r"Z\.txt, line 4, row 'AT \| food', column 'AT \| food': "
        r"expected a finite number, got '1,5'; write decimals with a point",
    ),
    "NaN": (
        replaced("air/F.txt", "1.25", "NaN"),
        r"air.F\.txt, line 4, row 'CO2', column 'AT \| food': .* got 'NaN'; .*with blanks=",
    ),
    "infinity": (replaced("Y.txt", "\t8", "\tinf"), r"Y\.txt, line 6, .* column 'DE \| hh'.*'inf'"),
    "digits with _": (replaced("Y.txt", "\t8", "\t8_0"), "got '8_0'"),
    "a cell too few": (replaced("Z.txt", "1.5\t", ""), r"Z\.txt, line 4 .*4 numbers, got 3 cells"),
    "a cell too many": (replaced("Z.txt", "1.5", "1.5\t1"), "4 numbers, got 5 cells"),
    "a line without numbers": (line("Y.txt", 6, "DE"), r"Y\.txt, line 6: .*'DE'.*cut short"),
    "a missing label": (replaced("Z.txt", "AT\tsteel", "AT\t"), r"Z\.txt, line 5: .* label"),
    "short headers": (
        replaced("Y.txt", "category\t\thh", "category\t"),
        "line 2: expected a header",
    ),
    "no table": (lambda path: (path / "Z.txt").write_text("hello\n"), r"Z\.txt, line 1: .*header"),
    "an empty file": (cut("Z.txt", 0), r"Z\.txt, line after the last: expected a header"),
    "not UTF-8": (
        lambda path: (path / "unit.txt").write_bytes(b"region\tsector\tunit\nAT\tfood\t\xff\n"),
        r"unit\.txt, line 2: expected UTF-8",
    ),
    "swapped labels of rows": (
        lambda path: (
            replaced("Z.txt", "\nAT\tfood", "\n@")(path),
            replaced("Z.txt", "\nAT\tsteel", "\nAT\tfood")(path),
            replaced("Z.txt", "\n@", "\nAT\tsteel")(path),
        )[0],
        r"Z\.txt, rows, position 1: expected 'AT \| food', as in its columns, got 'AT \| steel'; "
        r"the same labels stand in another order.*nothing is realigned",
    ),
    "another label in Y": (
        replaced("Y.txt", "\nDE\tfood", "\nDE\tFood"),
        r"Y\.txt, rows, position 3",
    ),
    "another label in F": (replaced("air/F.txt", "AT", "AU"), r"F\.txt, columns, position 1.*'AU"),
    "another label in x": (replaced("x.txt", "DE", "DK"), r"x\.txt, rows, position 3.*'DK"),
    "another label in F_Y": (
        replaced("air/F_Y.txt", "hh", "gov"),
        r"F_Y\.txt, columns, position 1",
    ),
    "an unknown stressor in F_Y": (
        replaced("air/F_Y.txt", "CH4", "N2O"),
        r"F_Y\.txt, rows.*expected 1 labels.*got 2, with 'N2O' at position 2",
    ),
    "another stressor in units": (
        replaced("air/unit.txt", "CO2", "CO"),
        r"air.unit\.txt, rows.*'CO'",
    ),
    "units without unit": (
        replaced("air/unit.txt", "CH4\tkg", "CH4"),
        r"unit\.txt, line 3: .* a unit",
    ),
    "Z cut short": (line("Z.txt", 7, None), r"Z\.txt, rows: expected 4 labels.*got 3.*cut short"),
    "a stressor twice": (
        replaced("air/F.txt", "CH4", "CO2"),
        r"air.F\.txt, line 5: expected every stressor once .*'CO2' again, first in line 4",
    ),
    "a column too many in x": (replaced("x.txt", "indout", "indout\t2"), r"x\.txt, line 2"),
    "x of two columns": (
        lambda path: (path / "x.txt").write_text(
            "region\tsector\ta\tb\n"
            + "".join(f"{r}\t{s}\t1\t2\n" for r in ("AT", "DE") for s in ("food", "steel"))
        ),
        r"x\.txt: expected one column",
    ),
    "unknown region of heads": (replaced("population.txt", "DE", "FR"), r"population\.txt.*'FR'"),
    "unknown region of demand": (
        lambda path: (
            [replaced(f, "DE", "de")(path) for f in ("air/F_Y.txt", "labour/F_Y.txt")]
            and line("Y.txt", 1, "region\t\tAT\tde")(path)
        ),
        r"table: .*'de' at position 1 .*; write 'DE'",
    ),
    "missing Y": (removed("Y.txt"), r"known layout \(exiobase3, .* got Z.txt"),
    "missing x": (removed("x.txt"), r"x\.txt: .* lists it for x.*restore"),
    "missing F": (removed("air/F.txt"), r"air.F\.txt: .* lists it for F"),
    "missing Z": (removed("Z.txt"), r"Z\.txt: .* lists it for Z"),
    "neither Z nor A": (
        lambda path: (removed("Z.txt")(path), removed("file_parameters.json")(path))[0],
        r"Z\.txt: expected Z.txt or A.txt.*neither",
    ),
    "some with S alone": (
        lambda path: (
            removed("air/file_parameters.json")(path),
            (path / "air/F.txt").rename(path / "air/S.txt"),
        )[0],
        r"air.F\.txt: expected F.txt in every extension.*S.txt alone in air",
    ),
    "broken JSON": (cut("metadata.json", 30), r"metadata\.json: expected a JSON object"),
    "a JSON list": (
        lambda path: (path / "metadata.json").write_text("[]"),
        "JSON object, got a list",
    ),
    "bad parameters": (
        replaced("air/file_parameters.json", '"name": "F.txt"', '"nome": "F.txt"'),
        r'file_parameters\.json: expected "files" with a "name"',
    ),
    "bad numbers in parameters": (
        replaced("file_parameters.json", '"nr_header": "2"', '"nr_header": "two"'),
        "a positive number for nr_header of Z, got 'two'",
    ),
    "wrong label columns": (
        replaced("file_parameters.json", '"nr_index_col": "2"', '"nr_index_col": "1"'),
        r"Z\.txt",
    ),
    "another format": (
        lambda path: (
            (path / "Z.txt").rename(path / "Z.feather"),
            replaced("file_parameters.json", "Z.txt", "Z.feather")(path),
        )[1],
        r"Z\.feather: expected a text or Parquet file, got another format.*table_format",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_an_error_that_names_the_place(path: Path, case: str) -> None:
    damage, message = BAD[case]
    damage(path)
    with pytest.raises(FormatError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_one_label_for_a_matrix_is_an_error(path: Path) -> None:
    (path / "file_parameters.json").unlink()
    (path / "Z.txt").write_text("region\tAT\nsector\tfood\nAT\t1\n")
    with pytest.raises(FormatError, match="region and sector as labels"):
        read(path)


# --- archives and paths ---------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    target = tmp_path / "table.zip"
    write_exiobase(small(), target)
    return target


def test_a_truncated_zip(archive: Path) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(FormatError, match=r"table\.zip: expected a complete .*BadZipFile.*again"):
        read(archive)


@pytest.mark.parametrize("stressors", [None, "jobs"])
def test_a_flipped_bit_in_a_zip(archive: Path, stressors: str | None) -> None:
    with zipfile.ZipFile(archive) as opened:
        info = opened.getinfo("air/F.txt")
        at = info.header_offset + 30 + len(info.filename) + 40
    content = bytearray(archive.read_bytes())
    content[at] ^= 1
    archive.write_bytes(content)
    with pytest.raises(FormatError, match=r"air.F\.txt"):
        read(archive, stressors=stressors)


def test_paths_that_hold_no_table(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nothing of this name; check the path"):
        read(tmp_path / "absent.zip")
    (tmp_path / "note.csv").write_text("1")
    with pytest.raises(FormatError, match=r"known layout .*got a single file; give the folder"):
        read(tmp_path / "note.csv")
    with pytest.raises(FormatError, match=r"known layout .*got note.csv"):
        read(tmp_path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as other:
        other.writestr("wiot09.xlsx", "x")
    with pytest.raises(FormatError, match=r"known layout .*got wiot09.xlsx"):
        read(tmp_path / "other.zip")


def test_the_layout_that_was_asked_for_is_told(tmp_path: Path) -> None:
    (tmp_path / "note.csv").write_text("1")
    with pytest.raises(FormatError, match=r"layout exiobase3 \(looked for Y.txt, with Z.txt or A"):
        read(tmp_path, format="exiobase3")


def test_two_tables_in_one_place(tmp_path: Path) -> None:
    for year in (2000, 2001):
        write_exiobase(small(), tmp_path / str(year))
    with pytest.raises(FormatError, match=r"expected one table, got 2 tables \(2000, 2001\)"):
        read(tmp_path)


@pytest.mark.parametrize("marker", ["carbonflows.json", "manifest.blake2b"])
def test_a_store_is_to_be_opened(tmp_path: Path, marker: str) -> None:
    (tmp_path / marker).write_text("{}")
    with pytest.raises(FormatError, match=r"a store .* open it with cf\.open"):
        read(tmp_path)


def test_an_unknown_format(path: Path) -> None:
    *others, last = map(repr, FORMATS)
    known = f"{', '.join(others)} or {last}"
    with pytest.raises(InputError, match=rf"format: expected {known}, got 'unknown'; leave it out"):
        read(path, format="unknown")


# --- selections -----------------------------------------------------------------------------


def test_an_unknown_stressor_lists_the_nearest(path: Path) -> None:
    with pytest.raises(LabelError, match=r"got 'CO'; nearest are 'CO2', '.*', '.*'"):
        read(path, stressors=["jobs", "CO"])


@pytest.mark.parametrize("bad", [[], [1], 3])
def test_a_selection_is_names(path: Path, bad: Any) -> None:
    with pytest.raises(LabelError, match="stressors: expected a name or a sequence of names"):
        read(path, stressors=bad)


def test_a_bare_name_that_two_extensions_have_is_ambiguous(path: Path) -> None:
    for file in ("F.txt", "F_Y.txt", "unit.txt"):
        replaced(f"labour/{file}", "jobs", "CO2")(path)
    with pytest.raises(LabelError, match="2 extensions have; say which: 'air: CO2', 'labour: CO2'"):
        read(path, stressors="CO2")
    assert read(path, stressors="labour: CO2").F.iloc[0, 0] == 9.0


def test_a_stressor_twice_does_not_matter_to_others(path: Path) -> None:
    for file in ("F.txt", "F_Y.txt", "unit.txt"):
        replaced(f"air/{file}", "CH4", "CO2")(path)
    assert read(path, stressors="jobs").stressors == ("jobs",)
    with pytest.raises(FormatError, match="'CO2' again"):
        read(path, stressors="CO2")


# --- writing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "empty"),
        (".hidden", "dot"),
        ("a/b", "refuse"),
        ("..", "dot"),
        ("Z.txt", "reserved"),
        ("con", "reserved"),
        ("AIR", "case does not count"),
    ],
)
def test_extensions_must_be_names_of_folders(tmp_path: Path, name: str, message: str) -> None:
    # The table itself refuses an empty name in some places; here the writer's own check counts.
    with pytest.raises(InputError, match=message):
        _write._extension_folders(["air", name])
    if name:
        with pytest.raises(InputError, match=message):
            write_exiobase(small(extensions=["air", "air", name]), tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


def test_a_label_with_a_line_break_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels on one line, got 'CO2\\nair'"):
        write_exiobase(small(stressors=["CO2\nair", "b", "c"]), tmp_path / "table")
    assert list(tmp_path.iterdir()) == []


def test_existing_targets_are_left_alone(tmp_path: Path, path: Path, archive: Path) -> None:
    before = archive.read_bytes()
    for target in (path, archive):
        with pytest.raises(InputError, match="which exists"):
            write_exiobase(small(name="other"), target)
    assert archive.read_bytes() == before
    assert read(path).name == "small"
    with pytest.raises(InputError, match=r"make .*absent first"):
        write_exiobase(small(), tmp_path / "absent" / "table")


@pytest.mark.parametrize("name", ["new", "new.zip"])
@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    def fail(*arguments: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(_write, "_write_extension", fail)
    expected: Any = InputError if isinstance(error, OSError) else KeyboardInterrupt
    message = "can be written to.*No space left.*nothing was written" if error.args else None
    with pytest.raises(expected, match=message):
        write_exiobase(small(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["new", "new.zip"])
def test_an_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def refuse(*arguments: Any, **options: Any) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    # Not by chmod: tests may run as a user whom no permission stops.
    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr(zipfile, "ZipFile", refuse)
    with pytest.raises(InputError, match=r"can be written to.*Permission denied"):
        write_exiobase(small(), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
