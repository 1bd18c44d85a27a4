"""A lane's turn: runs its programs, shows how far they are, and ends what takes too long."""

import codecs
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SILENCE_SECONDS = 20  # after so long somebody asks whether it hangs
SHOWN_OF_A_FAILURE = 20_000  # characters, the last ones: the cause stands near the end
EVERYTHING = ""  # matches each line


class TookTooLong(Exception):
    """A lane's time is over; what it ran was killed."""


class Turn:
    """One lane's turn at a level, until its deadline. Its methods may be called from two threads."""

    def __init__(self, level, seconds, silence_seconds=SILENCE_SECONDS):
        self.level, self.seconds = level, seconds
        self.silence_seconds = silence_seconds
        self.deadline = time.monotonic() + seconds

    def choose(self, quick=None, full=None, long=None):
        """The one of three parameters that is this level's."""
        return {"quick": quick, "full": full, "long": long}[self.level]

    def run(self, words, env=None, show=None, label=""):
        """Runs a program below the root. (exit code, output)

        Lines that match `show` appear as they come, and a line now and then while there is none.
        The end of the output appears when the program fails.
        """
        view = View(show, label, self.silence_seconds)
        process = subprocess.Popen(
            [str(word) for word in words],
            cwd=ROOT,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that its children can be ended with it
        )
        try:
            self.follow(process, view)
            code = process.wait(max(0.0, self.deadline - time.monotonic()))
        except (TookTooLong, subprocess.TimeoutExpired):
            view.show_end()
            raise TookTooLong(f"{words[0]}: not done after {self.seconds:.0f} s") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code != 0:
            view.show_end()
        return code, view.output()

    def follow(self, process, view):
        """Hands what the process says to `view`, until it has ended."""
        chunks = queue.SimpleQueue()
        threading.Thread(target=pump, args=(process.stdout, chunks), daemon=True).start()
        while True:
            if time.monotonic() > self.deadline:
                raise TookTooLong()
            try:
                chunk = chunks.get(timeout=min(1.0, self.silence_seconds))
            except queue.Empty:
                if process.poll() is not None:
                    return  # something that it left behind still holds the pipe
                view.say_where_it_is()
                continue
            if not chunk:
                return
            view.add(chunk)


def pump(pipe, chunks):
    with pipe:
        while chunk := pipe.read1():
            chunks.put(chunk)
    chunks.put(b"")


class View:
    """What is seen of one program's output."""

    def __init__(self, show, label, silence_seconds):
        self.show, self.silence_seconds = show, silence_seconds
        self.margin = f"  {label}: " if label else "  "
        self.lines, self.rest = [], ""  # whole lines, and the one that is being written
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.began = self.said_at = time.monotonic()

    def add(self, chunk):
        *whole, self.rest = (self.rest + self.decoder.decode(chunk)).split("\n")
        self.lines += whole
        for line in whole:
            if self.show is not None and re.search(self.show, line):
                self.say(line)

    def say(self, text):
        sys.stdout.write(f"{self.margin}{text}\n")
        sys.stdout.flush()
        self.said_at = time.monotonic()

    def say_where_it_is(self):
        now = time.monotonic()
        if now - self.said_at >= self.silence_seconds:
            last = self.rest.strip() or (self.lines[-1].strip() if self.lines else "")
            self.say(f"… {now - self.began:.0f} s {last[-100:]}".rstrip())

    def output(self):
        return "\n".join([*self.lines, self.rest])

    def show_end(self):
        if self.show != EVERYTHING:
            print(self.output()[-SHOWN_OF_A_FAILURE:].rstrip(), flush=True)
        elif self.rest:
            self.say(self.rest)
