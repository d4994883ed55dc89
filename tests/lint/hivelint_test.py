#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The lint finds nothing wrong with what our writer writes, and does find each thing that is wrong: every case below
takes a good hive, breaks one thing as a careless writer might, and names the rule that must notice.  Prints TAP.

Usage: hivelint_test.py HIVE_SAMPLES"""
import os
import struct
import subprocess
import sys
import tempfile

import hivelint

PAGE, NONE = hivelint.PAGE, hivelint.NONE


class Hive(bytearray):
    """A good hive to be broken.  A record is named by the offset of its data in the file."""

    def u16(self, at, value):
        struct.pack_into("<H", self, at, value & 0xFFFF)

    def u32(self, at, value):
        struct.pack_into("<I", self, at, value & NONE)

    def get(self, at):
        return struct.unpack_from("<I", self, at)[0]

    def add(self, at, n):
        self.u32(at, self.get(at) + n)

    def swap(self, one, other, length):
        self[one:one + length], self[other:other + length] = self[other:other + length], self[one:one + length]

    def to(self, at):
        """The record that the field at this place refers to."""
        return self.get(at) + PAGE + 4

    @property
    def root(self):
        return self.to(36)

    def key(self, *path):
        """The nth subkey of the nth subkey … of the root."""
        at = self.root
        for n in path:
            at = self.to(self.to(at + 28) + 4 + 8 * n)
        return at

    def value(self, n, *path):
        return self.to(self.to(self.key(*path) + 40) + 4 * n)

    def seal(self):
        checksum = 0
        for word in struct.unpack_from("<127I", self):
            checksum ^= word
        self.u32(508, checksum)

    def last_cells(self, bin_at=PAGE):
        """(offset, size) of the last cell of a bin and of the one before it."""
        at, found = bin_at + 32, []
        while at < bin_at + self.get(bin_at + 8):
            size = struct.unpack_from("<i", self, at)[0]
            found.append((at, size))
            at += abs(size)
        return found[-1], found[-2]


# The golden hive (tests/lib/hives.c): the root's values are "", Big, ClusterName, Empty, αβ; its subkeys are Groups with
# café and αβγ (which has the value Name), Nodes with a class, and Open without a descriptor.
BIG, CLUSTER_NAME, EMPTY, ALPHA_BETA = 1, 2, 3, 4
GROUPS, NODES, OPEN = 0, 1, 2
CASES = []


def case(rule, text, sample="golden"):
    def note(break_it):
        CASES.append((rule, text, sample, break_it))
        return break_it
    return note


def base_case(text, at, value):
    @case("base", text)
    def _(h):
        h.u32(at, value)
        h.seal()


def add_case(rule, text, place, n=1):
    @case(rule, text)
    def _(h):
        h.add(place(h), n)


@case("base", "a wrong checksum")
def _(h):
    h[508] ^= 1


base_case("a dirty hive", 8, 2)
base_case("another version", 24, 3)
base_case("a wrong length", 40, PAGE)
base_case("another clustering factor", 44, 2)
base_case("a file name", 48, 0x41)
add_case("bin", "a bin that says another offset", lambda h: PAGE + 4, PAGE)
add_case("bin", "a time in a later bin", lambda h: PAGE + h.get(PAGE + 8) + 20)
add_case("bin", "the first bin has another time", lambda h: PAGE + 20)


@case("bin", "a bin that is longer than its first cell needs", "names")
def _(h):
    (free, size), _ = h.last_cells()
    h += bytes(PAGE)
    h.add(PAGE + 8, PAGE)
    h.u32(free, size + PAGE)
    h.add(40, PAGE)
    h.seal()


@case("cell", "a cell of 12 bytes")
def _(h):
    h.u32(h.last_cells()[0][0], -12)


@case("cell", "a cell that is longer than it need be", "names")
def _(h):
    (free, free_size), (last, size) = h.last_cells()
    h.u32(last, size - 8)
    h.u32(free, 0)
    h.u32(free + 8, free_size - 8)


@case("cell", "padding that is not empty")
def _(h):
    h[h.root + 76 + 7] = 1


@case("free", "two free cells side by side")
def _(h):
    free, size = h.last_cells()[0]
    h.u32(free, 16)
    h.u32(free + 16, size - 16)


@case("free", "a free cell that is not empty")
def _(h):
    h[h.last_cells()[0][0] + 9] = 1


@case("unreached", "a cell that is allocated and not used")
def _(h):
    free, size = h.last_cells()[0]
    h.u32(free, -size)


@case("twice", "two values with one cell of data")
def _(h):
    h.u32(h.value(CLUSTER_NAME) + 8, h.get(h.value(0, GROUPS, 1) + 8))


@case("twice", "a value in two keys")
def _(h):
    h.u32(h.to(h.key(GROUPS, 1) + 40), h.get(h.to(h.root + 40)))


@case("key", "a root that may be deleted")
def _(h):
    h.u16(h.root + 2, 0x20)


@case("key", "a subkey with the flags of the root")
def _(h):
    h.u16(h.key(NODES) + 2, 0x2C)


@case("key", "a backslash in the name of a key")
def _(h):
    h[h.key(NODES) + 76] = ord("\\")


add_case("key", "access bits", lambda h: h.root + 12)
add_case("key", "volatile subkeys", lambda h: h.root + 24)
add_case("key", "a list of volatile subkeys", lambda h: h.root + 32)
add_case("parent", "a wrong parent", lambda h: h.key(NODES) + 16, 8)
add_case("parent", "a root with a parent", lambda h: h.root + 16, 0x21)
add_case("count", "one subkey more", lambda h: h.root + 20)
add_case("count", "one subkey less", lambda h: h.root + 20, -1)
add_case("count", "subkeys and no list", lambda h: h.key(NODES) + 20)
add_case("count", "values and no list", lambda h: h.key(NODES) + 36)
add_case("count", "20 values more", lambda h: h.root + 36, 20)


@case("list", "an lf list")
def _(h):
    h[h.to(h.root + 28) + 1] = ord("f")


@case("list", "a leaf that is not full before the last", "leaves")
def _(h):
    leaf = h.to(h.to(h.key(2) + 28) + 4)
    h.u16(leaf + 2, 506)


@case("list", "leaves of an index in another order", "leaves")
def _(h):
    index = h.to(h.key(2) + 28)
    h.swap(index + 4 + 4, index + 4 + 8, 4)


@case("list", "an index with one leaf", "leaves")
def _(h):
    h.u16(h.to(h.key(1) + 28) + 2, 1)


@case("order", "two subkeys in the wrong order")
def _(h):
    h.swap(h.to(h.root + 28) + 4, h.to(h.root + 28) + 12, 8)


@case("order", "two values in the wrong order")
def _(h):
    h.swap(h.to(h.root + 40), h.to(h.root + 40) + 4, 4)


@case("order", "leaves in the wrong order", "leaves")
def _(h):
    index = h.to(h.key(2) + 28)
    h.swap(index + 4, index + 8, 4)


@case("hash", "a hash of the name as it is, not in upper case")
def _(h):
    value = 0
    for unit in "caf\u00e9":
        value = (value * 37 + ord(unit)) & NONE
    h.u32(h.to(h.key(GROUPS) + 28) + 8, value)


@case("hash", "a hash of the UTF-8 bytes")
def _(h):
    value = 0
    for byte in "CAF\u00c9".encode():
        value = (value * 37 + byte) & NONE
    h.u32(h.to(h.key(GROUPS) + 28) + 8, value)


add_case("value", "spare flags", lambda h: h.value(BIG) + 16, 2)
add_case("value", "a spare field", lambda h: h.value(BIG) + 18)
add_case("value", "something behind inline data", lambda h: h.value(EMPTY) + 8)


@case("value", "an empty name that is Latin-1")
def _(h):
    h.u16(h.value(0) + 16, 1)


@case("inline", "four bytes in a cell")
def _(h):
    h.u32(h.value(0) + 4, 4)


@case("inline", "five bytes in the value")
def _(h):
    h.u32(h.value(ALPHA_BETA) + 4, 0x80000005)


@case("name", "the name of a value that could be Latin-1")
def _(h):
    h[h.value(ALPHA_BETA) + 20:h.value(ALPHA_BETA) + 24] = "yz".encode("utf-16-le")


@case("name", "the name of a key that could be Latin-1")
def _(h):
    h[h.key(GROUPS, 1) + 76:h.key(GROUPS, 1) + 82] = "xyz".encode("utf-16-le")


@case("name", "a UTF-16 name of an odd length")
def _(h):
    h.u16(h.root + 2, 0x0C)


@case("big", "a segment too many")
def _(h):
    h.u16(h.to(h.value(BIG) + 8) + 2, 3)


@case("big", "data of 16345 bytes in one cell")
def _(h):
    h.u32(h.value(BIG) + 8, h.get(h.to(h.to(h.value(BIG) + 8) + 4)))


@case("big", "the same segment twice")
def _(h):
    segments = h.to(h.to(h.value(BIG) + 8) + 4)
    h.u32(segments + 4, h.get(segments))


@case("cell", "segments in the wrong order")
def _(h):
    segments = h.to(h.to(h.value(BIG) + 8) + 4)
    h.swap(segments, segments + 4, 4)


add_case("longest", "the longest name of a subkey", lambda h: h.root + 52, 2)
add_case("longest", "the longest class", lambda h: h.root + 56, 2)
add_case("longest", "the longest name of a value", lambda h: h.root + 60, -2)
add_case("longest", "the longest data", lambda h: h.root + 64, -1)


@case("sk", "the same descriptor twice")
def _(h):
    one, other = h.to(h.root + 44) + 16, h.to(h.key(GROUPS) + 44) + 16
    length = 4 + h.get(one)
    assert h.get(one) == h.get(other)
    h[other:other + length] = h[one:one + length]


@case("sk", "a spare field of a descriptor")
def _(h):
    h[h.to(h.root + 44) + 2] = 1


@case("ring", "a descriptor that is in no ring")
def _(h):
    h.u32(h.to(h.root + 44) + 4, h.get(h.root + 44))


@case("ring", "a ring that cannot be gone round backwards")
def _(h):
    h.u32(h.to(h.root + 44) + 8, h.get(h.root + 44))


@case("ring", "two rings")
def _(h):
    offsets = [h.get(k + 44) for k in (h.key(), h.key(GROUPS), h.key(GROUPS, 0), h.key(GROUPS, 1))]
    for one, other in ((0, 1), (2, 3)):
        for a, b in ((one, other), (other, one)):
            h.u32(offsets[a] + PAGE + 8, offsets[b])
            h.u32(offsets[a] + PAGE + 12, offsets[b])


add_case("references", "one reference too many", lambda h: h.to(h.root + 44) + 12)
add_case("references", "one reference too few", lambda h: h.to(h.root + 44) + 12, -1)


@case("class", "a class without a length")
def _(h):
    h.u16(h.key(NODES) + 74, 0)


@case("class", "a class of an odd length")
def _(h):
    h.u16(h.key(NODES) + 74, 9)


@case("depth", "513 keys below one another", "deep")
def _(h):
    """Hang one more below the deepest key: its nk and lh go into the free end of the last bin."""
    at, last_bin = h.root, PAGE
    while h.get(at + 20):
        at = h.to(h.to(at + 28) + 4)
    while last_bin + h.get(last_bin + 8) < len(h):
        last_bin += h.get(last_bin + 8)
    (free, size), _ = h.last_cells(last_bin)
    parent = at - PAGE - 4
    nk = bytearray(h[at:at + 76]) + b"x"
    for field, value in ((16, parent), (36, 0), (40, NONE), (60, 0), (64, 0)):
        struct.pack_into("<I", nk, field, value)
    struct.pack_into("<H", nk, 72, 1)
    lh = b"lh" + struct.pack("<HII", 1, free - PAGE, ord("X"))
    cells = b"".join(struct.pack("<i", -((len(c) + 11) // 8 * 8)) + c + bytes(-(len(c) + 4) % 8) for c in (bytes(nk), lh))
    h[free:free + len(cells)] = cells
    h.u32(free + len(cells), size - len(cells))
    h.u32(at + 20, 1)
    h.u32(at + 28, free - PAGE + (len(nk) + 11) // 8 * 8)


def main():
    upcase, number, failed = hivelint.read_upcase(), 0, 0
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([sys.argv[1], directory], check=True)
        samples = {name[:-5]: open(os.path.join(directory, name), "rb").read()
                   for name in sorted(os.listdir(directory)) if name.endswith(".hive")}
    print(f"1..{len(samples) + len(CASES)}")
    for name, data in samples.items():
        found = hivelint.lint(data, upcase)
        number, failed = number + 1, failed + bool(found)
        print("not ok" if found else "ok", number, f"- the sample {name} is clean")
        for finding in found[:10]:
            print("#", *finding)
    for rule, text, sample, break_it in CASES:
        hive = Hive(samples[sample])
        break_it(hive)
        found = hivelint.lint(bytes(hive), upcase)
        noticed = rule in {r for r, _, _ in found}
        number, failed = number + 1, failed + (not noticed)
        print("ok" if noticed else "not ok", number, f"- {text} is noticed by the rule '{rule}'")
        if not noticed:
            print("# found:", found[:10])
    missing = set(hivelint.RULES) - {rule for rule, *_ in CASES}
    if missing:
        print("Bail out! no case for", *sorted(missing))
    return 1 if failed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
