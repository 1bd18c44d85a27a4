"""The servers that are measured, each a fresh process pinned to one core, and the load tool on the other."""

import json
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("CARILLON_BUILD") or ROOT / "build" / "release")
LISTENING = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")
START_SECONDS = 30
SPARE_JOURNALS = 3  # the hub fills them in the background after its start: not a reader's cost
CONFIG = '[[topics]]\npattern = "mem.**"\ndurability = "memory"\n'
SUBSCRIPTIONS = 10  # of a session, where one has several


class Wrong(Exception):
    """A run whose figure would mean nothing."""


def raise_open_files():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def busy_seconds():
    """Time that all cores together were not idle since boot."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / os.sysconf("SC_CLK_TCK")


class Neighbours:
    """How many cores others used between its making and cores(): kernel threads count as others.

    A woken server waits for the next scheduler tick (4 ms here) behind a busy neighbour, and a floor of one
    thread waits more often than a hub of several. Rates measured so have shown a hub at 1.96 x its floor that
    is at 0.5 x without neighbours.
    """

    def __init__(self, own_seconds):
        self.own_seconds = own_seconds
        self.begin = (time.monotonic(), busy_seconds(), self.own())

    def own(self):
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return self.own_seconds() + used.ru_utime + used.ru_stime

    def cores(self):
        wall, busy, own = (
            after - before
            for after, before in zip(
                (time.monotonic(), busy_seconds(), self.own()), self.begin, strict=True
            )
        )
        return max(0.0, (busy - own) / wall)


def program(name):
    found = BUILD / "bench" / name
    if not found.exists():
        raise SystemExit(f"{found} is missing: ninja -C {BUILD} bench")
    return str(found)


class Server:
    """A running server and its folder, which goes with it. `get` and `post` are its paths.

    `form` is how readers read: `sse`, `websocket`, `deflate` or `session`. `heartbeat` is for the
    hub: the others are silent while nothing is published.
    """

    def __init__(self, cores, folder, topic="mem.bench", form="sse", heartbeat=""):
        self.cores = cores
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
        self.topic, self.form, self.heartbeat = topic, form, heartbeat
        self.get = self.post = f"/t/{topic}"
        self.process = None
        self.port = 0

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if self.kill_at_end else signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    kill_at_end = True
    start_seconds = START_SECONDS
    priority = ()  # `chrt -f 1` with --realtime: neighbours no longer count, but users do not run it so

    def command(self):
        raise NotImplementedError

    def spawn(self, arguments):
        self.errors = self.folder / "stderr"
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [*Server.priority, "taskset", "-c", self.cores[0], *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env={k: v for k, v in os.environ.items() if not k.startswith("CARILLON_")},
            )

    def start(self):
        self.spawn(self.command())
        end = time.monotonic() + self.start_seconds
        while True:
            said = LISTENING.search(self.errors.read_text(errors="replace"))
            if said:
                self.port = int(said[1])
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise Wrong(f"does not start: {self.errors.read_text(errors='replace')[-500:]}")
            time.sleep(0.002)

    def reading(self):
        """What the load tool must know to read from it and to publish."""
        options = {"get": self.get, "post": self.post, "form": self.form}
        if self.form == "session":
            options |= {"topic": self.topic, "subscriptions": SUBSCRIPTIONS}
        return options

    def ids(self):
        """The server and its children: nginx works in one."""
        listed = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False
        )
        return ",".join([str(self.process.pid), *listed.stdout.split()])

    def load(self, command, **options):
        """One run of the load tool on the other core. Raises Wrong when it found a fault."""
        arguments = [program("carillon_bench_load"), command, "--port", self.port]
        if command != "prepare":
            options = {"pid": self.ids(), **options}
        for name, value in options.items():
            arguments += ["--" + name.replace("_", "-"), value]
        neighbours = Neighbours(lambda: self.cpu_nanoseconds() / 1e9)
        done = subprocess.run(
            [*Server.priority, "taskset", "-c", self.cores[1], *map(str, arguments)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Wrong(f"{command}: exit {done.returncode}: {done.stdout[-600:]}{done.stderr[-300:]}")
        return json.loads(done.stdout) | {"foreign_cores": neighbours.cores()}

    def cpu_nanoseconds(self):
        total = 0
        for process in self.ids().split(","):
            for task in Path(f"/proc/{process}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def wait_until_quiet(self, seconds=120):
        """Until background work is done: under 2 % of a core over half a second, twice."""
        end, quiet = time.monotonic() + seconds, 0
        while quiet < 2 and time.monotonic() < end:
            before = self.cpu_nanoseconds()
            time.sleep(0.5)
            quiet = quiet + 1 if self.cpu_nanoseconds() - before < 10_000_000 else 0


class Hub(Server):
    """Carillon with one loop. The topic decides whether events are stored."""

    name = "carillon, memory topic"

    def __init__(self, cores, folder, topic="mem.bench", **reading):
        super().__init__(cores, folder, topic, **reading)
        if self.form == "session":
            self.get = "/ws"

    def command(self):
        config = self.folder / "carillon.toml"
        deflate = "websocket_deflate = true\n" if self.form == "deflate" else ""
        heartbeat = f'heartbeat = "{self.heartbeat}"\n' if self.heartbeat else ""
        config.write_text(deflate + heartbeat + CONFIG)
        return [
            BUILD / "carillon", "dev", "--listen", "127.0.0.1:0", "--data", self.folder / "data",
            "--config", config, "--loops", 1,
        ]  # fmt: skip

    def start(self):
        super().start()
        end = time.monotonic() + START_SECONDS
        while self.metric("carillon_log_spare_journals") < SPARE_JOURNALS:
            if time.monotonic() > end:
                raise Wrong("the hub does not fill its spare journals")
            time.sleep(0.05)

    def restart_after_kill(self):
        """kill -9, then a start: seconds until it listens, and cores used by others meanwhile."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        # The new process began at nought: what it has used by then is its own.
        neighbours = Neighbours(lambda: self.cpu_nanoseconds() / 1e9 if self.process.poll() is None else 0.0)
        begin = time.monotonic()
        Server.start(self)
        return time.monotonic() - begin, neighbours.cores()

    def fetch(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return answer.read().decode()

    def metric(self, name, otherwise=None):
        for line in self.fetch("/metrics").splitlines():
            if line.startswith(name + " "):
                return float(line.split()[1])
        if otherwise is None:
            raise Wrong(f"the hub has no metric {name}")
        return otherwise

    def stalled_and_ended(self):
        """How many readers it ended because they took nothing."""
        return self.metric('carillon_connections_ended_total{reason="stalled"}', otherwise=0)


class DiskHub(Hub):
    name = "carillon, disk topic"

    def __init__(self, cores, folder, topic="bench", **reading):
        super().__init__(cores, folder, topic, **reading)


class Floor(Server):
    name = "floor: one send() a delivery"
    mode = "send"
    fault = "none"

    def command(self):
        words = [program("carillon_bench_floor"), "fanout", "--mode", self.mode]
        words += ["--fault", self.fault, "--form", self.form]
        if self.form == "session":
            words += ["--subscriptions", SUBSCRIPTIONS]
        return words


class CoalescingFloor(Floor):
    name = "floor: one send() a turn"
    mode = "coalesce"


class Echo(Server):
    """Carillon's own WebSocket without a hub: sends each frame back."""

    name = "floor: bare WebSocket echo"

    def command(self):
        listen = ["--listen", "127.0.0.1:0", "--message-bytes-max", 1 << 20]
        return [BUILD / "carillon-echo", *listen]


class PublishFloor(Server):
    name = "floor: one write, one sync a group"

    def command(self):
        return [program("carillon_bench_floor"), "publish", "--file", self.folder / "groups"]


class CatchUpFloor(Server):
    """Sends a file of frames like those that the hub sent: as many, and as long."""

    name = "floor: pread(), send() of 256 KiB"
    start_seconds = 180  # it writes and syncs its file first

    def __init__(self, cores, folder, **frames):
        super().__init__(cores, folder)
        self.get = "/"
        self.frames = frames

    def command(self):
        words = [program("carillon_bench_floor"), "catchup", "--file", self.folder / "frames"]
        for name, value in self.frames.items():
            words += ["--" + name.replace("_", "-"), value]
        return words


class Nchan(Server):
    """nginx with nchan as EVIDENCE measured it: one worker, memory store, nothing kept, no access log."""

    name = "nginx + nchan"
    kill_at_end = False  # its master ends its worker

    def __init__(self, cores, folder, topic="", **reading):
        super().__init__(cores, folder, topic, **reading)
        self.get = "/subscribe" if self.form == "sse" else "/socket"
        self.post = "/publish_deflated" if self.form == "deflate" else "/publish"

    def command(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        config = self.folder / "nginx.conf"
        paths = "".join(
            f"  {kind}_temp_path {self.folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config.write_text(
            f"""load_module /usr/lib/nginx/modules/ngx_nchan_module.so;
daemon off; user root; worker_processes 1; worker_rlimit_nofile 20000;
pid {self.folder}/pid; error_log {self.folder}/error.log crit;
events {{ worker_connections 16000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_buffer_size 256k; client_max_body_size 1m;
{paths}  server {{
    listen 127.0.0.1:{self.port} backlog=4096;
    location = /publish {{ nchan_publisher http; nchan_channel_id bench; nchan_message_buffer_length 0; }}
    location = /publish_deflated {{
      nchan_publisher http; nchan_channel_id bench; nchan_message_buffer_length 0;
      nchan_deflate_message_for_websocket on;
    }}
    location = /subscribe {{
      nchan_subscriber eventsource; nchan_channel_id bench; nchan_subscriber_first_message newest;
      nchan_eventsource_ping_interval 0; nchan_message_buffer_length 0;
    }}
    location = /socket {{
      nchan_subscriber websocket; nchan_channel_id bench; nchan_subscriber_first_message newest;
      nchan_websocket_ping_interval 0; nchan_message_buffer_length 0;
    }}
  }}
}}
"""
        )
        return ["nginx", "-p", self.folder, "-c", config]

    def start(self):
        self.spawn(self.command())
        end = time.monotonic() + START_SECONDS
        while True:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", self.port)) == 0:
                    time.sleep(0.1)  # its worker is a child by now
                    return
            if self.process.poll() is not None or time.monotonic() > end:
                raise Wrong(f"nginx does not start: {self.errors.read_text(errors='replace')[-500:]}")
            time.sleep(0.02)


def install_nginx():
    if shutil.which("nginx") and Path("/usr/lib/nginx/modules/ngx_nchan_module.so").exists():
        return
    print("installing nginx and nchan (tools/install bench) …", file=sys.stderr)
    subprocess.run([str(ROOT / "tools" / "install"), "bench"], check=True)
