"""The servers that are compared: each serves one fresh disk, and tells what it used."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

TICK = os.sysconf("SC_CLK_TCK")
IQN = "iqn.2026-11.dev.tidemark:"


def wait_for(what, probe, seconds=60):
    """Looks until probe() is true; fails after so many seconds."""
    end = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {seconds} s")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def listens(path):
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Daemon:
    """A process that is no child of this one."""

    def __init__(self, pid):
        self.pid = pid

    def terminate(self):
        os.kill(self.pid, signal.SIGTERM)

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds=60):
        wait_for("its end", lambda: not os.path.exists(f"/proc/{self.pid}"), seconds)


class Server:
    """A process that serves one disk of a file system's folder."""

    name = ""
    protocol = "nbd"

    def __init__(self, scratch, size):
        self.scratch = scratch
        self.size = size
        self.process = None

    def run(self, *command, **options):
        log = open(os.path.join(self.scratch, "server.log"), "ab")
        self.process = subprocess.Popen(command, stdout=log, stderr=log, **options)

    def raw_file(self):
        path = os.path.join(self.scratch, "disk.raw")
        with open(path, "wb") as file:
            file.truncate(self.size)
        return path

    def start(self):
        """Starts it on a fresh disk; self.url is where."""
        raise NotImplementedError

    def settle(self):
        """Waits until nothing of what was written is still on its way within the server."""

    def stop(self):
        if self.process:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None
        for name in os.listdir(self.scratch):
            path = os.path.join(self.scratch, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)

    def _processes(self):
        """The process and its children: some servers fork for each connection."""
        pids = [self.process.pid]
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/stat") as file:
                        parent = int(file.read().rsplit(")", 1)[1].split()[1])
                except OSError:
                    continue
                if parent == self.process.pid:
                    pids.append(int(entry))
        return pids

    def cpu_seconds(self):
        """CPU time used so far, that of ended children included."""
        total = 0
        for pid in self._processes():
            try:
                with open(f"/proc/{pid}/stat") as file:
                    fields = file.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            total += sum(int(field) for field in fields[11:15])
        return total / TICK

    def resident_bytes(self):
        total = 0
        for pid in self._processes():
            try:
                with open(f"/proc/{pid}/status") as file:
                    found = re.search(r"VmRSS:\s+(\d+) kB", file.read())
            except OSError:
                continue
            total += int(found.group(1)) * 1024 if found else 0
        return total

    def written_bytes(self):
        """Bytes that went to the file system's device, as the server or the kernel counts them."""
        total = 0
        for pid in self._processes():
            try:
                with open(f"/proc/{pid}/io") as file:
                    total += int(re.search(r"^write_bytes: (\d+)", file.read(), re.M).group(1))
            except OSError:
                continue
        return total


class Tidemark(Server):
    """This gateway with its default settings: journal, checkpoints, history."""

    name = "tidemark"
    root = ""
    disks = 1
    settings = ()

    def start(self):
        data = os.path.join(self.scratch, "data")
        port = free_port()
        self.run(
            os.path.join(self.root, "tidemark"), "serve", "--data", data,
            "--set", "nbd.listen=", "--set", "api.listen=127.0.0.1:0",
            "--set", f"iscsi.listen=127.0.0.1:{port}", *self.settings)
        announced = os.path.join(data, "gateway.json")
        wait_for("the gateway", lambda: os.path.exists(announced), 180)
        with open(announced) as file:
            self.api = json.load(file)["api"].rstrip("/")
        with open(os.path.join(data, "token")) as file:
            self.token = file.read().strip()
        for number in range(self.disks):
            self.call("/volumes", {"name": f"disk{number or ''}", "sizeBytes": self.size})
        self.socket = os.path.join(data, "nbd.sock")
        self.url = self.uri("disk")
        if self.protocol == "iscsi":
            self.url = f"iscsi://127.0.0.1:{port}/{IQN}disk/0"

    def uri(self, export):
        return f"nbd+unix:///{export}?socket={self.socket}"

    def call(self, path, body):
        request = urllib.request.Request(
            self.api + "/api/v1" + path, json.dumps(body).encode(),
            {"Authorization": "Bearer " + self.token, "Content-Type": "application/json"})
        return json.load(urllib.request.urlopen(request))

    def metrics(self):
        request = urllib.request.Request(
            self.api + "/metrics", headers={"Authorization": "Bearer " + self.token})
        text = urllib.request.urlopen(request).read().decode()
        return {name: float(value) for name, value in
                re.findall(r"^(tidemark_group_\w+)\{[^}]*\} (\S+)$", text, re.M)}

    def settle(self):
        wait_for("folding", lambda: self.metrics()["tidemark_group_unfolded_bytes"] == 0, 300)

    def written_bytes(self):
        # The kernel counts a whole large page for each small write into it.
        return self.metrics()["tidemark_group_device_bytes_total"]


class TidemarkIscsi(Tidemark):
    protocol = "iscsi"


# fio lets libnbd read no certificates: neither side looks at the other's. What is measured is the same.
TLS_QUERY = "&tls-verify-peer=false"


def make_certificates(server):
    """The folder of a server's certificate, and of the authority that signed it."""
    pki = os.path.join(server.scratch, "pki")
    tidemark = os.path.join(Tidemark.root, "tidemark")
    for words in (("init",), ("issue", "localhost", "--server")):
        subprocess.run([tidemark, "pki", *words, "--pki", pki], check=True,
                       stdout=subprocess.DEVNULL)
    return os.path.join(pki, "servers", "localhost")


class TidemarkTls(Tidemark):
    """The same inside TLS."""

    name = "tidemark-tls"

    def start(self):
        self.settings = ("--set", "nbd.tls.mode=require", "--set", "nbd.tls.clients=none",
                         "--set", f"nbd.tls.certificates={make_certificates(self)}")
        super().start()

    def uri(self, export):
        return f"nbds+unix://localhost/{export}?socket={self.socket}" + TLS_QUERY


class NbdKit(Server):
    name = "nbdkit"

    def start(self):
        path = os.path.join(self.scratch, "nbd.sock")
        self.run("nbdkit", "-f", "-U", path, "file", self.raw_file())
        wait_for(self.name, lambda: listens(path))
        self.url = f"nbd+unix:///?socket={path}"


class NbdKitOfMany(Server):
    """nbdkit with a folder of disks: one process for all."""

    name = "nbdkit"
    disks = 1

    def start(self):
        folder = os.path.join(self.scratch, "disks")
        os.mkdir(folder)
        for number in range(self.disks):
            with open(os.path.join(folder, f"disk{number or ''}"), "wb") as file:
                file.truncate(self.size)
        self.socket = os.path.join(self.scratch, "nbd.sock")
        self.run("nbdkit", "-f", "-U", self.socket, "file", f"dir={folder}")
        wait_for(self.name, lambda: listens(self.socket))

    def uri(self, export):
        return f"nbd+unix:///{export}?socket={self.socket}"


class NbdKitTls(Server):
    """nbdkit inside TLS."""

    name = "nbdkit-tls"

    def start(self):
        path = os.path.join(self.scratch, "nbd.sock")
        self.run("nbdkit", "-f", "-U", path, "--tls=require",
                 f"--tls-certificates={make_certificates(self)}", "file", self.raw_file())
        wait_for(self.name, lambda: listens(path))
        self.url = f"nbds+unix://localhost/?socket={path}" + TLS_QUERY


class QemuNbd(Server):
    name = "qemu-nbd"

    def start(self):
        path = os.path.join(self.scratch, "nbd.sock")
        self.run("qemu-nbd", "-t", "-e", "64", "-f", "raw", "--cache=writeback", "--discard=unmap",
                 "-k", path, self.raw_file())
        wait_for(self.name, lambda: listens(path))
        self.url = f"nbd+unix:///?socket={path}"


class NbdServer(Server):
    name = "nbd-server"

    def start(self):
        path = os.path.join(self.scratch, "nbd.sock")
        config = os.path.join(self.scratch, "config")
        with open(config, "w") as file:
            file.write(f"[generic]\nunixsock={path}\nport={free_port()}\nlistenaddr=127.0.0.1\n"
                       f"[disk]\nexportname={self.raw_file()}\nflush=true\nfua=true\ntrim=true\n")
        pid_file = os.path.join(self.scratch, "pid")
        subprocess.run(["nbd-server", "-C", config, "-p", pid_file], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self.name, lambda: os.path.exists(pid_file) and listens(path))
        with open(pid_file) as file:
            self.process = Daemon(int(file.read()))
        self.url = f"nbd+unix:///disk?socket={path}"


class Tgtd(Server):
    name = "tgtd"
    protocol = "iscsi"
    CONTROL = "71"

    def start(self):
        port = free_port()
        os.makedirs("/run/tgt", exist_ok=True)
        self.run("tgtd", "-f", "-C", self.CONTROL, "--iscsi", f"portal=127.0.0.1:{port}")
        wait_for(self.name, lambda: answers(port))
        for arguments in (
                ["--op", "new", "--mode", "target", "--tid", "1", "-T", IQN + "tgt"],
                ["--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1",
                 "-b", self.raw_file()],
                ["--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL"]):
            subprocess.run(["tgtadm", "-C", self.CONTROL, "--lld", "iscsi", *arguments], check=True)
        self.url = f"iscsi://127.0.0.1:{port}/{IQN}tgt/1"


NBD_SERVERS = (Tidemark, NbdKit, QemuNbd, NbdServer)
TLS_SERVERS = (TidemarkTls, NbdKitTls, Tidemark, NbdKit)
ISCSI_SERVERS = (TidemarkIscsi, Tgtd)
