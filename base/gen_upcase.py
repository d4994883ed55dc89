#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn base/upcase.tsv into the C table utf16_upcase_table."""
import sys

table = list(range(65536))
for line in open(sys.argv[1], encoding="ascii"):
    if not line.startswith("#"):
        lower, upper = line.split()
        table[int(lower, 16)] = int(upper, 16)
with open(sys.argv[2], "w", encoding="ascii") as out:
    out.write('/* Generated from base/upcase.tsv. */\n#include "base/utf16.h"\n')
    out.write("const uint16_t utf16_upcase_table[65536] = {\n")
    for row in range(0, 65536, 16):
        out.write("\t" + " ".join(f"0x{unit:04x}," for unit in table[row:row + 16]) + "\n")
    out.write("};\n")
