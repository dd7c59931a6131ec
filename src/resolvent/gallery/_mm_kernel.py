"""The inner loop of the Matrix Market reader: bytes in, row, column and value arrays out, every byte looked at once.

Decimal text becomes the nearest double: ``w 10^q`` with at most 19 digits in w is ``w 5^q 2^q``; ``5^q`` is a table
of 128 bits rounded down, so the exact product lies in a known interval, and when both of its ends round to the same
53 bits that is the answer. Where they do not (ties, more digits, subnormals, overflow) the token is handed back for
Python's own ``float``.

Nothing is written outside the arrays given: every count was checked before, and the buffer ends with a newline.
"""

from __future__ import annotations

import numpy as np
from numba import njit

OK, FEW, MANY, INDEX, ROW, COLUMN, NUMBER, EXTRA, MISSING, FLUSH, BIG, LONG, MIXED, DIAGONAL, BYTE = range(15)

LONGEST = 4096  # bytes of one number
_LOW = 330  # the table of powers of five begins at 5^-330

NEWLINE, SPACE, TAB, RETURN, PERCENT = 10, 32, 9, 13, 37


def powers_of_five() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``5^q = (high 2^64 + low) 2^(e - 127)`` rounded down, for q from -330 to 309, and ``e + q + 1``."""
    high, low, exponent = [], [], []
    for q in range(-_LOW, 310):
        power = 5 ** abs(q)
        bits = power.bit_length()
        if q >= 0:
            e = bits - 1
            scaled = power << (128 - bits) if bits <= 128 else power >> (bits - 128)
        else:
            e = -bits  # 2^-bits < 5^q < 2^(1 - bits)
            scaled = (1 << (127 - e)) // power
        high.append(scaled >> 64)
        low.append(scaled & (2**64 - 1))
        exponent.append(e + q + 1)
    return np.array(high, np.uint64), np.array(low, np.uint64), np.array(exponent, np.int64)


@njit(cache=True)
def _product(a, b):
    """High and low words of the 128-bit product of two unsigned words."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> half, a & mask, b >> half, b & mask
    low, one, two = a0 * b0, a1 * b0, a0 * b1
    middle = (low >> half) + (one & mask) + (two & mask)
    return a1 * b1 + (one >> half) + (two >> half) + (middle >> half), a * b


@njit(cache=True)
def _nearest(w, q, high5, low5, exponent5):
    """Bits of the double nearest to ``w 10^q``, and whether they are certain; w > 0."""
    zero, one = np.uint64(0), np.uint64(1)
    if q < -_LOW or q > 309:
        return zero, False
    shift = 0
    while w < np.uint64(1 << 56):
        w = w << np.uint64(8)
        shift += 8
    while w < np.uint64(1 << 63):
        w = w << one
        shift += 1
    high, middle = _product(w, high5[q + _LOW])
    top = high >> np.uint64(63)
    drop = np.uint64(10) + top  # bits of `high` beyond the 53 that stay
    half = one << (drop - one)
    rest = high & ((half << one) - one)
    if rest == half - one or (rest == half and middle == zero):  # the interval of width 1 in `high` may hold the tie
        more, _ = _product(w, low5[q + _LOW])
        middle = middle + more
        if middle < more:
            high = high + one
            top = high >> np.uint64(63)
            drop = np.uint64(10) + top
            half = one << (drop - one)
            rest = high & ((half << one) - one)
        if (rest == half and middle == zero) or (rest == half - one and middle == ~zero):
            return zero, False
    mantissa = high >> drop
    if rest >= half:
        mantissa = mantissa + one
    biased = exponent5[q + _LOW] - shift + np.int64(drop) + 52 + 1023
    if mantissa == np.uint64(1 << 53):
        mantissa = np.uint64(1 << 52)
        biased += 1
    if biased < 1 or biased > 2046:
        return zero, False
    return (np.uint64(biased) << np.uint64(52)) | (mantissa & np.uint64((1 << 52) - 1)), True


@njit(cache=True)
def _digits(buffer, pos, w):
    """Append the digits at `pos` to w, modulo 2^64: (w, position after them)."""
    at, one, ten, nought, nine = np.uint64(pos), np.uint64(1), np.uint64(10), np.uint64(48), np.uint64(9)
    digit = np.uint64(buffer[at]) - nought  # other bytes wrap to large numbers
    while digit <= nine:
        w = w * ten + digit
        at = at + one
        digit = np.uint64(buffer[at]) - nought
    return w, np.int64(at)


@njit(cache=True)
def _power(buffer, pos):
    """Read the sign and digits after an e: (code, power, position)."""
    minus = buffer[pos] == 45
    if minus or buffer[pos] == 43:
        pos += 1
    start, power = pos, 0
    while 48 <= buffer[pos] <= 57:
        if power < 100000:
            power = 10 * power + np.int64(buffer[pos]) - 48
        pos += 1
    return OK if pos > start else NUMBER, -power if minus else power, pos


@njit(cache=True)
def _number(buffer, at, whole, high5, low5, exponent5):
    """Read one number at `at`: (code, bits, certain, position after it)."""
    zero = np.uint64(0)
    pos, q = at, 0
    sign = zero
    if buffer[pos] == 45 or buffer[pos] == 43:
        if buffer[pos] == 45:
            sign = np.uint64(1 << 63)
        pos += 1
    first = pos
    w, pos = _digits(buffer, pos, zero)
    seen = pos - first
    if buffer[pos] == 46 and not whole:
        point = pos + 1
        w, pos = _digits(buffer, point, w)
        q = point - pos
        seen -= q
    if seen > 19:  # zeros in front do not count
        lead = first
        while buffer[lead] == 48 or buffer[lead] == 46:
            seen -= buffer[lead] == 48
            lead += 1
    if pos == first or (pos == first + 1 and buffer[first] == 46):
        return NUMBER, zero, True, pos
    if not whole and (buffer[pos] | 32 == 101 or buffer[pos] | 32 == 100):  # e E d D
        code, power, pos = _power(buffer, pos + 1)
        if code != OK:
            return code, zero, True, pos
        q += power
    if buffer[pos] != NEWLINE and buffer[pos] != SPACE and buffer[pos] != TAB and buffer[pos] != RETURN:
        return NUMBER, zero, True, pos
    if pos - at > LONGEST:
        return LONG, zero, True, pos
    if whole and (seen > 19 or w > np.uint64(1 << 53)):
        return BIG, zero, True, pos
    if seen > 19:
        return OK, zero, False, pos
    if w == zero:
        return OK, sign, True, pos
    bits, certain = _nearest(w, q, high5, low5, exponent5)
    return OK, bits | sign, certain, pos


@njit(cache=True)
def _blanks(buffer, pos):
    """The next byte on this line that is not blank."""
    while buffer[pos] == SPACE or buffer[pos] == TAB or buffer[pos] == RETURN:
        pos += 1
    return pos


@njit(cache=True)
def next_line(buffer, pos, line):
    """Skip blank lines and comments: the first byte of what follows (the buffer's end if nothing) and its line."""
    end = buffer.size - 1
    while True:
        pos = _blanks(buffer, pos)
        if buffer[pos] == PERCENT:
            while buffer[pos] != NEWLINE:
                pos += 1
        if buffer[pos] != NEWLINE:
            return pos, line
        if pos >= end:
            return end, line
        pos += 1
        line += 1


@njit(cache=True)
def _index(buffer, pos, most):
    """A number from 1 to `most`: (its value; 0 out of range; -1 no number), and the position after it."""
    value, after = _digits(buffer, pos, np.uint64(0))
    if after == pos or (
        buffer[after] != SPACE and buffer[after] != NEWLINE and buffer[after] != TAB and buffer[after] != RETURN
    ):
        return -1, after
    if after - pos > 18 or value > np.uint64(most):
        return 0, after
    return np.int64(value), after


@njit(cache=True)
def _place(buffer, pos, n_rows, n_columns):
    """Row and column of an entry, from 1: (code, row, column, position after them or of what is wrong)."""
    i, after = _index(buffer, pos, n_rows)
    if i < 1:
        return ROW if i == 0 else INDEX, 0, 0, pos
    pos = _blanks(buffer, after)
    if buffer[pos] == NEWLINE:
        return MISSING, 0, 0, pos
    j, after = _index(buffer, pos, n_columns)
    if j < 1:
        return COLUMN if j == 0 else INDEX, 0, 0, pos
    return OK, i, j, after


@njit(cache=True)
def entries(buffer, state, shape, kind, rows, columns, bits, later, high5, low5, exponent5):
    """Read entries from ``state`` on until the end, an error, or until the list of uncertain numbers is full.

    Parameters
    ----------
    buffer : uint8 array
        The file and one newline.
    state : int64 array of 6
        position, line, entries read, uncertain numbers listed, 1 if an entry below the diagonal was seen, 1 if above.
    shape : (rows, columns, entries)
    kind : (coordinate, numbers per entry, whole numbers only, symmetry 0 general 1 symmetric 2 skew 3 hermitian)
    rows, columns : integer arrays, written
        Zero-based.
    bits : uint64 array, written
        The bits of the doubles.
    later : int64 array (k, 4), written
        Place in `bits`, first byte, byte after, line of numbers that are left to the caller.

    Returns
    -------
    int
        A code; ``state[0]`` is then the byte it is about.
    """
    n_rows, n_columns, count = shape
    coordinate, each, whole, symmetry = kind
    pos, line, k, pending = state[0], state[1], state[2], state[3]
    code = OK
    while True:
        pos, line = next_line(buffer, pos, line)
        if pos >= buffer.size - 1:
            code = OK if k == count else FEW
            break
        if k == count:
            code = MANY
            break
        if pending + each > later.shape[0]:
            code = FLUSH
            break
        i, j = 0, 0
        if coordinate:
            code, i, j, pos = _place(buffer, pos, n_rows, n_columns)
            if code != OK:
                break
            if symmetry != 0 and i != j:
                state[4 if i > j else 5] = 1
                if state[4] == 1 and state[5] == 1:
                    code = MIXED
                    break
            rows[k], columns[k] = i - 1, j - 1
        for part in range(each):
            pos = _blanks(buffer, pos)
            if buffer[pos] == NEWLINE:
                code = MISSING
                break
            code, value, certain, after = _number(buffer, pos, whole, high5, low5, exponent5)
            if code != OK:
                break
            place = k * each + part
            bits[place] = value
            if not certain:
                later[pending, 0], later[pending, 1], later[pending, 2], later[pending, 3] = place, pos, after, line
                pending += 1
            bare = coordinate and i == j and (symmetry == 2 or (symmetry == 3 and part == 1))
            if bare and (not certain or (value << np.uint64(1)) != np.uint64(0)):
                code = DIAGONAL
                break
            pos = after
        if code != OK:
            break
        pos = _blanks(buffer, pos)
        if buffer[pos] != NEWLINE:
            code = EXTRA
            break
        k += 1
    state[0], state[1], state[2], state[3] = pos, line, k, pending
    return code
