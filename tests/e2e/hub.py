"""One hub process under test, and what every test asks of it.

The binary is $CARILLON_BIN, or build/release/carillon. Data lies in a temporary directory that goes
with the Hub; CARILLON_KEEP=1 keeps it for a look at what a failed test left.
"""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.parse
import weakref
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = (
    20.0  # seconds; how long a condition may take before the test says that it will never hold
)
LISTENING = re.compile(r"listening on (http://\S+)")
LIVING = weakref.WeakSet()  # hubs whose stderr belongs into the report of a failing test


def binary():
    return os.environ.get("CARILLON_BIN") or str(ROOT / "build" / "release" / "carillon")


def wait_until(condition, what="the condition", deadline=DEADLINE):
    """The first true value of `condition`, asked again and again until the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {deadline} s")
        time.sleep(0.01)


def clean_environment(extra=None):
    env = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    env.update(extra or {})
    return env


def run_carillon(*args, input=None, env=None, cwd=None):
    """A command that is expected to end by itself; its exit code, stdout and stderr as text."""
    try:
        return subprocess.run(
            [binary(), *map(str, args)],
            input=input,
            env=clean_environment(env),
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    except subprocess.TimeoutExpired as running:
        words = " ".join(map(str, args))
        raise AssertionError(f"`carillon {words}` goes on: {running.stderr}") from None


class Response:
    """A whole HTTP answer. Header names are case-insensitive."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    def header(self, name):
        """The value; of a field that comes several times the list that it stands for."""
        values = self.headers.get_all(name)
        return None if values is None else ", ".join(values)

    def content_type(self):
        return (self.headers.get("content-type") or "").split(";")[0].strip().lower()

    def json(self):
        return json.loads(self.body)

    def text(self):
        return self.body.decode("utf-8")

    def __repr__(self):
        return f"<{self.status} {dict(self.headers.items())} {self.body[:600]!r}>"


def assert_problem(response, status, slug=None):
    """An error in the hub's words: RFC 9457 with `fix`. Returns its members."""
    assert response.status == status, response
    assert response.content_type() == "application/problem+json", response
    return check_problem(response.json(), status, slug)


def check_problem(problem, status, slug=None):
    """The members of a problem, wherever it stands."""
    assert problem["type"].startswith("/problems/"), problem
    assert len(problem["type"]) > len("/problems/"), problem
    assert problem["status"] == status, problem
    for member in ("title", "detail", "fix"):
        assert isinstance(problem[member], str) and problem[member], (member, problem)
    if slug is not None:
        assert problem["type"] == f"/problems/{slug}", problem
    return problem


def query(pairs):
    """`?a=1&b=2` of a dict or a list of pairs; nothing for none. `as_` stands for `as`."""
    items = pairs.items() if isinstance(pairs, dict) else pairs
    items = [(name.rstrip("_"), value) for name, value in items]
    return "?" + urllib.parse.urlencode(items, safe=":*") if items else ""


class Hub:
    """A running hub. Leaving it as a context manager kills the process and removes the data."""

    def __init__(
        self, command="dev", config=None, data=None, args=(), env=None, listen="127.0.0.1:0"
    ):
        self.directory = Path(tempfile.mkdtemp(prefix="carillon-e2e-"))
        self.data = Path(data) if data else self.directory / "data"
        self.command = command
        self.args = list(args)
        self.env = env
        self.listen = listen
        self.config = None
        self.token = None  # sent with every request when set
        if config is not None:
            self.config = self.directory / "carillon.toml"
            self.config.write_text(config)
        self.process = None
        self.lines = []
        self.url = None
        self.port = None

    # --- life ---------------------------------------------------------------------------------

    def command_line(self):
        line = [binary(), self.command, "--listen", self.listen, "--data", str(self.data)]
        if self.config is not None:
            line += ["--config", str(self.config)]
        return line + self.args

    def spawn(self):
        """Starts the process without waiting for it to listen."""
        self._listening = threading.Event()
        self.url = None
        self.process = subprocess.Popen(
            self.command_line(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=clean_environment(self.env),
            cwd=self.directory,
        )
        self._reader = threading.Thread(
            target=self._read_stderr, args=(self.process.stderr,), daemon=True
        )
        self._reader.start()
        LIVING.add(self)
        return self

    def _read_stderr(self, stream):
        for line in iter(stream.readline, b""):
            text = line.decode("utf-8", "replace")
            self.lines.append(text)
            found = LISTENING.search(text)
            if found and self.url is None:
                self.url = found.group(1).rstrip("/.,")
                self.port = urllib.parse.urlsplit(self.url).port
                self._listening.set()
        stream.close()
        self._listening.set()

    def start(self):
        self.spawn()
        if not self._listening.wait(DEADLINE) or self.url is None:
            code = self.process.poll()
            self.kill()
            raise AssertionError(f"the hub does not listen (exit code {code}):\n{self.stderr()}")
        return self

    def stderr(self):
        return "".join(self.lines)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL: what a crash of the process leaves."""
        if self.alive():
            self.process.kill()
        self._reap()

    def stop(self, deadline=40):
        """SIGTERM, and the exit code 0 that a drain promises."""
        self.process.send_signal(signal.SIGTERM)
        code = self.wait(deadline)
        assert code == 0, f"SIGTERM ended with exit code {code}:\n{self.stderr()}"

    def wait(self, deadline=DEADLINE):
        """The exit code of a process that is expected to end by itself."""
        try:
            code = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {deadline} s:\n{self.stderr()}") from None
        self._reap()
        return code

    def _reap(self):
        if self.process is not None:
            self.process.wait()
            self._reader.join(DEADLINE)

    def restart(self):
        """On the same data; after kill() or stop(), or instead of them (then by SIGKILL)."""
        self.kill()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.discard()

    def discard(self):
        self.kill()
        LIVING.discard(self)
        if not os.environ.get("CARILLON_KEEP"):
            shutil.rmtree(self.directory, ignore_errors=True)

    # --- requests -----------------------------------------------------------------------------

    def http(self, method, path, body=None, headers=None, timeout=DEADLINE):
        """One request on a connection of its own."""
        headers = dict(headers or {})
        if self.token and not any(name.lower() == "authorization" for name in headers):
            headers["Authorization"] = f"Bearer {self.token}"
        if isinstance(body, str):
            body = body.encode("utf-8")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def get(self, path, headers=None, timeout=DEADLINE):
        return self.http("GET", path, headers=headers, timeout=timeout)

    def post(self, path, body=b"", content_type=None, headers=None):
        headers = dict(headers or {})
        if content_type is not None:
            headers["Content-Type"] = content_type
        return self.http("POST", path, body, headers)

    def post_json(self, path, value, content_type="application/json", headers=None):
        return self.post(path, json.dumps(value), content_type, headers)

    def delete(self, path, headers=None):
        return self.http("DELETE", path, headers=headers)

    # --- the few things that most tests do ------------------------------------------------------

    def publish(self, topic, data="x", content_type="text/plain", headers=None, **attributes):
        """Publishes one event, which must be new; `type`, `subject`, `key`, ... become ce-*."""
        given = {f"ce-{name}": value for name, value in attributes.items()}
        answer = self.post(f"/t/{topic}", data, content_type, {**given, **(headers or {})})
        assert answer.status == 201, answer
        return answer.json()

    def publish_all(self, topic, payloads, **attributes):
        """The cursors of these events, published one after the other."""
        return [self.publish(topic, data, **attributes)["cursor"] for data in payloads]

    def page(self, topic, **options):
        """The page of one topic, which must be there."""
        answer = self.get(f"/t/{topic}{query(options)}")
        assert answer.status == 200, answer
        assert answer.content_type() == "application/json", answer
        return answer.json()

    def events(self, topic):
        """Everything that one topic holds, page by page."""
        return list(self.all_pages(f"/t/{topic}", {}))

    def all_pages(self, path, options):
        after = "first"
        while True:
            pairs = list(options.items() if isinstance(options, dict) else options)
            answer = self.get(path + query(pairs + [("after", after), ("limit", "1000")]))
            assert answer.status == 200, answer
            page = answer.json()
            yield from page["events"]
            if not page["events"]:
                return
            after = page["cursor"]

    def payloads(self, topic):
        return [event.get("data") for event in self.events(topic)]

    def topic(self, name):
        """What the management API says of a topic."""
        answer = self.get(f"/v1/topics/{name}")
        assert answer.status == 200, answer
        return answer.json()


def epoch_of(cursor):
    return cursor.rpartition("-")[0]


def position_of(cursor):
    return int(cursor.rpartition("-")[2])


def other_epoch(cursor):
    """The same place in a log that does not exist: one character of the epoch differs."""
    epoch, _, position = cursor.rpartition("-")
    return f"{epoch[:-1]}{'1' if epoch[-1] == '0' else '0'}-{position}"
