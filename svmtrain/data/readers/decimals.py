"""Read the decimal numbers of a text all at once, bit for bit as `float` reads each of them.

What is not a digit is a mark: the text falls into marks and the runs of digits between them. Which
mark may follow which is a small table, and eight digits are read by three multiplications of one
64-bit word. A number is then an integer and a power of ten. Where both are floats exactly, one
division rounds correctly; where the integer is longer, the division is carried out to twice the
precision, and is believed only where its rounding leaves no doubt; the rest is left to `float`.

Source: Lemire (2021), Number parsing at a gigabyte per second, for digits in words and the exact
range; Dekker (1971), A floating-point technique for extending the available precision.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

DIGIT, POINT, PLUS, MINUS, POWER, POWER_PLUS, POWER_MINUS, BAD = 0, 8, 9, 10, 11, 12, 13, 15
SEPARATORS = range(1, POINT)
EMPTY, FILLED = 1, 2

WORD, WORD_DIGITS = 8, 19  # digits that one word of text holds, and that 64 bits always hold
EXACT_INTEGER, EXACT_POWER = 2**53, 22
DOUBT = 2.0**-40
SPLITTER = 2.0**27 + 1

POWERS = 10 ** np.arange(WORD_DIGITS + 1, dtype=np.uint64)
FLOAT_POWERS = np.array([float(10**power) for power in range(EXACT_POWER + 1)])
LAST_DIGITS = np.array(
    [0x0F0F0F0F0F0F0F0F >> 8 * (WORD - n) << 8 * (WORD - n) for n in range(WORD + 1)],
    dtype=np.uint64,
)
PAIRS, FOURS = np.uint64(0x00FF00FF00FF00FF), np.uint64(0x0000FFFF0000FFFF)


@dataclass(frozen=True)
class Numbers:
    """The numbers of a text, in order.

    Attributes
    ----------
    values : ndarray of float64 (n,), finite
    after : ndarray of uint8 (n,)
        The separator after each: 1 for the first of the separators, 2 for the second...
    ends : ndarray of intp (n,)
        Where in the text that separator stands.
    plain : ndarray of bool (n,), or None when it would be True throughout
        Whether the number is written with digits only.
    """

    values: NDArray[np.float64]
    after: NDArray[np.uint8]
    ends: NDArray[np.intp]
    plain: NDArray[np.bool_] | None


@dataclass(frozen=True)
class _Runs:
    """The marks of a text and the run of digits before each, (n_marks,)."""

    text: bytes
    marks: NDArray[np.intp]
    kinds: NDArray[np.uint8]
    lengths: NDArray[np.intp]
    values: NDArray[np.uint64]


def parse(text: bytes, separators: bytes) -> Numbers | None:
    """Return the numbers of a text, or None when it is anything but numbers and separators.

    Parameters
    ----------
    text : bytes
        Numbers as `[+-] digits [. digits] [e [+-] digits]`, with digits before or after the
        point, and exactly one separator after each.
    separators : bytes
        Up to seven characters that belong to no number.

    Returns
    -------
    Numbers or None
        None also when a number is too large for a float.
    """
    kinds_of_all = np.frombuffer(text.translate(_table(separators)), dtype=np.uint8)
    marks = np.flatnonzero(kinds_of_all != DIGIT)
    kinds = kinds_of_all[marks]
    if not len(kinds) or marks[-1] != len(text) - 1 or kinds[-1] >= POINT:
        return None
    lengths = marks.copy()
    lengths[1:] -= marks[:-1] + 1
    simple = bool(kinds.max() < POINT)
    if not (lengths.all() if simple else _well_formed(text, kinds, lengths)):
        return None
    runs = _Runs(text, marks, kinds, lengths, _run_values(text, marks, lengths))
    if simple and lengths.max() <= WORD_DIGITS:
        return Numbers(runs.values.astype(np.float64), kinds, marks, None)
    return _numbers(runs)


@lru_cache(maxsize=32)
def _table(separators: bytes) -> bytes:
    """Return the kind of each byte, as bytes.translate takes it."""
    table = bytearray([BAD]) * 256
    table[ord("0") : ord("9") + 1] = bytes([DIGIT]) * 10
    for mark, kind in ((".", POINT), ("+", PLUS), ("-", MINUS), ("e", POWER), ("E", POWER)):
        table[ord(mark)] = kind
    for number, separator in enumerate(separators, start=SEPARATORS.start):
        table[separator] = number
    return bytes(table)


def _transitions() -> NDArray[np.uint8]:
    """Return what may stand between two marks, at 16 * first + second: nothing, digits, either."""
    allowed = np.zeros((16, 16), dtype=np.uint8)
    separator = slice(SEPARATORS.start, SEPARATORS.stop)
    for first in (separator, slice(PLUS, MINUS + 1)):
        allowed[first, separator] = FILLED
        allowed[first, POINT] = EMPTY | FILLED
        allowed[first, POWER] = FILLED
    allowed[separator, PLUS : MINUS + 1] = EMPTY
    allowed[POINT, separator] = allowed[POINT, POWER] = EMPTY | FILLED
    allowed[POWER, POWER_PLUS : POWER_MINUS + 1] = EMPTY
    allowed[POWER : POWER_MINUS + 1, separator] = FILLED
    return allowed.ravel()


TRANSITIONS = _transitions()


def _well_formed(text: bytes, kinds: NDArray[np.uint8], lengths: NDArray[np.intp]) -> bool:
    """Return whether the marks make numbers; marks the signs of powers as such in `kinds`."""
    if b"e" in text or b"E" in text:
        signs = 1 + np.flatnonzero((kinds[:-1] == POWER) & ((kinds[1:] - PLUS) <= MINUS - PLUS))
        kinds[signs] += POWER_PLUS - PLUS
    pairs = kinds.copy()
    pairs[1:] |= kinds[:-1] << 4
    pairs[0] |= kinds[-1] << 4
    between = np.where(lengths > 0, np.uint8(FILLED), np.uint8(EMPTY))
    if not (TRANSITIONS[pairs] & between).all():
        return False
    points = np.flatnonzero(kinds == POINT)
    return bool((lengths[points] + lengths[points + 1]).all())


def _run_values(
    text: bytes, ends: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """Return the integer of each run of up to `WORD_DIGITS` digits; longer ones come out wrong."""
    words: NDArray[np.uint64] = np.ndarray(
        shape=(len(text) + 1,), dtype="<u8", buffer=bytes(WORD) + text, strides=(1,)
    )
    values = _last_digits(words, ends, lengths)
    for power in (8, 16):
        at = np.flatnonzero(lengths > power)
        if not len(at):
            break
        more = _last_digits(words, ends[at] - power, lengths[at] - power)
        values[at] += more * POWERS[power]
    return values


def _last_digits(
    words: NDArray[np.uint64], ends: NDArray[np.intp], lengths: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """Return the integer of the last `WORD` digits, or fewer, before each end."""
    found = words[ends]
    found &= LAST_DIGITS[np.minimum(lengths, WORD)]
    for base, bits, lanes in ((10, 8, PAIRS), (100, 16, FOURS), (10_000, 32, None)):
        found *= np.uint64((base << bits) + 1)
        found >>= np.uint64(bits)
        if lanes is not None:
            found &= lanes
    return found


def _numbers(runs: _Runs) -> Numbers | None:
    """Return the numbers that runs of digits and the marks between them make."""
    kinds, lengths, digits = runs.kinds, runs.lengths, runs.values
    last = np.flatnonzero(kinds < POINT)  # of each number, the mark that ends it
    end = whole = last  # those that end it without the power, and without the places
    power: NDArray[np.intp] = np.zeros(len(last), dtype=np.intp)
    hard = np.zeros(len(last), dtype=np.bool_)
    if b"e" in runs.text or b"E" in runs.text:
        end, power, hard = _powers(runs, last)
        whole = end
    integer = digits[end]
    if b"." in runs.text:
        point = kinds[end - 1] == POINT
        whole = end - point
        places = np.where(point, lengths[end], 0)
        hard |= (places > WORD_DIGITS) | (
            (lengths[whole] + places > WORD_DIGITS) & (digits[whole] > 0)
        )
        at = np.flatnonzero(point)
        integer[at] += digits[whole[at]] * POWERS[np.minimum(places[at], WORD_DIGITS)]
        power -= places
    hard |= (lengths[whole] > WORD_DIGITS) | (np.abs(power) > EXACT_POWER)
    hard |= (power > 0) & (integer > EXACT_INTEGER)
    power[hard] = 0
    values = _scaled(integer, power, hard)
    values[kinds[whole - 1] == MINUS] *= -1
    ends = runs.marks[last]
    _ask_float(values, runs.text, ends, np.flatnonzero(hard))
    if not np.isfinite(values).all():
        return None
    plain = np.ones(len(last), dtype=np.bool_)
    plain[1:] = last[1:] == last[:-1] + 1
    plain[0] = last[0] == 0
    return Numbers(values, kinds[last], ends, plain)


def _powers(
    runs: _Runs, last: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Return where each number without its power ends, the power, and whether it is too long."""
    before = runs.kinds[last - 1]
    with_power = (before >= POWER) & (before <= POWER_MINUS)
    power = np.where(with_power, runs.values[last], 0).astype(np.intp)
    power[before == POWER_MINUS] *= -1
    end = last - with_power - (with_power & (before > POWER))
    return end, power, with_power & (runs.lengths[last] > 4)


def _scaled(
    integer: NDArray[np.uint64], power: NDArray[np.intp], hard: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return integer * 10**power, correctly rounded; marks as hard where that is in doubt."""
    values = integer.astype(np.float64)
    if power.any():
        up = np.flatnonzero(power > 0)
        values[up] *= FLOAT_POWERS[power[up]]
        values /= FLOAT_POWERS[np.maximum(-power, 0)]
        at = np.flatnonzero((integer > EXACT_INTEGER) & (power < 0))
        if len(at):
            values[at], doubt = _divided(integer[at], FLOAT_POWERS[-power[at]])
            hard[at] |= doubt
    return values


def _divided(
    integer: NDArray[np.uint64], divisor: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return integer / divisor, correctly rounded, and where that cannot be said for sure.

    The quotient of the nearest floats is mended by the remainder, which is known to twice the
    precision. Far less than `DOUBT` of the correction is in doubt.
    """
    near = integer.astype(np.float64)
    rest = (integer - near.astype(np.uint64)).view(np.int64).astype(np.float64)
    quotient = near / divisor
    product = quotient * divisor
    high, low = _halves(quotient)
    divisor_high, divisor_low = _halves(divisor)
    error = high * divisor_high - product
    error += high * divisor_low
    error += low * divisor_high
    error += low * divisor_low
    correction = ((near - product) - error + rest) / divisor
    values = quotient + correction * (1 + DOUBT)
    return values, values != quotient + correction * (1 - DOUBT)


def _halves(x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Split floats into two of 26 bits each, so that products of such are exact."""
    wide = x * SPLITTER
    high = wide - (wide - x)
    return high, x - high


def _ask_float(
    values: NDArray[np.float64], text: bytes, ends: NDArray[np.intp], at: NDArray[np.intp]
) -> None:
    """Put into `values` what `float` makes of the numbers at some places."""
    starts = np.where(at > 0, ends[at - 1] + 1, 0)
    for place, start, end in zip(at.tolist(), starts.tolist(), ends[at].tolist(), strict=True):
        values[place] = float(text[start:end])
