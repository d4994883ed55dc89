# SPDX-License-Identifier: Apache-2.0
"""proplist: property lists in Python, written from the description alone: what tests compare the codec with."""
import struct

from cluster import wide

BINARY, DWORD, SZ, EXPAND_SZ, MULTI_SZ, ULARGE, LONG, EXPANDED_SZ, WORD = 1, 2, 3, 4, 5, 6, 7, 8, 11
NAME = 0x40003


def number(n):
    return struct.pack("<I", n)


def value(syntax, data):
    return struct.pack("<II", syntax, len(data)) + data + bytes(-len(data) % 4)


def plist(*properties):
    """(name, format, data) …"""
    return (number(len(properties)) + b"".join(value(NAME, wide(n)) + value(0x10000 | f, d) + number(0)
                                               for n, f, d in properties) + number(0))


def parse(data):
    """{name: [(format, data), …]}, in order; everything must fit exactly."""
    found, at = {}, 4

    def take():
        nonlocal at
        syntax = struct.unpack_from("<I", data, at)[0]
        if syntax == 0:
            at += 4
            return 0, b""
        size = struct.unpack_from("<I", data, at + 4)[0]
        assert at + 8 + size <= len(data)
        piece = data[at + 8:at + 8 + size]
        at += 8 + size + -size % 4
        return syntax, piece

    for _ in range(struct.unpack_from("<I", data)[0]):
        syntax, name = take()
        assert syntax == NAME, hex(syntax)
        values = []
        while True:
            syntax, piece = take()
            if syntax == 0:
                break
            assert syntax >> 16 == 1, hex(syntax)
            values.append((syntax & 0xFFFF, piece))
        assert values
        found[text(name)] = values
    assert take() == (0, b"") and at == len(data), "the final end mark"
    return found


def text(data):
    assert data[-2:] == b"\0\0", data
    return data[:-2].decode("utf-16-le")


def texts(data):
    assert data[-2:] == b"\0\0", data
    return [t for t in data.decode("utf-16-le").split("\0") if t]
