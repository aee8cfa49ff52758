"""Many numbers read at once: bit for bit those of `float`, and nothing else accepted."""

import math
import re
import struct

import pytest
from extent import extent
from hypothesis import example, given, settings
from hypothesis import strategies as st

from svmtrain.data.readers import decimals

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
WRITTEN = (
    st.from_regex(NUMBER, fullmatch=True)
    | FINITE.map(repr)
    | FINITE.map("{:.6g}".format)
    | FINITE.map("{:.17e}".format)
    | st.integers(-(10**25), 10**25).map(str)
    | st.builds(
        "{}.{}e{}".format, st.integers(0, 10**6), st.integers(0, 10**18), st.integers(-30, 9)
    )
)


def bits(numbers):
    """Return floats as their bytes, which tell 0 from -0."""
    return [struct.pack("<d", number) for number in numbers]


@settings(max_examples=extent(125, 500), deadline=None)
@given(numbers=st.lists(WRITTEN, min_size=1, max_size=30))
@example(numbers=["9007199254740993", "9007199254740993.0", "0.30000000000000004", "-0", "-.0e5"])
@example(
    numbers=["4503599627370496.5", "4503599627370497.5", "9999999999999999999", "1e22", "1e23"]
)
@example(numbers=["123456789012345678901234567890", "." + "0" * 40 + "1", "1e-400", "0e999999"])
def test_numbers_are_those_of_float(numbers):
    """Each comes out bit for bit as `float` reads it, whatever stands beside it."""
    want = [float(number) for number in numbers]
    found = decimals.parse(("\n".join(numbers) + "\n").encode(), b",\n")
    if not all(map(math.isfinite, want)):
        assert found is None
        return
    assert bits(found.values) == bits(want)
    assert found.after.tolist() == [2] * len(want)
    plain = [number.isdigit() for number in numbers]
    assert (found.plain is None and all(plain)) or found.plain.tolist() == plain


@settings(max_examples=extent(125, 500), deadline=None)
@given(
    integer=st.integers(2**53, 10**19 - 1),
    places=st.integers(1, 19),
    nearest=st.booleans(),
    step=st.integers(-1, 1),
)
def test_the_middle_between_two_floats_is_rounded_right(integer, places, nearest, step):
    """Long numbers at or beside the middle of two floats go the way that `float` takes them."""
    if nearest:  # the decimal that is nearest to a middle
        low = integer / 10**places
        middle = (low.as_integer_ratio(), math.nextafter(low, math.inf).as_integer_ratio())
        (a, b), (c, d) = middle
        integer = (a * d + c * b) * 10**places // (2 * b * d) + step
    digits = str(integer).rjust(places + 1, "0")
    number = f"{digits[:-places]}.{digits[-places:]}"
    found = decimals.parse(f"{number}\n".encode(), b"\n")
    assert bits(found.values) == bits([float(number)])


@settings(max_examples=extent(125, 500), deadline=None)
@given(text=st.text("0123456789.+-eE, \n", max_size=25))
@example(text="1e5-3,")
@example(text="1-2")
@example(text="1.2.3")
@example(text="1e5.0")
@example(text="e5")
@example(text=".")
@example(text="-.")
@example(text=".e1")
def test_nothing_but_numbers_is_accepted(text):
    """A text is read exactly when a separator ends it and each piece is a finite number."""
    found = decimals.parse(f"{text}\n".encode(), b",\n")
    pieces = re.split("[,\n]", text)
    good = all(NUMBER.fullmatch(piece) and math.isfinite(float(piece)) for piece in pieces)
    assert (found is not None) == good
    if good:
        assert bits(found.values) == bits(map(float, pieces))
        assert [text.encode()[end : end + 1] for end in found.ends[:-1]] == [
            b",\n"[kind - 1 : kind] for kind in found.after[:-1]
        ]


@pytest.mark.parametrize("text", [b"", b"1", b"1\n2", b"\xff\n", b"1_0\n", b"\x00\n", b"1\r\n"])
def test_a_text_without_its_end_or_with_other_bytes_is_none(text):
    """The last byte has to be a separator, and no byte may be foreign."""
    assert decimals.parse(text, b",\n") is None
