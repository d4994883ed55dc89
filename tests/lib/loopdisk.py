# SPDX-License-Identifier: Apache-2.0
"""loopdisk: a disk with a partition table of one's own choice, on a loop device, with a file system on its first partition.

    with loopdisk.LoopDisk([1, 300], "dos") as disk:     # Skip where that cannot be had
        disk.mount("/somewhere")

and Tmpfs(), which has no device.

The table is read by partx and told to the kernel (BLKPG), for kernels that do not read it themselves.  What is left when
the program ends, by whatever way but SIGKILL, is unmounted and detached."""
import atexit
import os
import shutil
import stat
import subprocess

import tap

SIZE = 1 << 30  # Sparse.
TOOLS = ("losetup", "sfdisk", "partx", "mkfs.ext4", "mount", "umount")


def tool(*words, text=None):
    done = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise tap.Skip(f"no loop devices or mounts here: {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()


class Tmpfs:
    """A file system without a block device."""

    def __init__(self):
        tap.need_root()
        self.mounted = None
        atexit.register(self.remove, os.getpid())

    def mount(self, where):
        tool("mount", "-t", "tmpfs", "none", where)
        self.mounted = where

    def remove(self, owner):
        if os.getpid() == owner and self.mounted is not None:
            subprocess.run(["umount", self.mounted], check=False)
            self.mounted = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove(os.getpid())


class LoopDisk(Tmpfs):
    def __init__(self, starts, label):
        """Partitions of 256 MiB that begin at these MiB, in a table of that kind: dos or gpt."""
        os.environ["PATH"] += ":/usr/sbin:/sbin"
        for name in TOOLS:
            if shutil.which(name) is None:
                raise tap.Skip(f"no loop devices with partitions here: there is no {name}")
        self.device = None
        super().__init__()
        image = os.path.join(tap.temporary(), "image")
        with open(image, "wb") as f:
            f.truncate(SIZE)
        tool("sfdisk", "--quiet", image, text=f"label: {label}\n" + "".join(f"start={s}MiB, size=256MiB\n" for s in starts))
        try:
            self.device = tool("losetup", "--find", "--show", image)
            tool("partx", "--update", self.device)
            self.partition = self.node_of(os.path.basename(self.device) + "p1", os.path.dirname(image))
            tool("mkfs.ext4", "-q", "-F", self.partition)
        except BaseException:
            self.remove(os.getpid())
            raise

    @staticmethod
    def node_of(name, directory):
        """Its device node, made if nobody else has."""
        if os.path.exists(f"/dev/{name}"):
            return f"/dev/{name}"
        with open(f"/sys/class/block/{name}/dev", encoding="ascii") as f:
            major, minor = map(int, f.read().split(":"))
        node = os.path.join(directory, name)
        os.mknod(node, stat.S_IFBLK | 0o600, os.makedev(major, minor))
        return node

    def mount(self, where):
        tool("mount", self.partition, where)
        self.mounted = where

    def remove(self, owner):
        super().remove(owner)
        if os.getpid() == owner and self.device is not None:
            subprocess.run(["partx", "--delete", self.device], check=False)
            subprocess.run(["losetup", "--detach", self.device], check=False)
            self.device = None
