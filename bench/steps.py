"""A run: its steps one after the other, how much time is left, and what it keeps."""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from report import Report
from servers import Hub, Wrong

BRIEF_MINUTES = 32


class Step(NamedTuple):
    """One measurement. `seconds` is a guess: all guesses together say how much time is left."""

    seconds: float
    where: str
    measure: Callable
    arguments: tuple


def where(name, turn, case, server):
    """Names a run; a report finds by it which goals a run that went wrong was for."""
    return f"{name} round {turn + 1}: {case}: {server}"


def start_seconds(kind):
    return 2.5 if issubclass(kind, Hub) else 0.7


class Bench:
    """What every figure needs: cores, a folder on a real disk, and how thorough to be."""

    def __init__(self, options):
        self.extent = "quick" if options.quick else "brief" if options.brief else "full"
        self.minutes = options.minutes or (BRIEF_MINUTES if options.brief else 0)
        self.cores = options.cores.split(",")
        self.folder = Path(tempfile.mkdtemp(prefix="data-", dir=options.folder))
        self.report = Report(self.extent, options.realtime)
        self.json = options.json[0] if options.json else None
        self.rounds_asked = options.rounds
        self.readers_asked = options.readers
        self.forms = options.forms.split(",")

    def choose(self, full, brief, quick):
        return {"full": full, "brief": brief, "quick": quick}[self.extent]

    def rounds(self, full, brief=3, quick=1):
        return self.rounds_asked or self.choose(full, brief, quick)

    def say(self, text):
        print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)

    def attempt(self, place, measure, *arguments):
        """A run that goes wrong loses its place in its round, not the others'."""
        try:
            measure(self, *arguments)
        except (Wrong, OSError, ValueError) as reason:  # also a server that is suddenly gone
            self.report.fail(place, reason)
            print(f"  WRONG, no figure: {place}: {reason}", file=sys.stderr, flush=True)

    def run(self, steps):
        """Takes the steps in turn, and leaves out those for which no time is left."""
        begun = time.monotonic()
        guessed, left = 0.0, sum(step.seconds for step in steps)
        for number, step in enumerate(steps, 1):
            taken = time.monotonic() - begun
            pace = (taken + 30) / (guessed + 30)  # the first guesses say little
            if self.minutes and taken + step.seconds * pace > self.minutes * 60:
                self.say(f"skipped, no time is left: {step.where}")
                self.report.skipped.append(step.where)
            else:
                minutes = left * pace / 60
                self.say(f"{number}/{len(steps)}, {minutes:.0f} min left: {step.where}")
                self.attempt(step.where, step.measure, *step.arguments)
                guessed += step.seconds
                self.keep()
            left -= step.seconds

    def keep(self):
        """After each step, so that a run that is broken off keeps what it has."""
        self.report.conclude()
        if self.json:
            self.report.write(self.json)
