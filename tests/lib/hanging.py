# SPDX-License-Identifier: Apache-2.0
"""hanging: a file system in memory (FUSE) that stops to answer one kind of request, for tests in Python.  Takes root.

    fs = hanging.HangingFs("/some/directory")  # Skip: not here.
    fs.hang(hanging.WRITE)                     # From the next one on, until:
    fs.go_on()

What hangs has been taken from the kernel and is not answered: whoever waits for it cannot be killed.  Requests of other kinds are
answered as before.  It runs in a process of its own; when that ends, the mount is dead."""
import atexit
import ctypes
import errno
import mmap
import os
import select
import signal
import stat
import struct
import time
import traceback

import tap

LOOKUP, GETATTR, SETATTR, MKDIR, UNLINK, RMDIR, RENAME = 1, 3, 4, 9, 10, 11, 12
OPEN, READ, WRITE, STATFS, FSYNC, FLUSH, INIT, READDIR, FSYNCDIR, CREATE = 14, 15, 16, 17, 20, 25, 26, 28, 30, 35
FORGET, RELEASE, OPENDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET, SETXATTR, RENAME2 = 2, 18, 27, 29, 36, 42, 21, 45
CLONE_NEWNS, MS_PRIVATE_ALL, MNT_FORCE_DETACH = 0x20000, 0x44000, 3
WANTED, HOLDING, DELAY_MS = 0, 4, 8  # Where in the shared page.


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def be_apart():
    """From now on only this process and its children see what is mounted."""
    tap.need_root()
    if _libc().unshare(CLONE_NEWNS) != 0 or _libc().mount(None, b"/", None, MS_PRIVATE_ALL, None) != 0:
        raise tap.Skip("mounts need a name space of their own, and this process may have none")


class Node:
    def __init__(self, mode):
        self.mode, self.data, self.children, self.mtime, self.uid, self.gid = mode, bytearray(), {}, time.time_ns(), 0, 0


class Server:
    """The other end of /dev/fuse."""

    def __init__(self, fuse, page):
        self.fuse, self.page = fuse, page
        self.nodes = {1: Node(stat.S_IFDIR | 0o777)}
        self.numbers = {id(self.nodes[1]): 1}
        self.held = []

    def number_of(self, node):
        number = self.numbers.setdefault(id(node), len(self.nodes) + 1)
        self.nodes[number] = node
        return number

    def attributes(self, node):
        seconds, nanoseconds = divmod(node.mtime, 10**9)
        return struct.pack("<QQQQQQIIIIIIIIII", self.number_of(node), len(node.data), (len(node.data) + 511) // 512,
                           seconds, seconds, seconds, nanoseconds, nanoseconds, nanoseconds, node.mode,
                           2 if node.children or stat.S_ISDIR(node.mode) else 1, node.uid, node.gid, 0, 4096, 0)

    def entry(self, node):
        return struct.pack("<QQQQII", self.number_of(node), 0, 0, 0, 0, 0) + self.attributes(node)

    def make(self, parent, name, mode, uid, gid):
        if name in parent.children:
            raise OSError(errno.EEXIST, "")
        node = parent.children[name] = Node(mode)
        node.uid, node.gid = uid, gid
        return node

    def rename(self, parent, other, body):
        old, new = body.split(b"\0")[:2]
        if old not in parent.children:
            raise OSError(errno.ENOENT, "")
        self.nodes[other].children[new] = parent.children.pop(old)
        return b""

    def set_attributes(self, node, body):
        valid, size = struct.unpack_from("<I12xQ", body)
        mtime, nanoseconds, mode = struct.unpack_from("<Q12xI4xI", body, 40)
        if valid & 1:
            node.mode = stat.S_IFMT(node.mode) | stat.S_IMODE(mode)
        if valid & 8:
            node.data[size:] = bytes(max(0, size - len(node.data)))
        if valid & 32:
            node.mtime = mtime * 10**9 + nanoseconds
        return struct.pack("<QII", 0, 0, 0) + self.attributes(node)

    def list(self, node, body):
        offset, size = struct.unpack_from("<QI", body, 8)
        out = b""
        for i, (name, child) in enumerate(list(node.children.items())[offset:], offset + 1):
            entry = struct.pack("<QQII", self.number_of(child), i, len(name), child.mode >> 12) + name
            entry += bytes(-len(entry) % 8)
            if len(out) + len(entry) > size:
                break
            out += entry
        return out

    def write(self, node, body):
        offset, size = struct.unpack_from("<QI", body, 8)
        data = body[40:40 + size]
        if len(node.data) < offset:
            node.data.extend(bytes(offset - len(node.data)))
        node.data[offset:offset + size] = data
        return struct.pack("<II", size, 0)

    def do(self, op, number, uid, gid, body):
        """What is answered; None: nothing."""
        if op in (FORGET, BATCH_FORGET, INTERRUPT):
            return None
        if op == INIT:
            return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 12, 9, 131072, 1, 32, 0, 0)
        node, name = self.nodes.get(number), body.split(b"\0")[0]
        if op == LOOKUP:
            if name not in node.children:
                raise OSError(errno.ENOENT, "")
            return self.entry(node.children[name])
        if op == GETATTR:
            return struct.pack("<QII", 0, 0, 0) + self.attributes(node)
        if op == SETATTR:
            return self.set_attributes(node, body)
        if op == MKDIR:
            mode, umask = struct.unpack_from("<II", body)
            return self.entry(self.make(node, body[8:].split(b"\0")[0], stat.S_IFDIR | (mode & ~umask & 0o7777), uid, gid))
        if op == CREATE:
            _, mode, umask = struct.unpack_from("<III", body)
            child = self.make(node, body[16:].split(b"\0")[0], stat.S_IFREG | (mode & ~umask & 0o7777), uid, gid)
            return self.entry(child) + struct.pack("<QII", 0, 0, 0)
        if op in (UNLINK, RMDIR):
            if name not in node.children:
                raise OSError(errno.ENOENT, "")
            if op == RMDIR and node.children[name].children:
                raise OSError(errno.ENOTEMPTY, "")
            del node.children[name]
            return b""
        if op in (RENAME, RENAME2):
            return self.rename(node, struct.unpack_from("<Q", body)[0], body[8 if op == RENAME else 16:])
        if op in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if op == READ:
            offset, size = struct.unpack_from("<QI", body, 8)
            return bytes(node.data[offset:offset + size])
        if op == WRITE:
            return self.write(node, body)
        if op == READDIR:
            return self.list(node, body)
        if op == STATFS:
            return struct.pack("<QQQQQIII4x24x", 1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20, 4096, 255, 4096)
        if op in (FSYNC, FSYNCDIR, FLUSH, RELEASE, RELEASEDIR):
            return b""
        raise OSError(errno.EOPNOTSUPP if op == SETXATTR else errno.ENOSYS, "")

    def answer(self, request):
        _, op, unique, number, uid, gid = struct.unpack_from("<IIQQII", request)
        try:
            out, error = self.do(op, number, uid, gid, request[40:]), 0
        except OSError as e:
            out, error = b"", e.errno
        if out is None:
            return
        try:
            os.write(self.fuse, struct.pack("<IiQ", 16 + len(out), -error, unique) + out)
        except OSError as e:
            if e.errno != errno.ENOENT:  # Who asked was interrupted.
                raise

    def shared(self, at):
        return struct.unpack_from("<I", self.page, at)[0]

    def turn(self):
        wanted = self.shared(WANTED)
        if wanted == 0 and self.held:
            for request in self.held:
                self.answer(request)
            self.held = []
        struct.pack_into("<I", self.page, HOLDING, len(self.held))
        if not select.select([self.fuse], [], [], 0.02)[0]:
            return
        request = os.read(self.fuse, 1 << 20)
        op = struct.unpack_from("<I", request, 4)[0]
        if op == wanted or (op == RENAME2 and wanted == RENAME):
            self.held.append(request)
            return
        time.sleep(self.shared(DELAY_MS) / 1000)
        self.answer(request)


class HangingFs:
    def __init__(self, path):
        """be_apart() first."""
        self.path = path
        self.page = mmap.mmap(-1, 4096)
        os.makedirs(path, exist_ok=True)
        try:
            fuse = os.open("/dev/fuse", os.O_RDWR)
        except OSError as e:
            raise tap.Skip("there is no FUSE here") from e
        options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions".encode()
        if _libc().mount(b"hanging", path.encode(), b"fuse", 0, options) != 0:
            raise tap.Skip("FUSE file systems may not be mounted here")
        self.pid = os.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            server = Server(fuse, self.page)
            try:
                while True:
                    server.turn()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os.close(fuse)
        atexit.register(self.end)

    def _set(self, at, value):
        struct.pack_into("<I", self.page, at, value)

    def hang(self, op):
        self._set(WANTED, op)

    def go_on(self):
        self._set(WANTED, 0)

    def slow(self, milliseconds):
        """Each request takes so long."""
        self._set(DELAY_MS, milliseconds)

    def holding(self):
        """How many requests hang."""
        return struct.unpack_from("<I", self.page, HOLDING)[0]

    def end(self):
        """By force, whatever hangs; who waits is told that the mount is dead."""
        if self.pid is None:
            return
        pid, self.pid = self.pid, None
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        _libc().umount2(self.path.encode(), MNT_FORCE_DETACH)
