#!/usr/bin/env python3
"""Writes src/base/power_table.c: 128-bit powers of ten for reading and printing doubles.

Entry q holds the 128 most significant bits of 10^q (equally of 5^q), most significant bit set.
Powers that fit are exact; 5^q for q > 55 and the reciprocals below 5^-27 are truncated, the
reciprocals 5^-1 .. 5^-27 are rounded up (D. Lemire, "Number Parsing at a Gigabyte per Second",
Software: Practice and Experience 51 (8), 2021, section 5).

usage: tools/gen_power_table.py > src/base/power_table.c
"""

FIRST, LAST = -342, 324


def entry(q):
    if q >= 0:
        value = 5**q
        shift = value.bit_length() - 128
        return value >> shift if shift > 0 else value << -shift
    power = 5**-q
    z = (power - 1).bit_length()
    bits = z + 127 if q >= -27 else 2 * z + 128
    value = 2**bits // power + 1
    shift = value.bit_length() - 128
    return value >> shift if shift > 0 else value


def main():
    print("/* Made by tools/gen_power_table.py; do not edit. */")
    print("/* clang-format off */")
    print('#include "base/power_table.h"\n')
    print("const struct pen_power pen_powers[PEN_POWER_LAST - PEN_POWER_FIRST + 1] = {")
    for q in range(FIRST, LAST + 1):
        value = entry(q)
        assert value.bit_length() == 128
        print("    {0x%016x, 0x%016x}, /* 1e%d */" % (value >> 64, value & (2**64 - 1), q))
    print("};")


main()
