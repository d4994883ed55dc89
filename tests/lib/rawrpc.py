# SPDX-License-Identifier: Apache-2.0
"""rawrpc: MS-CMRP 3.0 over the unix socket of a service, byte by byte, for what the library does not let one do.

    c = rawrpc.Client(cluster)                # A connection, and its association group
    d = rawrpc.Client(cluster, c.group)       # another one of the same client
    answer = c.call(55)                       # The answer's stub bytes; Fault if it is one
A call blocks its connection until it is answered.  text() and wide() are the strings of requests and answers."""
import os
import socket
import struct
import uuid

CLUSAPI = uuid.UUID("b97db8b2-4c63-11cf-bff6-08002be23f2f").bytes_le + struct.pack("<HH", 3, 0)
NDR = uuid.UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + struct.pack("<HH", 2, 0)
BIND, BIND_ACK, REQUEST, RESPONSE, FAULT, LAST = 11, 12, 0, 2, 3, 2


class Fault(Exception):
    pass


class Client:
    def __init__(self, cluster, group=0, timeout=30):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(os.path.join(cluster.directory, "run", "cluster"))
        self.call_id = 0
        self.send(BIND, struct.pack("<HHIB3xHBx", 5840, 5840, group, 1, 0, 1) + CLUSAPI + NDR)
        kind, _flags, body = self.receive()
        assert kind == BIND_ACK, kind
        self.group = struct.unpack_from("<I", body, 4)[0]

    def send(self, kind, body):
        self.call_id += 1
        self.socket.sendall(struct.pack("<BBBBIHHI", 5, 0, kind, 3, 0x10, 16 + len(body), 0, self.call_id) + body)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        header = self.exactly(16)
        return header[2], header[3], self.exactly(struct.unpack_from("<H", header, 8)[0] - 16)

    def begin(self, opnum, stub=b""):
        self.send(REQUEST, struct.pack("<IHH", len(stub), 0, opnum) + stub)

    def end(self):
        stub, flags = b"", 0
        while not flags & LAST:
            kind, flags, body = self.receive()
            if kind == FAULT:
                raise Fault(struct.unpack_from("<I", body, 8)[0])
            assert kind == RESPONSE, kind
            stub += body[8:]
        return stub

    def call(self, opnum, stub=b""):
        self.begin(opnum, stub)
        return self.end()

    def close(self):
        self.socket.close()


def wstr(text):
    """A conformant varying string that is a parameter."""
    units = len(text) + 1
    data = struct.pack("<III", units, 0, units) + (text + "\0").encode("utf-16-le")
    return data + bytes(-len(data) % 4)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def u32(self):
        self.at += -self.at % 4
        value = struct.unpack_from("<I", self.data, self.at)[0]
        self.at += 4
        return value

    def u64(self):
        self.at += -self.at % 8
        value = struct.unpack_from("<Q", self.data, self.at)[0]
        self.at += 8
        return value

    def handle(self):
        self.at += 20
        return self.data[self.at - 20:self.at]

    def string(self):
        """What a unique pointer to a string points to."""
        _maximum, _offset, units = self.u32(), self.u32(), self.u32()
        self.at += 2 * units
        return self.data[self.at - 2 * units:self.at].decode("utf-16-le").rstrip("\0")

    def bytes(self):
        size = self.u32()
        self.at += size
        return self.data[self.at - size:self.at]
