#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Check hives that our writer made, against docs/formats/hive.md and nothing else: this shares no code with the writer
and looks at all that it promises, also at what our own reader does not need (hashes, reference counts, longest-… fields,
unreachable cells), because other systems rely on it.

Usage: hivelint.py FILE…
One line for each finding, FILE: RULE at 0xOFFSET: what is wrong; exit status 1 if there was any."""
import os
import struct
import sys

RULES = {
    "base": "the base block and its checksum",
    "bin": "bins: one page, or as many as their first cell needs",
    "cell": "cells: where they are, their sizes, no longer than needed, padded with zeros",
    "free": "no two free cells side by side, and nothing in them",
    "unreached": "no allocated cell that nothing refers to",
    "twice": "no cell that two refer to",
    "key": "flags, names and spare fields of keys",
    "parent": "the parent that a key names",
    "count": "counts of subkeys and values",
    "list": "kind and length of lists of subkeys",
    "order": "names ascend",
    "hash": "hashes in lh lists",
    "value": "fields of values",
    "inline": "data of 4 bytes or less is in the value, and no other",
    "name": "Latin-1 where it is possible, else UTF-16",
    "big": "db records and their segments",
    "longest": "the four longest-... fields",
    "sk": "fields of descriptors; each descriptor once",
    "ring": "the ring of descriptors",
    "references": "how many keys use a descriptor",
    "class": "class names",
    "depth": "no deeper than 512",
}
NONE = 0xFFFFFFFF
PAGE = 4096
SEGMENT = 16344
LEAF = 507
NK = struct.Struct("<2sHQIIIIIIIIIIIIIIIHH")
VK = struct.Struct("<2sHIIIHH")
SK = struct.Struct("<2sHIIII")


def read_upcase(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "base", "upcase.tsv")):
    table = list(range(65536))
    with open(path, encoding="ascii") as lines:
        for line in lines:
            if not line.startswith("#"):
                lower, upper = line.split()
                table[int(lower, 16)] = int(upper, 16)
    return table


def u32(data, at):
    return struct.unpack_from("<I", data, at)[0]


class Key:
    """The fields of an nk record."""

    def __init__(self, at, data):
        (self.magic, self.flags, self.time, self.access, self.parent, self.subkeys, self.volatile, self.subkey_list,
         self.volatile_list, self.values, self.value_list, self.sk, self.klass, self.longest_subkey, self.longest_class,
         self.longest_value, self.longest_data, self.work, self.name_len, self.class_len) = NK.unpack_from(data)
        self.at = at
        self.name_bytes = data[NK.size:NK.size + self.name_len]


class Lint:
    def __init__(self, data, upcase):
        self.data, self.upcase = data, upcase
        self.findings = []
        self.cells = {}  # Offset of each allocated cell → its size.
        self.used = {}   # Offset of each cell that was reached → as what.
        self.sks = {}    # Offset of each descriptor → how many keys have named it.

    def say(self, rule, at, text):
        assert rule in RULES
        self.findings.append((rule, at + PAGE if at >= 0 else 0, text))

    def run(self):
        bins = self.base()
        if bins is not None:
            self.bins = bins
            self.walk_bins()
            self.walk_keys()
            self.descriptors()
            for at in sorted(set(self.cells) - set(self.used)):
                self.say("unreached", at, "nothing refers to this cell")
        return self.findings

    # The ground: base block, bins, cells.

    def base(self):
        data = self.data
        if len(data) < 2 * PAGE or data[:4] != b"regf":
            self.say("base", -1, "not a hive")
            return None
        checksum = 0
        for word in struct.unpack_from("<127I", data):
            checksum ^= word
        checksum = {0: 1, NONE: NONE - 1}.get(checksum, checksum)
        if u32(data, 508) != checksum:
            self.say("base", -1, f"the checksum should be {checksum:#x}")
        expected = {4: 1, 8: 1, 20: 1, 24: 5, 28: 0, 32: 1, 40: len(data) - PAGE, 44: 1}
        for at, value in expected.items():
            if u32(data, at) != value:
                self.say("base", -1, f"the word at {at} is {u32(data, at):#x}, not {value:#x}")
        if any(data[48:508]) or any(data[512:PAGE]):
            self.say("base", -1, "something is where zeros should be")
        if len(data) % PAGE or len(data) > 0x7FFFFFFF:
            self.say("base", -1, "the length of the file")
        return data[PAGE:len(data) // PAGE * PAGE]

    def walk_bins(self):
        at = 0
        while at < len(self.bins):
            magic, offset, size, reserved, time, spare = struct.unpack_from("<4sIIQQI", self.bins, at)
            if magic != b"hbin" or offset != at or size == 0 or size % PAGE or size > len(self.bins) - at:
                self.say("bin", at, "not the header of a bin")
                return
            if reserved or spare or (time != struct.unpack_from("<Q", self.data, 12)[0] if at == 0 else time):
                self.say("bin", at, "the reserved fields or the time of a bin")
            first = self.walk_cells(at, at + size)
            if size > PAGE and (32 + first + PAGE - 1) // PAGE * PAGE != size:
                self.say("bin", at, f"{size} bytes for a first cell of {first}")
            at += size

    def walk_cells(self, at, end):
        """Note the cells of one bin; returns the size of the first."""
        at, first, after_free = at + 32, None, False
        while at < end:
            size = struct.unpack_from("<i", self.bins, at)[0]
            if abs(size) < 8 or size % 8 or abs(size) > end - at:
                self.say("cell", at, f"a cell of {size} bytes")
                return first or 0
            if size < 0:
                self.cells[at] = -size
            elif after_free or any(self.bins[at + 4:at + size]):
                self.say("free", at, "a free cell follows another, or is not empty")
            after_free = size > 0
            first = first or abs(size)
            at += abs(size)
        return first

    def take(self, at, what, length):
        """The data of the cell at an offset, of which length bytes are meant (a function of the data, or a number)."""
        if at not in self.cells:
            self.say("cell", at, f"{what} is not an allocated cell")
            return None
        if at in self.used:
            self.say("twice", at, f"{what}, which is already {self.used[at]}")
            return None
        self.used[at] = what
        data = self.bins[at + 4:at + self.cells[at]]
        if callable(length):
            try:
                length = length(data)
            except struct.error:
                length = len(data) + 1
        if length > len(data):
            self.say("cell", at, f"{what} needs {length} bytes")
            return None
        if (length + 4 + 7) // 8 * 8 != self.cells[at] or any(data[length:]):
            self.say("cell", at, f"{what} has {length} bytes in a cell of {self.cells[at]}, or its padding is not empty")
        return data[:length]

    # Keys and values.

    def units(self, raw, latin1, at, what):
        if not latin1 and len(raw) % 2:
            self.say("name", at, f"{what} has an odd length")
            raw = raw[:-1]
        units = list(raw) if latin1 else list(struct.unpack(f"<{len(raw) // 2}H", raw))
        if not latin1 and units and max(units) < 256:
            self.say("name", at, f"{what} could be Latin-1")
        return units

    def upper(self, units):
        return [self.upcase[u] for u in units]

    def hash(self, units):
        value = 0
        for unit in self.upper(units):
            value = (value * 37 + unit) & NONE
        return value

    def ascending(self, names, at, what):
        for one, other in zip(names, names[1:]):
            if not self.upper(one) < self.upper(other):
                self.say("order", at, f"{what}: {one} before {other}")
                return

    def longest(self, at, field, stored, values):
        if stored != max(values, default=0):
            self.say("longest", at, f"{field} is {stored}, not {max(values, default=0)}")

    def key(self, at, parent):
        """Check the record itself; returns it, its name and its subkeys' offsets, or None."""
        data = self.take(at, "a key", lambda d: NK.size + struct.unpack_from("<H", d, 72)[0])
        if data is None:
            return None
        key = Key(at, data)
        if key.magic != b"nk":
            self.say("key", at, f"{key.magic} instead of nk")
            return None
        latin1 = key.flags & 0x20
        name = self.units(key.name_bytes, latin1, at, "the name of a key")
        if key.flags & ~0x20 != (0x0C if parent is None else 0):
            self.say("key", at, f"the flags {key.flags:#x}")
        if key.access or key.volatile or key.volatile_list != NONE or key.work:
            self.say("key", at, "a spare field")
        if not 1 <= len(name) <= 255 or 0 in name or ord("\\") in name:
            self.say("key", at, f"the name {name}")
        if key.parent != (NONE if parent is None else parent):
            self.say("parent", at, f"{key.parent:#x} as its parent")
        self.read_class(key)
        self.read_values(key)
        if key.sk != NONE:
            self.sks[key.sk] = self.sks.get(key.sk, 0) + 1
        return key, name

    def read_class(self, key):
        if (key.class_len == 0) != (key.klass == NONE) or key.class_len % 2:
            self.say("class", key.at, f"a class of {key.class_len} bytes at {key.klass:#x}")
        elif key.class_len:
            self.take(key.klass, "a class", key.class_len)

    def read_values(self, key):
        if (key.values == 0) != (key.value_list == NONE):
            self.say("count", key.at, f"{key.values} values in the list at {key.value_list:#x}")
            return
        listed = self.take(key.value_list, "a list of values", 4 * key.values) if key.values else b""
        if listed is None:
            self.say("count", key.at, f"{key.values} values")
            return
        found = [self.value(at) for at in struct.unpack(f"<{key.values}I", listed)]
        found = [v for v in found if v is not None]
        self.ascending([name for name, _ in found], key.at, "values")
        self.longest(key.at, "the longest name of a value", key.longest_value, [2 * len(n) for n, _ in found])
        self.longest(key.at, "the longest data", key.longest_data, [size for _, size in found])

    def value(self, at):
        """The name and the length of the data."""
        data = self.take(at, "a value", lambda d: VK.size + struct.unpack_from("<H", d, 2)[0])
        if data is None:
            return None
        magic, name_len, size, where, _, flags, spare = VK.unpack_from(data)
        if magic != b"vk" or spare or flags not in (0, 1) or (flags and not name_len):
            self.say("value", at, "the fields of a value")
            return None
        name = self.units(data[VK.size:], flags, at, "the name of a value")
        if len(name) > 16383:
            self.say("value", at, f"a name of {len(name)} units")
        inline, size = size >> 31, size & 0x7FFFFFFF
        if inline != (size <= 4):
            self.say("inline", at, f"{size} bytes {'in the value' if inline else 'in a cell'}")
        elif inline and any(struct.pack("<I", where)[size:]):
            self.say("value", at, "something behind the data")
        elif size > SEGMENT:
            self.big_data(where, size)
        elif not inline:
            self.take(where, "the data of a value", size)
        return name, size

    def big_data(self, at, size):
        data = self.take(at, "a db record", 8)
        if data is None:
            return
        magic, count, where = struct.unpack("<2sHI", data)
        if magic != b"db" or count != (size + SEGMENT - 1) // SEGMENT:
            self.say("big", at, f"{magic} with {count} segments for {size} bytes")
            return
        listed = self.take(where, "a list of segments", 4 * count)
        for i, segment in enumerate(struct.unpack(f"<{count}I", listed or bytes(4 * count))):
            data = self.take(segment, "a segment", min(SEGMENT, size - i * SEGMENT) + 4) if listed is not None else bytes(4)
            if data is None or any(data[-4:]):
                self.say("big", at, f"segment {i} of {count}")

    def subkey_pairs(self, key):
        """Pairs of offset and hash, from one leaf or an index of leaves."""
        if (key.subkeys == 0) != (key.subkey_list == NONE):
            self.say("count", key.at, f"{key.subkeys} subkeys in the list at {key.subkey_list:#x}")
        if key.subkey_list == NONE:
            return []
        at, leaves = key.subkey_list, [key.subkey_list]
        if at in self.cells and self.bins[at + 4:at + 6] == b"ri":
            data = self.take(at, "an index of subkeys", lambda d: 4 + 4 * struct.unpack_from("<H", d, 2)[0])
            leaves = list(struct.unpack_from(f"<{len(data) // 4 - 1}I", data, 4)) if data else []
            if len(leaves) < 2:
                self.say("list", at, f"an index of {len(leaves)}")
        pairs = []
        for number, leaf in enumerate(leaves, 1):
            data = self.take(leaf, "a list of subkeys", lambda d: 4 + 8 * struct.unpack_from("<H", d, 2)[0])
            if data is None:
                continue
            if data[:2] != b"lh" or not 0 < (len(data) - 4) // 8 <= LEAF:
                self.say("list", leaf, f"{data[:2]} with {(len(data) - 4) // 8} subkeys")
            elif number < len(leaves) and (len(data) - 4) // 8 != LEAF:
                self.say("list", leaf, "a leaf before the last is not full")
            pairs += [struct.unpack_from("<II", data, i) for i in range(4, len(data) - 7, 8)]
        if len(pairs) != key.subkeys:
            self.say("count", key.at, f"{key.subkeys} subkeys, and {len(pairs)} in the list")
        return pairs

    def walk_keys(self):
        root = self.key(u32(self.data, 36), None)
        stack = [(root[0], 1)] if root else []
        while stack:
            key, depth = stack.pop()
            if depth > 512:
                self.say("depth", key.at, f"depth {depth}")
            children = []
            for at, stored in self.subkey_pairs(key):
                child = self.key(at, key.at)
                if child is None:
                    continue
                children.append(child)
                if stored != self.hash(child[1]):
                    self.say("hash", at, f"{stored:#x}, not {self.hash(child[1]):#x}")
            self.ascending([name for _, name in children], key.at, "subkeys")
            self.longest(key.at, "the longest name of a subkey", key.longest_subkey, [2 * len(n) for _, n in children])
            self.longest(key.at, "the longest class", key.longest_class, [c.class_len for c, _ in children])
            stack += [(child, depth + 1) for child, _ in children]

    # Descriptors.

    def descriptors(self):
        seen, links = {}, {}
        for at, keys in self.sks.items():
            data = self.take(at, "a descriptor", lambda d: SK.size + u32(d, 16))
            if data is None:
                continue
            magic, spare, after, before, references, size = SK.unpack_from(data)
            if magic != b"sk" or spare or not 0 < size <= 65535:
                self.say("sk", at, "the fields of a descriptor")
            if references != keys:
                self.say("references", at, f"{references} references, and {keys} keys")
            if data[SK.size:] in seen:
                self.say("sk", at, f"the same descriptor as at {seen[data[SK.size:]] + PAGE:#x}")
            seen[data[SK.size:]] = at
            links[at] = (after, before)
        at, steps = next(iter(links), None), 0
        while at is not None and steps < len(links):
            after, steps = links[at][0], steps + 1
            if after not in links or links[after][1] != at:
                self.say("ring", at, f"the next is {after:#x}, which does not point back")
                return
            at = after
            if at == next(iter(links)) and steps < len(links):
                self.say("ring", at, f"a ring of {steps}, and {len(links)} descriptors")
                return


def lint(data, upcase):
    """A list of (rule, offset in the file, text)."""
    return Lint(data, upcase).run()


def main():
    if len(sys.argv) < 2:
        print(__doc__ + "\n\nRules:", *(f"{rule:11} {text}" for rule, text in RULES.items()), sep="\n    ")
        return 2
    upcase, found = read_upcase(), False
    for path in sys.argv[1:]:
        with open(path, "rb") as f:
            for rule, at, text in lint(f.read(), upcase):
                print(f"{path}: {rule} at {at:#x}: {text}")
                found = True
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
