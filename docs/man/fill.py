#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put the output of a program in the place of a line @KEYS@.  Usage: fill.py PAGE PROGRAM OUTPUT"""
import subprocess
import sys

page = open(sys.argv[1], encoding="utf-8").read()
keys = subprocess.run([sys.argv[2]], check=True, capture_output=True, text=True).stdout
assert page.count("@KEYS@\n") == 1
with open(sys.argv[3], "w", encoding="utf-8") as out:
    out.write(page.replace("@KEYS@\n", keys))
