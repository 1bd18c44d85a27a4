"""A load on a hub that may die at any time: 64 publishers, a keeper, 24 readers, one verdict."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from checker import check, gather, stored_events
from history import History, position_of, read_histories, sha_of
from hub import binary, clean_environment, wait_until
from readers import TOPICS

HERE = Path(__file__).resolve().parent
PUBLISHERS = 64
ENDING_SECONDS = 60.0  # until publishers have their last answer, or readers are at the end


class Load:
    """Owns the clients' processes and the directory of their histories, which a red run keeps."""

    def __init__(self, hub, seed, publishers=PUBLISHERS, ending_seconds=ENDING_SECONDS):
        self.hub, self.seed = hub, seed
        self.run = Path(tempfile.mkdtemp(prefix="carillon-crash-"))
        self.publishers, self.ending_seconds = publishers, ending_seconds
        self.processes = {}

    def __enter__(self):
        self.announce()
        self.begin("publishers", "publishing", str(self.publishers))
        self.begin("readers", "reading")
        return self

    def __exit__(self, kind, *_):
        for process in self.processes.values():
            process.kill()
            process.wait()
        if kind is None and not os.environ.get("CARILLON_KEEP"):
            shutil.rmtree(self.run, ignore_errors=True)

    def announce(self):
        """Tells the clients where the hub listens now."""
        fresh = self.run / "port.new"
        fresh.write_text(str(self.hub.port))
        fresh.replace(self.run / "port")

    def begin(self, name, ready, *args):
        words = [sys.executable, "-B", str(HERE / f"{name}.py"), str(self.run), str(self.seed)]
        self.processes[name] = subprocess.Popen([*words, *args])
        wait_until((self.run / ready).exists, f"the {name} begin")

    def restart_hub(self):
        self.hub.restart()
        self.announce()

    def stop_publishing(self):
        """Every publish that was begun comes to its end; only `bare` ones stay unknown."""
        (self.run / "stop").touch()
        code = self.processes["publishers"].wait(self.ending_seconds)
        assert code == 0, "the publishers broke"

    def stop_reading(self):
        """Publishes the last event of each topic, and waits until every reader has it."""
        ends = {topic: position_of(self.publish_last(topic)) for topic in TOPICS}
        fresh = self.run / "end.new"
        fresh.write_text(json.dumps(ends))
        fresh.replace(self.run / "end")
        try:
            code = self.processes["readers"].wait(self.ending_seconds)
            assert code == 0, "the readers broke"
        except subprocess.TimeoutExpired:
            self.processes["readers"].terminate()  # the checker says who is stuck
            self.processes["readers"].wait()

    def publish_last(self, topic):
        ident, body = f"last-{topic}", f"the last of {topic}".encode()
        history = History(self.run / f"last-{topic}.history")
        history.note("invoke", id=ident, topic=topic, sha=sha_of(body), keyed=False)
        cursor = self.hub.publish(topic, body, type=f"load.{ident}")["cursor"]
        history.note("ok", id=ident, cursor=cursor, repeat=False)
        history.close()
        return cursor

    def judge(self):
        """Stops everything and has the checker look at histories and log."""
        self.stop_publishing()
        self.stop_reading()
        self.hub.kill()
        return self.judge_stopped()

    def judge_stopped(self):
        return judge_log(self.run, self.hub.data)


def judge_log(run, data):
    """The checker's verdict on the histories of a run and the log of a stopped hub."""
    words = [binary(), "log", "dump", "--data", str(data)]
    with open(run / "dump", "w+", encoding="utf-8") as dump:
        dumped = subprocess.run(words, stdout=dump, env=clean_environment(), check=False)
        dump.seek(0)
        verdict = check(gather(read_histories(run), stored_events(dump)))
    if dumped.returncode != 0:
        verdict.add("damaged", "the log that is left cannot be dumped whole")
    return verdict
