"""Lines of numbers against the obvious way: split, strip, and Python's float for each cell."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._number_parser import Numbers, Row

FILL = ["0", "1.5", "0", "0", "12.25", "0", "0", "0", "0", "0", "3e-5", "0"] * 2
DIGITS = st.text("0123456789", max_size=24)


def written(value: float) -> st.SearchStrategy[str]:
    """Texts of a number, most of which are read back as the same."""
    forms = ["{!r}", "{:.17g}", "{:.16e}", "{:.3f}", "{:.0f}", "{:.12E}", "{:.20f}", "{:g}"]
    return st.sampled_from([form.format(value) for form in forms])


def between(bits: int, exponent: int, off: int) -> str:
    """Return the decimals of a number halfway between two float64, or next to halfway."""
    digits = (2 * ((1 << 52) + bits) + 1) * 10**40 * Fraction(2) ** exponent
    text = f"{int(digits) + off:041}"
    return f"{text[:-40]}.{text[-40:].rstrip('0')}"


ODD = (
    "", " ", "-", "+1", ".", "-.", "e5", "1e", "1e+", "1e-", "1.e5", ".5", "5.", "-.5e-3", "0.0",
    "-0", "-0.0", "00", "007", "1_0", "0x1", "nan", "NaN", "-inf", "Infinity", "1e400", "-1e400",
    "1e-400", "5e-324", "2.4703282292062327e-324", "2.2250738585072011e-308", "1.5e0005",
    "1.7976931348623157e308", "1.7976931348623159e308", "9007199254740993", "9007199254740992.5",
    "18446744073709551615", "18446744073709551616", "9999999999999999999", "1e23", "8.5e22",
    "0." + "0" * 30 + "1", "1" + "0" * 30, "123456789012345678.5", "12345678.12345678",
    "0.12345678", "1 ", " 2", "1\r", "3\v", "4\x00", '"5"', "6,5", "1.2.3", "--1",
    "1e5.5", "1e99999",
)  # fmt: skip
CELLS = st.one_of(
    st.just("0"),
    st.floats(allow_nan=False, allow_infinity=False).flatmap(written),
    st.floats(1e-6, 1e9).flatmap(written),
    st.builds("{}{}.{}{}".format, st.sampled_from(["", "-"]), DIGITS, DIGITS, st.just("")),
    st.builds("{}.{}e{}".format, DIGITS, DIGITS, st.integers(-330, 320)),
    st.builds(between, st.integers(0, 2**52 - 1), st.integers(-60, 4), st.integers(-1, 1)),
    st.sampled_from(ODD),
)


def obvious(line: str) -> list[float] | None:
    """Return the numbers of a line, None where one is missing or no finite number."""
    numbers = []
    for cell in line.rstrip("\r\n").split("\t"):
        try:
            value = float(cell.strip())
        except ValueError:
            return None
        if not math.isfinite(value) or "_" in cell:
            return None
        numbers.append(value)
    return numbers


def read(lines: Sequence[str], width: int, *, sparse: bool, wanted: Any = None) -> Any:
    columns = [(str(at),) for at in range(width)]
    with Numbers("x.txt", columns, "\t", sparse=sparse, wanted=wanted) as numbers:
        for at, line in enumerate(lines):
            numbers.add(Row(at + 1, (), b"label\t" + line.encode(), 6))
        values, _ = numbers.result()
    return values


def same(found: Any, expected: Any) -> None:
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@settings(max_examples=400)
@given(
    st.lists(CELLS, min_size=1, max_size=12),
    st.booleans(),
    st.sampled_from(["", "\n", "\r\n", "\r\r\n"]),
)
@example(["0", "0", "0", "0", "0"], False, "\n")
@example(["1", "0", "0", "0", "0", "2"], True, "\n")
@example(["0.00000000000000000001", "123456789012345678901234567890"], True, "\r\n")
def test_a_line_is_read_or_refused_as_float_would(cells: list[str], filled: bool, end: str) -> None:
    """With many cells behind, and at the end of a line, where less can be read at once."""
    cells = cells + FILL if filled else cells
    line = "\t".join(cells) + end
    expected = obvious(line)
    if expected is None:
        for sparse in (False, True):
            with pytest.raises(FormatError):
                read([line], len(cells), sparse=sparse)
        return
    same(read([line], len(cells), sparse=False)[0], expected)
    found = read([line], len(cells), sparse=True)
    assert found.nnz == np.count_nonzero(expected)
    np.testing.assert_array_equal(found.toarray()[0], expected)


@given(st.lists(CELLS, min_size=1, max_size=8), st.integers(-3, 3))
def test_a_line_of_another_length_is_refused(cells: list[str], more: int) -> None:
    line, width = "\t".join(cells + FILL), len(cells) + len(FILL) + more
    for sparse in (False, True):
        if more == 0 and obvious(line) is not None:
            read([line], width, sparse=sparse)
            continue
        with pytest.raises(FormatError):
            read([line], width, sparse=sparse)


@given(st.data())
def test_columns_that_are_not_wanted_hold_anything(data: st.DataObject) -> None:
    plain = st.floats(-1e9, 1e9).map(repr)
    wanted = np.array(data.draw(st.lists(st.booleans(), min_size=1, max_size=30).filter(any)))
    cells = [data.draw(plain if one else st.sampled_from(ODD)) for one in wanted]
    line = "\t".join(cells).rstrip("\r")
    expected = [float(cell) for cell, one in zip(cells, wanted, strict=True) if one]
    same(read([line], len(cells), sparse=False, wanted=wanted)[0], expected)
    found = read([line], len(cells), sparse=True, wanted=wanted)
    np.testing.assert_array_equal(found.toarray()[0], expected)


def test_blocks_are_put_together_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few lines share the places where they are parsed."""
    monkeypatch.setattr("carbonflows_fast.readers._layouts._number_parser.BLOCK_CELLS", 90)
    generator = random.Random(5)
    lines, expected = [], []
    for _ in range(200):
        row = [generator.choice([0.0, 0.0, generator.random()]) for _ in range(30)]
        lines.append("\t".join(map(repr, row)) + "\n")
        expected.append(row)
    lines[70] = "\t ".join(map(repr, expected[70]))  # which is parsed cell by cell
    np.testing.assert_array_equal(read(lines, 30, sparse=False), expected)
    np.testing.assert_array_equal(read(lines, 30, sparse=True).toarray(), expected)


@pytest.mark.parametrize("exponents", [range(-345, -150), range(-150, 150), range(150, 312)])
def test_every_power_of_ten_is_rounded_to_the_nearest(exponents: range) -> None:
    generator = random.Random(7)
    cells = [
        f"{generator.randrange(1, 10 ** generator.randrange(1, 20))}e{exponent}"
        for exponent in exponents
        for _ in range(40)
    ]
    cells = [cell for cell in cells if math.isfinite(float(cell)) and float(cell) > 3e-308]
    line = "\t".join([*cells, *FILL])
    expected = obvious(line)
    assert expected is not None
    same(read([line], len(expected), sparse=False)[0], expected)
