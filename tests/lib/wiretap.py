# SPDX-License-Identifier: Apache-2.0
"""wiretap: what clients really say to a port of the loopback device: how DCE/RPC messages to it are protected.

    with Wiretap(49155) as tap:
        ...
    tap.binds      {(10, 6)}: every bind, alter_context and auth3 was NTLM at level privacy
    tap.requests   {(10, 6)}: so was every request; (0, 0) is one without a trailer

A test that names a mode shows with it that the mode was in use.  Only root of the network's namespace may listen so.  Sees
messages that begin a segment and fit into it; those of clients that wait for answers do."""
import socket
import struct
import threading

REQUEST, BIND, ALTER, AUTH3 = 0, 11, 14, 16


class Wiretap:
    def __init__(self, port):
        self.port, self.binds, self.requests, self.ended = port, set(), set(), False

    def __enter__(self):
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        self.socket.bind(("lo", 0))
        self.socket.settimeout(0.1)
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended = True
        self.thread.join()
        self.socket.close()

    def listen(self):
        while True:
            try:
                frame = self.socket.recv(1 << 17)
            except TimeoutError:
                if self.ended:
                    return
                continue
            if frame[12:14] == b"\x08\x00" and frame[23] == 6:
                self.take_segment(frame[14:])

    def take_segment(self, packet):
        tcp = packet[(packet[0] & 15) * 4:]
        data = tcp[(tcp[12] >> 4) * 4:]
        if struct.unpack(">H", tcp[2:4])[0] != self.port or len(data) < 16 or data[:2] != b"\5\0":
            return
        length, auth_length = struct.unpack("<HH", data[8:12])
        if length > len(data):
            return
        at = length - auth_length - 8
        protection = (data[at], data[at + 1]) if auth_length > 0 else (0, 0)
        if data[2] == REQUEST:
            self.requests.add(protection)
        elif data[2] in (BIND, ALTER, AUTH3):
            self.binds.add(protection)
