"""Long tables: what pyarrow parses and what is parsed line by line are the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts import _long_format
from carbonflows_fast.readers._layouts._long_format import Records, check_once, read_records
from carbonflows_fast.readers._sources._opening import open_files

COLUMNS = {"area": "AREA", "year": "TIME", "value": "VALUE"}


def got(folder: Path, text: str, **options: object) -> Records:
    """Read a text as a file."""
    (folder / "long.csv").write_bytes(text.encode())
    with open_files(folder) as files:
        return read_records(files, "long.csv", COLUMNS, **options)  # type: ignore[arg-type]


def spelt(records: Records) -> list[tuple[str, ...]]:
    """The labels of each record."""
    columns = ([records.labels[role][at] for at in codes] for role, codes in records.codes.items())
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("odd", [False, True])
@pytest.mark.parametrize("block", [64, 1 << 20])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_ways_of_parsing_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: bool, block: int, end: str
) -> None:
    monkeypatch.setattr(_long_format, "BLOCK_BYTES", block)
    rng = np.random.default_rng(3)
    numbers = rng.normal(size=200) * 10.0 ** rng.integers(-300, 300, 200)
    labels = [(str(a), str(b)) for a, b in zip(rng.choice(["NA", "1", "a b", "é"], 200),
                                               rng.integers(2000, 2009, 200))]  # fmt: skip
    lines = [
        f'"{area}",x,{year},{value!r}' for (area, year), value in zip(labels, numbers.tolist())
    ]
    lines[7] += " " if odd else ""
    lines[9] = "NA,x,2000,+1" if odd else "NA,x,2000,1"  # pyarrow takes no plus
    labels[9], numbers[9] = ("NA", "2000"), 1.0
    records = got(tmp_path, end.join(["\ufeffAREA,NOTE,TIME,VALUE", *lines, "", ""]))
    assert spelt(records) == labels
    assert records.values.tobytes() == numbers.tobytes()  # exactly, bit by bit
    assert records.labels["area"] == list(dict.fromkeys(area for area, _ in labels))
    some = got(tmp_path, end.join(["AREA,NOTE,TIME,VALUE", *lines]), only={"year": "2004"})
    assert spelt(some) == [label for label in labels if label[1] == "2004"]
    assert not some.ended
    assert "2003" in some.labels["year"]


def test_empty_cells_are_unknown(tmp_path: Path) -> None:
    records = got(tmp_path, "AREA,TIME,VALUE\nA,1,\n,2,3\nB,,+0\n")
    np.testing.assert_array_equal(records.values, [np.nan, 3, 0])
    assert spelt(records) == [("A", "1"), ("", "2"), ("B", "")]
    assert len(got(tmp_path, "AREA,TIME,VALUE\n").values) == 0


@pytest.mark.parametrize("cell", ["nan", "NaN", "inf", "-inf", "NA", "1e999", "0x1", "1;5", "1_0"])
def test_what_is_no_finite_number_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(FormatError, match=f"line 3, column VALUE: expected a .* got '{cell}'"):
        got(tmp_path, f"AREA,TIME,VALUE\nA,1,2\nA,1,{cell}\n")


def test_a_file_without_header(tmp_path: Path) -> None:
    names = ("AREA", "TIME", "VALUE")
    for text in ("A|1|2\nB|3|4\n", "AREA|TIME|VALUE\nA|1|2\nB|3|4\n"):
        records = got(tmp_path, text, delimiter="|", headless=names)
        assert (spelt(records), records.values.tolist()) == ([("A", "1"), ("B", "3")], [2, 4])


def test_lines_are_counted_over_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_long_format, "BLOCK_BYTES", 100)
    lines = ["AREA,TIME,VALUE", *["A,1,2"] * 400]
    lines[300] = "A,1,2_0"
    with pytest.raises(FormatError, match=r"line 301, column VALUE: expected a finite .* '2_0'"):
        got(tmp_path, "\n".join(lines))
    lines[300] = "A,1"
    with pytest.raises(FormatError, match="line 301: expected 3 cells, got 2"):
        got(tmp_path, "\n".join(lines))


def test_a_quote_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    text = 'AREA,TIME,VALUE\n"A,1,2\nA,3,4\nA",5,6\n'
    with pytest.raises(FormatError, match="line 2: expected 3 cells, got 1"):
        got(tmp_path, text)
    assert spelt(got(tmp_path, 'AREA,TIME,VALUE\n"A, B",1,2\n\n')) == [("A, B", "1")]


def test_labels_beyond_reason_are_refused(tmp_path: Path) -> None:
    text = "".join(f"A,{at},1\n" for at in range(5000))
    with pytest.raises(FormatError, match="column TIME: expected at most 2048 different labels"):
        got(tmp_path, "AREA,TIME,VALUE\n" + text)


@pytest.mark.parametrize("size", [2, 40])
def test_a_record_twice_is_found(tmp_path: Path, size: int) -> None:
    """Few records of many combinations are sorted, many are ticked off."""
    pairs = [(a, b) for a in range(size) for b in range(size)][:: 1 if size == 2 else 39]
    lines = [f"{a},{b},1" for a, b in pairs]
    mixed = [lines[at] for at in np.random.default_rng(0).permutation(len(lines)).tolist()]
    roles = ["area", "year"]
    check_once(got(tmp_path, "\n".join(["AREA,TIME,VALUE", *mixed])), roles)
    again = got(tmp_path, "\n".join(["AREA,TIME,VALUE", *mixed, mixed[1], mixed[1]]))
    label = r" \| ".join(mixed[1].split(",")[:2])
    with pytest.raises(FormatError, match=rf"'{label}': expected one .* got 3.*2 records are too"):
        check_once(again, roles)


@pytest.mark.parametrize("block", [16, 1 << 20])
def test_a_record_without_the_label_that_is_asked_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(_long_format, "BLOCK_BYTES", block)
    text = "AREA,TIME,VALUE\nDE,2019,1\nFR,2018,2\nDE,,3\nFR,2019,4\n"
    only = {"only": {"year": "2019"}}
    assert got(tmp_path, text, **only).values.tolist() == [1, 4]
    with pytest.raises(FormatError, match=r"long\.csv, record 3, column TIME: expected a label"):
        got(tmp_path, text, **only, filled=["year"])
    whole = text.replace(",,", ",2019,")
    assert got(tmp_path, whole, **only, filled=["year"]).values.tolist() == [1, 3, 4]
