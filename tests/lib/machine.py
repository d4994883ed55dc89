# SPDX-License-Identifier: Apache-2.0
"""machine: a throw-away service without a cluster, and the tool rueda to work on it, for tests in Python.

    m = machine.Machine(rueda, ruedad, library)
    m.rueda("cluster", "create", "one")
    assert m.json("status")["state"] == "up"
"""
import json
import os
import subprocess

import cluster


class Machine(cluster.Cluster):
    def __init__(self, rueda, ruedad, library, **others):
        super().__init__(ruedad, library, create=False, **others)
        self.tool = rueda
        self.errors = ""

    def rueda(self, *words, status=0, text=None, cwd="/"):
        """Standard output; the exit status must be that, and then errors is what was on standard error."""
        done = subprocess.run([self.tool, *words], env=self.environment, cwd=cwd, capture_output=True, timeout=120,
                              **({"stdin": subprocess.DEVNULL} if text is None else {"input": text}))
        self.errors = done.stderr.decode(errors="replace")
        assert done.returncode == status, (words, done.returncode, done.stdout[-2000:], self.errors, self.log_text()[-2000:])
        return done.stdout.decode()

    def fails(self, code, *words, **others):
        self.rueda(*words, status=1, **others)
        assert f" failed: {code} " in self.errors, (words, self.errors)
        return self.errors

    def json(self, *words):
        return json.loads(self.rueda(*words, "--json"))

    def backup(self, name):
        path = self.path(name)
        self.rueda("backup", path)
        return path
