"""Write the reference tables of tests/cpp/core/special_test.cpp with mpmath, to 20 digits.

    python tools/make_special_table.py [FOLDER]      (default: tests/data)

Every value is a plain power series of positive argument, or the same series with as many extra digits as its
alternating terms cancel; gaps are plain differences. None of the recurrences of core/special.cpp is used. Arguments are
doubles printed with 17 digits, so both sides see the same number.
"""

import csv
import sys
from pathlib import Path

from mpmath import mp, mpf

DIGITS = 20
GUARD = 40
DIMENSIONS = (1, 2, 3, 4, 5, 8, 9, 15, 16, 33, 64, 127, 256, 511, 1024, 4096, 65536)
ARGUMENTS = tuple(float(f"{10.0 ** (-8 + 6 * i / 8):.15g}") for i in range(8)) + tuple(
    float(f"{10.0 ** (-2 + (3.602059991327962 + 2) * i / 27):.15g}") for i in range(28)
)
DEGREES = (1, 8, 40)
LARGE_DIMENSIONS = (1, 2, 5, 64, 4096)
LARGE_ARGUMENTS = (16000.0, 4e6, 1.6e7)


def series(ratio, digits):
    """sum_k t_k with t_0 = 1 and t_{k+1} = t_k ratio(k), in `digits` digits and absolutely to 10^-GUARD."""
    with mp.workdps(digits + GUARD):
        term = total = mpf(1)
        k = 0
        while term:
            step = ratio(k)
            term *= step
            total += term
            k += 1
            if abs(step) < mpf(1) / 2 and abs(term) < abs(total) * mpf(10) ** (-digits - GUARD):
                break
        return total


def hyp0f1(b, x):
    # The terms add up to at most exp(min(2 sqrt(-x), -x / b)), and the value may be as small as one over it.
    digits = DIGITS if x >= 0 else DIGITS + int(2 * min(2 * mp.sqrt(-x), -x / b) / mp.log(10)) + 20
    return series(lambda k: x / ((b + k) * (k + 1)), digits)


def kummer(d, u):
    if u >= 0:
        return series(lambda k: (d + k) * u / ((d + 2 * k) * mpf(k + 1)), DIGITS)
    # The polynomial of Kummer's transformation (finite for even d) cancels half as much.
    half = mpf(d) / 2
    x = -u / 2
    tail = series(lambda k: (k - half) * x / ((k + half) * (k + 1)), DIGITS + int(x / mp.log(10) * 2) + 20)
    with mp.workdps(GUARD + int(x)):
        return mp.exp(-x) * tail


def bessel(d, q):
    return hyp0f1(mpf(d) / 2, mpf(d) * q / 4)


def log_or_minus_infinity(value):
    return mp.log(value) if value > mpf(10) ** -60 else mpf("-inf")


def positive_row(d, argument):
    """Logs of F_d(v), its gap, B_d(q) and its three gaps at v = q = argument >= 0."""
    v = mpf(argument)
    moment, once, twice, four = kummer(d, v), bessel(d, v), bessel(d, 2 * v), bessel(d, 4 * v)
    gaps = (mp.exp(v) - moment, four - once**2, mpf(0) if d == 1 else (1 + four) / 2 - once**2, once**2 - twice)
    logs = [log_or_minus_infinity(gap) for gap in gaps]
    return [mp.log(moment), logs[0], mp.log(once), *logs[1:]]


def negative_row(d, argument):
    """F_d(-w), its gap, B_d(-q) and its two gaps at w = q = argument >= 0."""
    w = mpf(argument)
    moment, once, twice, four = kummer(d, -w), bessel(d, -w), bessel(d, -2 * w), bessel(d, -4 * w)
    return [moment, mp.exp(-w) - moment, once, mpf(0) if d == 1 else (1 + four) / 2 - once**2, once**2 - twice]


def hyp1f1(a, b, x):
    return series(lambda k: (a + k) * x / ((b + k) * (k + 1)), DIGITS)


def harmonic_row(d, argument):
    """Logs of 1F1((d + l)/2; d/2 + l; x) and 1F1(l/2; d/2 + l; x) for some degrees l, at x = argument."""
    x, half = mpf(argument), mpf(d) / 2
    rows = [(hyp1f1(half + mpf(n) / 2, half + n, x), hyp1f1(mpf(n) / 2, half + n, x)) for n in DEGREES]
    return [mp.log(value) for row in rows for value in row]


def large_row(d, argument):
    """Logs of F_d(v) and B_d(q) where the plain series is too long: mpmath's own asymptotic expansions."""
    v = mpf(argument)
    half = mpf(d) / 2
    moment, bessel_moment = mp.hyp1f1(d, half, v / 2, maxterms=10**6), mp.hyp0f1(half, half * v / 2, maxterms=10**6)
    return [mp.log(moment), mp.log(bessel_moment)]


def text(value):
    return mp.nstr(value, DIGITS) if mp.isfinite(value) else "-inf"


def write(path, header, row, dimensions, arguments):
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for d in dimensions:
            for argument in arguments:
                writer.writerow([d, repr(argument), *map(text, row(d, argument))])


def main(folder):
    mp.dps = DIGITS + GUARD
    logs = ["log_kummer", "log_kummer_gap", "log_bessel"]
    gaps = ["log_bessel_exp_gap", "log_bessel_cosh_gap", "log_bessel_pair_gap"]
    write(folder / "special_positive.csv", ["d", "argument", *logs, *gaps], positive_row, DIMENSIONS, ARGUMENTS)
    values = ["kummer", "kummer_gap", "bessel", "bessel_cos_gap", "bessel_pair_gap"]
    write(folder / "special_negative.csv", ["d", "minus_argument", *values], negative_row, DIMENSIONS, ARGUMENTS)
    harmonics = [f"{name}_{n}" for n in DEGREES for name in ("exp", "cos")]
    write(folder / "special_harmonic.csv", ["d", "argument", *harmonics], harmonic_row, DIMENSIONS, ARGUMENTS)
    large = ["log_kummer", "log_bessel"]
    write(folder / "special_large.csv", ["d", "argument", *large], large_row, LARGE_DIMENSIONS, LARGE_ARGUMENTS)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "tests" / "data")
