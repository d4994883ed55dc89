#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""sets: durable sets of 200 bytes through the library, 1 and 64 callers, against etcd's put and a bare fdatasync().

Usage: bench/sets.py [SECONDS of each round, default 1]"""
import json
import sys

import common


def measure(b, seconds=1):
    with b.cluster() as ours:
        etcd = b.etcd()

        def put(callers):
            return etcd and (lambda: etcd.load(callers=callers, connections=min(callers, 4), seconds=seconds))

        def sync():
            return json.loads(common.run([common.program("bench", "bench-floor"), "sync", b.path("sync"), seconds,
                                      350]))

        r = b.rounds(9, ours1=lambda: ours.load("set", 1, seconds), etcd1=put(1), sync=sync,
                     ours64=lambda: ours.load("set", 64, seconds), etcd64=put(64))
        if etcd:
            etcd.stop()
    rate = {name: common.each(results, "rate") for name, results in r.items()}
    b.row("durable sets, 1 caller", rate["ours1"], rate["etcd1"], "/s", "etcd put", at_least=1.5)
    b.row("durable sets, 64 callers", rate["ours64"], rate["etcd64"], "/s", "etcd put", at_least=3)
    b.row("durable sets, 1 caller", rate["ours1"], rate["sync"], "/s", "append + fdatasync")
    b.row("durable sets, 64 callers", rate["ours64"], rate["sync"], "/s", "append + fdatasync")
    b.row("median time of a durable set, 1 caller", common.each(r["ours1"], "p50_us"), common.each(r["etcd1"], "p50_us"), "µs",
          "etcd put")


if __name__ == "__main__":
    common.main(lambda b: measure(b, *map(float, sys.argv[1:])))
