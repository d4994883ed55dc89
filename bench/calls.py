#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""calls: registry calls (ClusterRegQueryValue of 200 bytes; each is one RPC) against a bare echo over a unix socket of
messages of the same lengths, 1 and 16 callers.

Usage: bench/calls.py [SECONDS of each round, default 1]"""
import json
import sys

import common

ASK, ANSWER = 88, 244  # Bytes of the two messages of such a call.


def measure(b, seconds=1):
    def echo(callers):
        return json.loads(common.run([common.program("bench", "bench-floor"), "echo", b.path("echo"), callers, seconds, ASK,
                                      ANSWER]))

    with b.cluster() as ours:
        ours.load("fill", 10_000)
        r = b.rounds(9, ours1=lambda: ours.load("get", 1, seconds), echo1=lambda: echo(1),
                     ours16=lambda: ours.load("get", 16, seconds), echo16=lambda: echo(16))
    rate = {name: common.each(results, "rate") for name, results in r.items()}
    b.row("registry calls, 1 caller", rate["ours1"], rate["echo1"], "/s", "unix echo", at_least=0.7)
    b.row("registry calls, 16 callers", rate["ours16"], rate["echo16"], "/s", "unix echo", at_least=0.7)
    b.row("median time of a registry call, 1 caller", common.each(r["ours1"], "p50_us"), common.each(r["echo1"], "p50_us"),
          "µs", "unix echo")


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(float, sys.argv[1:])))
