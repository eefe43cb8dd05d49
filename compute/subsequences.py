"""How long the longest increasing subsequence of a random order is, exactly."""

from __future__ import annotations

import math
from functools import lru_cache

LONGEST = 100
SMALLEST_TAIL = 1e-22

Series = list[int]  # coefficients of 1, y, y^2, ... as multiples of 2**-bits


@lru_cache(maxsize=8)
def mean_longest_rises(count: int) -> tuple[float, ...]:
    """Return the mean length of the longest increasing subsequence of 0 ... `count` things in random order.

    Correct to the last digits of a float64: arithmetic is in integers of 256 + 12 count bits, and lengths
    that have a chance below 1e-22 are left out. It takes a hundredth of a second for 10 and two for 100.

    With y = x^2 the generating function of the share of orders of m things that have no increasing
    subsequence above l is the Toeplitz determinant D_l = det(I_|i-j|(2x)), i, j < l, whose coefficient of
    y^m is that share divided by m! (Gessel). Such determinants follow from D_(l+1) / D_l =
    (1 - v_l^2) D_l / D_(l-1) and -l v_l / (x (1 - v_l^2)) = v_(l+1) + v_(l-1), v_0 = 1, v_1 = -I_1 / I_0.
    Every step divides by x and so takes one coefficient away.

    Args:
        count: the largest number of things, up to 100.

    Raises:
        ValueError: count is out of range.

    Source: Gessel 1990, Symmetric functions and P-recursiveness; Baik, Deift, Johansson 1999,
    arXiv math/9810105; Periwal, Shevitz 1990 for the recursion.
    """
    if not 0 <= count <= LONGEST:
        raise ValueError(f"count is {count}, expected 0 to {LONGEST}")
    bits = 256 + 12 * count
    lengths = range(1, count + 1)
    last = next((length for length in lengths if _is_negligible(count, length)), count)
    terms = count + last + 1
    one, factorials = 1 << bits, [math.factorial(m) for m in range(terms + 1)]
    bessel_0 = [one // factorials[m] ** 2 for m in range(terms)]
    bessel_1 = [one // (factorials[m] * factorials[m + 1]) for m in range(terms)]
    before = [one] + [0] * (terms - 1)  # v_(l-1) and v_l without their factors x^(l-1) and x^l
    here = [-value for value in _product(bessel_1, _reciprocal(bessel_0, bits), bits)]
    ratio = determinant = bessel_0[: count + 1]  # D_l / D_(l-1) and D_l
    means = [0.0] + [1.0] * count  # the sum of P(longest > l) over l = 0, 1, ...
    for length in range(1, last + 1):
        for m in range(1, count + 1):
            means[m] += (one - determinant[m] * factorials[m]) / one
        square = _product(here, here, bits)
        rest = [one] + [0] * (len(here) - 1)  # 1 - v_l^2
        rest[length:] = [a - b for a, b in zip(rest[length:], square, strict=False)]
        ratio = _product(ratio, rest, bits)
        determinant = _product(determinant, ratio, bits)
        quotient = _product(here, _reciprocal(rest, bits), bits)
        following = [-length * a - b for a, b in zip(quotient, before, strict=False)]
        before, here = here[: len(following) - 1], following[1:]
    return tuple(means)


def _is_negligible(count: int, length: int) -> bool:
    """Return whether more than `length` of `count` things are as good as never an increasing subsequence.

    The chance is at most the mean number of those that increase.
    """
    return math.comb(count, length + 1) / math.factorial(length + 1) < SMALLEST_TAIL


def _product(left: Series, right: Series, bits: int) -> Series:
    terms = min(len(left), len(right))
    turned = right[:terms][::-1]
    return [sum(map(int.__mul__, left[: m + 1], turned[terms - 1 - m :])) >> bits for m in range(terms)]


def _reciprocal(series: Series, bits: int) -> Series:
    """Return the inverse of a series that begins with 1."""
    found = [1 << bits]
    for m in range(1, len(series)):
        found.append(-(sum(map(int.__mul__, series[1 : m + 1], found[::-1])) >> bits))
    return found
