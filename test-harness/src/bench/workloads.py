"""What is measured: a client, how it is called, and the goal beside the best peer."""

import json
import os
import re
import subprocess
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """rate: operations (or bytes, for sequential ones) a second; p99: microseconds or None."""

    rate: float
    p99: float
    operations: float
    bytes_written: float


@dataclass(frozen=True)
class Workload:
    """goal: ratio to the best peer; baseline: the peer it is held against, None for the best."""

    name: str
    unit: str
    options: tuple
    goal: float = None
    baseline: str = None
    writes: bool = False
    fresh: bool = False  # measured on a disk of which nothing was written

    def run(self, server, seconds):
        raise NotImplementedError


class Fio(Workload):
    """fio's nbd engine; a connection for each job."""

    def run(self, server, seconds):
        report = os.path.join(server.scratch, "fio.json")
        subprocess.run(
            ["fio", "--name=job", "--ioengine=nbd", f"--uri={server.url}",
             f"--size={server.size}", *self.options, "--time_based", f"--runtime={seconds}",
             "--ramp_time=1", "--group_reporting", "--output-format=json",
             f"--output={report}"], check=True, stdout=subprocess.DEVNULL)
        with open(report) as file:
            text = file.read()
        job = json.loads(text[text.index("{"):])["jobs"][0]
        kind = "iops" if self.unit == "IO/s" else "bw_bytes"
        sides = [job[side] for side in ("read", "write") if job[side]["total_ios"]]
        return Result(
            sum(side[kind] for side in sides),
            max(side["clat_ns"]["percentile"]["99.000000"] for side in sides) / 1000,
            sum(side["total_ios"] for side in sides),
            job["write"]["io_bytes"])


class NbdCopy(Workload):
    """nbdcopy over all of the disk, as often as the time allows; its own start counts too."""

    def run(self, server, seconds):
        image = os.path.join(server.scratch, "copied.raw")
        if self.writes:
            with open(image, "wb") as file:
                block = os.urandom(1 << 20)
                for _ in range(server.size >> 20):
                    file.write(block)
        ends = (image, server.url) if self.writes else (server.url, "null:")
        started = time.monotonic()
        copies = 0
        while copies == 0 or time.monotonic() - started < seconds:
            subprocess.run(["nbdcopy", *self.options, *ends], check=True)
            copies += 1
        took = time.monotonic() - started
        copied = copies * server.size
        return Result(copied / took, None, copied >> 18, copied if self.writes else 0)


class Perf(Workload):
    """iscsi-perf: reads only, so many in flight."""

    def run(self, server, seconds):
        done = subprocess.run(
            ["iscsi-perf", "-t", str(seconds), *self.options, server.url],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds + 60, check=False)
        found = re.findall(r"iops average (\d+) \((\d+) MB/s\)", done.stdout.decode())
        if not found:
            raise RuntimeError("iscsi-perf printed no average: " + done.stdout.decode()[-300:])
        operations = int(found[-1][0])
        blocks = int(self.options[self.options.index("-b") + 1])
        rate = operations if self.unit == "IO/s" else operations * blocks * 512
        return Result(rate, None, operations * seconds, 0)


class QemuBench(Workload):
    """qemu-img bench: reads or writes in steps over the disk; its own start counts too."""

    def run(self, server, seconds):
        size = int(self.options[self.options.index("-s") + 1])
        count = 1000
        while True:
            done = subprocess.run(
                ["qemu-img", "bench", "-f", "raw", "-t", "none", "-c", str(count), *self.options,
                 server.url], capture_output=True, text=True, check=True)
            took = float(re.search(r"completed in ([\d.]+) seconds", done.stdout).group(1))
            if took >= seconds / 2 or count >= 10_000_000:
                break
            count = int(count * min(20, max(1.5, seconds / max(took, 0.01))))
        rate = count / took
        written = count * size if "-w" in self.options else 0
        return Result(rate if self.unit == "IO/s" else rate * size, None, count, written)


def fio(name, unit, options, goal=None, baseline="nbdkit"):
    writes = "write" in options or "randrw" in options
    return Fio(name, unit, tuple(options.split()), goal, baseline, writes)


def qemu(name, unit, options, goal=2.0):
    return QemuBench(name, unit, tuple(options.split()), goal, "tgtd", "-w" in options.split())


NBD = (
    fio("4 KiB random read, depth 1", "IO/s", "--rw=randread --bs=4k --iodepth=1", 1.2),
    fio("4 KiB random read, depth 32", "IO/s", "--rw=randread --bs=4k --iodepth=32", 1.8),
    fio("4 KiB random read, depth 32, 4 connections", "IO/s",
        "--rw=randread --bs=4k --iodepth=32 --numjobs=4"),
    fio("4 KiB random read, depth 128", "IO/s", "--rw=randread --bs=4k --iodepth=128"),
    fio("256 KiB sequential read, depth 8", "B/s", "--rw=read --bs=256k --iodepth=8", 1.1),
    fio("1 MiB sequential read, depth 4", "B/s", "--rw=read --bs=1m --iodepth=4"),
    fio("70/30 random 4 KiB, depth 32", "IO/s",
        "--rw=randrw --rwmixread=70 --bs=4k --iodepth=32"),
    fio("4 KiB random write, depth 1", "IO/s", "--rw=randwrite --bs=4k --iodepth=1", 1.2),
    fio("4 KiB random write, depth 32", "IO/s", "--rw=randwrite --bs=4k --iodepth=32", 1.2),
    fio("4 KiB random write, depth 32, 4 connections", "IO/s",
        "--rw=randwrite --bs=4k --iodepth=32 --numjobs=4"),
    fio("4 KiB random write, depth 128", "IO/s", "--rw=randwrite --bs=4k --iodepth=128"),
    fio("4 KiB random write, flush every 8", "IO/s",
        "--rw=randwrite --bs=4k --iodepth=1 --fsync=8", 1.5),
    fio("4 KiB random write, flush every 1", "IO/s",
        "--rw=randwrite --bs=4k --iodepth=1 --fsync=1", 1.5),
    fio("256 KiB sequential write, depth 8", "B/s", "--rw=write --bs=256k --iodepth=8", 0.9),
    fio("1 MiB sequential write, depth 4", "B/s", "--rw=write --bs=1m --iodepth=4"),
    NbdCopy("nbdcopy from the disk", "B/s", ("--connections=4",)),
    NbdCopy("nbdcopy to the disk", "B/s", ("--connections=4",), writes=True),
    Fio("256 KiB sequential read of holes, depth 8", "B/s",
        ("--rw=read", "--bs=256k", "--iodepth=8"), fresh=True),
    NbdCopy("nbdcopy from a disk of holes", "B/s", ("--connections=4",), fresh=True),
)

# The names of peers are those of the servers inside TLS.
TLS = tuple(
    fio(name, unit, options, baseline="nbdkit-tls") for name, unit, options in (
        ("4 KiB random read, depth 32", "IO/s", "--rw=randread --bs=4k --iodepth=32"),
        ("4 KiB random write, depth 32", "IO/s", "--rw=randwrite --bs=4k --iodepth=32"),
        ("1 MiB sequential read, depth 4", "B/s", "--rw=read --bs=1m --iodepth=4"),
        ("1 MiB sequential write, depth 4", "B/s", "--rw=write --bs=1m --iodepth=4"),
    ))

ISCSI = (
    Perf("4 KiB random read, depth 1", "IO/s", ("-r", "-m", "1", "-b", "8"), 2.0, "tgtd"),
    Perf("4 KiB random read, depth 32", "IO/s", ("-r", "-m", "32", "-b", "8"), 2.0, "tgtd"),
    Perf("4 KiB random read, depth 128", "IO/s", ("-r", "-m", "128", "-b", "8"), 2.0, "tgtd"),
    Perf("256 KiB sequential read, depth 8", "B/s", ("-m", "8", "-b", "512"), 2.0, "tgtd"),
    qemu("4 KiB read, depth 32, QEMU", "IO/s", "-d 32 -s 4096 -S 1068032"),
    qemu("4 KiB write, depth 1, QEMU", "IO/s", "-w -d 1 -s 4096 -S 1068032"),
    qemu("4 KiB write, depth 32, QEMU", "IO/s", "-w -d 32 -s 4096 -S 1068032"),
    qemu("4 KiB write, depth 64, QEMU, a flush every 64", "IO/s",
         "-w -d 64 --flush-interval 64 -s 4096 -S 1068032"),
    qemu("256 KiB sequential write, depth 8, QEMU", "B/s", "-w -d 8 -s 262144"),
)

WARM_UP = {
    "nbd": (
        fio("warm-up", "IO/s", "--rw=randread --bs=4k --iodepth=32"),
        fio("warm-up", "IO/s", "--rw=randwrite --bs=4k --iodepth=32"),
    ),
    "iscsi": (
        Perf("warm-up", "IO/s", ("-r", "-m", "32", "-b", "8")),
        qemu("warm-up", "IO/s", "-w -d 32 -s 4096 -S 1068032"),
    ),
}
