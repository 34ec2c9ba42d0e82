"""Compares this gateway with other servers; see scripts/bench --help."""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import servers
import workloads

USAGE = """
Every server serves one disk over the same transport (NBD: a unix socket; iSCSI: TCP on loopback),
on the same file system, with fresh data written once before and a
warm-up of reads and writes that is not counted; the same client, one server after the
other, the order turning from round to round. Before each workload, what was written before is
settled (tidemark: folded; all: synced to the disk).

  tidemark    this gateway at its defaults: every write journaled, a checkpoint a second, history
  nbdkit      nbdkit's file plugin on a raw file
  qemu-nbd    on a raw file, cache=writeback
  nbd-server  on a raw file
  tgtd        tgt on a raw file (iSCSI)

Prints a Markdown table: medians, spread, CPU time of the server for each operation, and ratios to
the peer that the goal is held against; above 1 is faster. With --output also JSON, with every
single figure.

examples:
  scripts/bench                                    # bursts over NBD and iSCSI, 3 rounds
  scripts/bench --protocol iscsi --rounds 5
  scripts/bench --only "depth 32" --seconds 3
  scripts/bench --tls                              # NBD inside TLS, beside nbdkit and beside plain
  scripts/bench --sustained 600                    # folding and the device's limits show
  scripts/bench --gateway                          # memory, start, tests beside the live disk
  scripts/bench --amplification                    # device bytes for each host byte
  scripts/bench --link                             # what the link between two sites carries
"""


# So long a just-in-time compiler takes on two cores until it is done with the way of a request.
WARM_UP_SECONDS = 12
TITLES = {"nbd": "NBD", "iscsi": "iSCSI", "tls": "NBD, inside TLS and outside"}


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Compares this gateway with other servers.",
        epilog=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--protocol", choices=("nbd", "iscsi", "both"), default="both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default 5)")
    parser.add_argument("--size", default="2G", help="of the disk (default 2G)")
    parser.add_argument("--only", metavar="TEXT", help="workloads with this text in their names")
    parser.add_argument("--servers", metavar="NAME,...", help="these servers only")
    parser.add_argument("--tls", action="store_true",
                        help="NBD inside TLS 1.3 and outside")
    parser.add_argument("--sustained", type=int, metavar="SECONDS",
                        help="random writes for so long, to a hot set and to all of the disk")
    parser.add_argument("--amplification", action="store_true",
                        help="device bytes for each host byte, everything folded")
    parser.add_argument("--gateway", action="store_true",
                        help="what concerns the gateway alone: 64 disks, start, tests, memory")
    # scripts/bench looks for it and starts another program, which reads the words itself.
    parser.add_argument("--link", action="store_true",
                        help="what the link between two sites carries, for each core;"
                             " takes --rounds, --seconds and --output")
    parser.add_argument("--output", metavar="FILE", help="write JSON here as well")
    return parser.parse_args()


def size_of(text):
    units = {"K": 10, "M": 20, "G": 30, "T": 40}
    return int(text[:-1]) << units[text[-1].upper()] if text[-1].isalpha() else int(text)


def fill(server):
    """Writes all of the disk once."""
    if server.protocol == "nbd":
        subprocess.run(["fio", "--name=fill", "--ioengine=nbd", f"--uri={server.url}",
                        f"--size={server.size}", "--rw=write", "--bs=1m", "--iodepth=4",
                        "--output=/dev/null"], check=True)
    else:
        subprocess.run(["qemu-img", "bench", "-f", "raw", "-t", "none", "-w", "-d", "4", "-s",
                        "1048576", "-c", str(server.size >> 20), server.url],
                       check=True, stdout=subprocess.DEVNULL)


def warm_up(server):
    """Some seconds of everything, not counted: caches fill, code is compiled."""
    for workload in workloads.WARM_UP[server.protocol]:
        workload.run(server, WARM_UP_SECONDS)


def settle(server):
    server.settle()
    os.sync()


def measure(server, workload, seconds):
    """One figure of one workload."""
    settle(server)
    cpu = server.cpu_seconds()
    written = server.written_bytes()
    result = workload.run(server, seconds)
    used = server.cpu_seconds() - cpu
    return {
        "rate": result.rate,
        "p99": result.p99,
        "cpu_us": used * 1e6 / max(1, result.operations),
        "resident": server.resident_bytes(),
        "device_bytes": server.written_bytes() - written,
        "host_bytes": result.bytes_written,
    }


def note(figures, turn, kind, workload, seconds, server):
    """Measures and keeps a figure. A client that fails costs this figure, not the run."""
    told = f"bench: round {turn + 1} {kind.name:11} {workload.name}:"
    try:
        figure = measure(server, workload, seconds)
    except (subprocess.CalledProcessError, RuntimeError) as failure:
        print(told, "FAILED:", failure, file=sys.stderr, flush=True)
        return
    figures.setdefault(workload.name, {}).setdefault(kind.name, []).append(figure)
    print(told, f"{figure['rate']:,.0f} {workload.unit}", file=sys.stderr, flush=True)


def compare(options, scratch, kinds, chosen):
    """Rounds over servers over workloads; a list of figures for each pair."""
    figures = {}
    for turn in range(options.rounds):
        order = kinds[turn % len(kinds):] + kinds[:turn % len(kinds)]
        for kind in order:
            server = kind(scratch, size_of(options.size))
            try:
                server.start()
                fresh = [workload for workload in chosen if workload.fresh]
                filled = [workload for workload in chosen if not workload.fresh]
                for workload in fresh:
                    workload.run(server, WARM_UP_SECONDS)
                    note(figures, turn, kind, workload, options.seconds, server)
                if filled:
                    fill(server)
                    warm_up(server)
                for workload in filled:
                    note(figures, turn, kind, workload, options.seconds, server)
            finally:
                server.stop()
    return figures


def median(figures, key):
    values = [figure[key] for figure in figures if figure[key] is not None]
    return statistics.median(values) if values else None


def shown(workload, value):
    return f"{value:,.0f}" if workload.unit == "IO/s" else f"{value / 2**20:,.0f}"


def report(chosen, figures, names, ours="tidemark"):
    peers = [name for name in names if name != ours]
    print("| Workload | Unit | " + " | ".join(names) + " | spread | "
          + " | ".join("to " + name for name in peers)
          + " | goal | met | p99 us | CPU us each |")
    print("|---|---|" + "--:|" * (len(names) + len(peers) + 2) + "---|---|---|")
    for workload in chosen:
        row = figures.get(workload.name, {})
        if ours not in row:
            continue
        rates = {name: median(row[name], "rate") for name in names if name in row}
        own = [figure["rate"] for figure in row[ours]]
        ratios = {name: rates[ours] / rates[name] for name in peers if name in rates}
        held = workload.baseline if workload.baseline in ratios else None
        goal = f"{workload.goal} x {held}" if workload.goal and held else ""
        met = "" if not goal else "yes" if ratios[held] >= workload.goal else "**no**"
        p99 = {name: median(row[name], "p99") for name in (ours, held) if name in row}
        cpu = {name: median(row[name], "cpu_us") for name in (ours, held) if name in row}
        print("| " + " | ".join(
            [workload.name, "IO/s" if workload.unit == "IO/s" else "MiB/s"]
            + [shown(workload, rates[name]) if name in rates else "" for name in names]
            + [f"{min(own) / rates[ours]:.2f}-{max(own) / rates[ours]:.2f}"]
            + [f"{ratios[name]:.2f}" if name in ratios else "" for name in peers]
            + [goal, met,
               " / ".join(f"{value:,.0f}" for value in p99.values() if value is not None),
               " / ".join(f"{value:,.1f}" for value in cpu.values())]) + " |")
    print()


def machine(options):
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if "model name" in line), "?")
    return (f"{os.cpu_count()} cores, {model}, kernel {platform.release()}, load"
            f" {os.getloadavg()[0]:.1f} at the start; {options.rounds} rounds of"
            f" {options.seconds} s, disk of {options.size}.")


# What concerns the gateway alone

HOT = ("hot 16 MiB, random 4 KiB", True,
       "--rw=randwrite --bs=4k --iodepth=16 --norandommap=1", 16 << 20)
UNIFORM = ("uniform random 4 KiB", True,
           "--rw=randwrite --bs=4k --iodepth=16 --norandommap=1", None)
TOUCHES = (
    ("first touch, 64 KiB sequential", False, "--rw=write --bs=64k --iodepth=4", None),
    ("first touch, 4 KiB random", False, "--rw=randwrite --bs=4k --iodepth=16", None),
)


def long_write(server, workload, seconds):
    """Writes for so long; host bytes, device bytes once all is settled, operations a second."""
    name, filled, words, span = workload
    if filled:
        fill(server)
    settle(server)
    before = server.written_bytes()
    report_file = os.path.join(server.scratch, "fio.json")
    limit = [] if "sequential" in name else ["--time_based", f"--runtime={seconds}"]
    subprocess.run(["fio", "--name=job", "--ioengine=nbd", f"--uri={server.url}",
                    f"--size={span or server.size}", *words.split(), *limit,
                    "--output-format=json", f"--output={report_file}"],
                   check=True, stdout=subprocess.DEVNULL)
    with open(report_file) as file:
        text = file.read()
    written = json.loads(text[text.index("{"):])["jobs"][0]["write"]
    settle(server)
    return written["io_bytes"], server.written_bytes() - before, written["iops"]


def amplification(options, scratch):
    print("| Workload | Host wrote | Device bytes per host byte |\n|---|--:|--:|")
    for workload in TOUCHES + (UNIFORM, HOT):
        server = servers.Tidemark(scratch, size_of(options.size))
        try:
            server.start()
            host, device, _ = long_write(server, workload, options.seconds)
        finally:
            server.stop()
        print(f"| {workload[0]} | {host / 2**20:,.0f} MiB | {device / host:.2f} |", flush=True)


def sustained(options, scratch, kinds):
    print("| Workload | Server | IO/s | Device bytes per host byte | Goal |\n|---|---|--:|--:|---|")
    for workload, goal in ((HOT, 2.1), (UNIFORM, 3.2)):
        for kind in kinds:
            server = kind(scratch, size_of(options.size))
            try:
                server.start()
                host, device, rate = long_write(server, workload, options.sustained)
            finally:
                server.stop()
            own = kind is servers.Tidemark
            print(f"| {workload[0]} | {kind.name} | {rate:,.0f} |"
                  f" {device / host:.2f} | {f'<= {goal}' if own else ''} |", flush=True)


class Readers:
    """Reads the disks of tests, 50 times a second each, until told to stop."""

    def __init__(self, server, exports):
        reader = os.path.join(os.path.dirname(os.path.abspath(__file__)), "read_disks.py")
        self.process = subprocess.Popen(
            ["/usr/bin/python3", reader, "50", *[server.uri(export) for export in exports]])

    def stop(self):
        if self.process.poll() is not None:
            raise RuntimeError("the readers of the tests' disks ended by themselves")
        self.process.kill()
        self.process.wait()


def many_disks(server, seconds):
    """64 disks at once with a little load each."""
    server.disks = 64
    try:
        server.start()
        before = server.cpu_seconds()
        jobs = [subprocess.Popen(
            ["fio", "--name=j", "--ioengine=nbd", f"--uri={server.uri(f'disk{n or str()}')}",
             "--size=256m", "--rw=randrw", "--bs=4k", "--iodepth=1", "--rate_iops=20",
             "--time_based", f"--runtime={seconds}", "--output=/dev/null"])
            for n in range(64)]
        for job in jobs:
            job.wait()
        own = isinstance(server, servers.Tidemark)
        print(f"| {server.name}: memory with 64 disks, each read and written 20 times a second |"
              f" {server.resident_bytes() / 2**20:,.0f} MiB | {'<= 512 MiB' if own else ''} |")
        print(f"| {server.name}: CPU time for that |"
              f" {(server.cpu_seconds() - before) / seconds * 100:,.0f} % of a core | |", flush=True)
    finally:
        server.stop()


def gateway(options, scratch):
    print("| What | Figure | Goal |\n|---|--:|---|")
    for server in (servers.Tidemark(scratch, 256 << 20), servers.NbdKitOfMany(scratch, 256 << 20)):
        many_disks(server, options.seconds * 4)

    times = []
    for _ in range(options.rounds):
        server = servers.Tidemark(scratch, 256 << 20)
        data = os.path.join(scratch, "data")
        try:
            server.start()
            server.process.terminate()
            server.process.wait()
            started = time.monotonic()
            server.run(os.path.join(server.root, "tidemark"), "serve", "--data", data,
                       "--set", "nbd.listen=", "--set", "api.listen=127.0.0.1:0")
            servers.wait_for("the first reply", lambda: subprocess.run(
                ["nbdinfo", "--size", server.url], capture_output=True).returncode == 0)
            times.append(time.monotonic() - started)
        finally:
            server.stop()
    print(f"| start of serve to the first NBD reply | {statistics.median(times):.2f} s |"
          " <= 1.5 s |", flush=True)

    beside_tests(options, scratch)


def beside_tests(options, scratch):
    """
    Live writes while 16 tests are read. The client that reads takes processor time as well, so the
    same reads are also sent to another server: what that costs is not the tests' doing.
    """
    write = workloads.fio("w", "IO/s", "--rw=randwrite --bs=4k --iodepth=1 --rate_iops=2000")
    found = {"alone": [], "other": [], "tests": []}
    for _ in range(options.rounds):
        server = servers.Tidemark(scratch, size_of(options.size))
        other = servers.NbdKitOfMany(tempfile.mkdtemp(dir=scratch), server.size)
        other.disks = 16
        try:
            server.start()
            other.start()
            fill(server)
            write.run(server, WARM_UP_SECONDS)
            settle(server)
            found["alone"].append(write.run(server, options.seconds).p99)
            drill = server.call("/tests", {"at": ["latest"] * 16})
            exports = [test["exports"][0]["name"] for test in drill["tests"]]
            others = [f"disk{number or ''}" for number in range(other.disks)]
            for name, read, disks in (("tests", server, exports), ("other", other, others)):
                readers = Readers(read, disks)
                write.run(server, WARM_UP_SECONDS)
                found[name].append(write.run(server, options.seconds).p99)
                readers.stop()
        finally:
            other.stop()
            server.stop()
    p99 = {name: statistics.median(values) for name, values in found.items()}
    for name, what, goal in (
            ("tests", "while 16 tests are read 800 times a second", "<= 1.3"),
            ("other", "while 16 disks of nbdkit are read so instead", "")):
        print(f"| p99 of live 4 KiB writes {what}, to without |"
              f" {p99[name] / p99['alone']:.2f} ({p99[name]:,.0f} to {p99['alone']:,.0f} us) |"
              f" {goal} |", flush=True)


def main():
    options = arguments()
    servers.Tidemark.root = os.environ["TIDEMARK_ROOT"]
    scratch = tempfile.mkdtemp(prefix="tidemark-bench.", dir=os.environ.get("TMPDIR", "/var/tmp"))
    everything = {"machine": machine(options), "options": vars(options)}
    print(everything["machine"] + "\n")
    wanted = options.servers.split(",") if options.servers else None
    try:
        if options.amplification:
            amplification(options, scratch)
            return
        if options.sustained:
            sustained(options, scratch, (servers.Tidemark, servers.NbdKit))
            return
        if options.gateway:
            gateway(options, scratch)
            return
        compared = (
            (("tls", servers.TLS_SERVERS, workloads.TLS, "tidemark-tls"),) if options.tls else
            (("nbd", servers.NBD_SERVERS, workloads.NBD, "tidemark"),
             ("iscsi", servers.ISCSI_SERVERS, workloads.ISCSI, "tidemark")))
        for protocol, kinds, all_of_them, ours in compared:
            if options.protocol not in (protocol, "both") and not options.tls:
                continue
            kinds = tuple(kind for kind in kinds if not wanted or kind.name in wanted)
            chosen = [one for one in all_of_them if not options.only or options.only in one.name]
            figures = compare(options, scratch, kinds, chosen)
            everything[protocol] = figures
            print(f"Over {TITLES[protocol]}:\n")
            report(chosen, figures, [kind.name for kind in kinds], ours)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        if options.output:
            with open(options.output, "w") as file:
                json.dump(everything, file, indent=1)


main()
