#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Run all comparisons (or those named) and print one table, which can be pasted into docs/BENCH.md.

Usage: bench/run.py [sets|calls|rpc|backup|restore|writers|checkpoints|million ...]      (make bench)"""
import importlib
import sys

import common

ALL = ["sets", "calls", "rpc", "backup", "restore", "writers", "checkpoints", "million"]

if __name__ == "__main__":
    unknown = set(sys.argv[1:]) - set(ALL)
    if unknown:
        sys.exit(f"no such comparison: {', '.join(sorted(unknown))}\n{__doc__}")
    common.main(*(importlib.import_module(name).measure for name in sys.argv[1:] or ALL))
