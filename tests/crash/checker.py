"""Judges a load by its histories and the log that is left: `checker.py RUN DUMP`.

It shares nothing with the hub and nothing with the clients but the form of a history (history.py).
DUMP is what `carillon log dump` printed at the end. Every finding has one of these kinds; one
finding of any kind is a bug.

    lost         acknowledged, not removed on purpose, and not where it was acknowledged
    silent gap   a reader passed an event without being given it or being told
    phantom      stored or shown, but never published, or refused, or not asked for
    altered      other bytes, or another topic, than were published
    reordered    two observers disagree about positions, or they contradict the order of time
    regressed    a reader's cursor went back
    duplicate    stored twice under one key, or given twice to one reader
    unstable     shown to a reader, and then not in the log: nobody may see what a crash takes back
    resurrected  seen, or still stored, after its removal was answered
    torn         a part of a batch that is stored whole or not at all
    false gap    a gap that nothing explains
    damaged      the log that is left has places that cannot be read
    stuck        a reader that did not come to the end, or heard nothing
"""

import base64
import json
import sys
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from history import position_of, read_histories, sha_of
from patterns import matches_any


@dataclass
class Published:
    """All that is known of one id, over all its attempts."""

    ident: str
    topic: str
    sha: str
    keyed: bool
    whole: str | None
    invoked: float  # the first attempt
    answered: float | None = None  # the first acknowledgement
    attempts: int = 0
    refusals: int = 0
    cursors: set = field(default_factory=set)  # as acknowledged

    def is_refused(self):
        return self.attempts > 0 and self.refusals == self.attempts


@dataclass(frozen=True)
class Stored:
    """One event of the log that is left."""

    ident: str
    cursor: str
    topic: str
    sha: str

    def __post_init__(self):
        object.__setattr__(self, "position", position_of(self.cursor))


@dataclass(frozen=True)
class Removal:
    """A trim or a deletion: what lies before that position in the topic is gone."""

    topic: str
    before: int
    asked: float
    answered: float  # infinite when it never was


class Removals:
    """Up to where each topic was removed by a moment. Removals are asked for one after another."""

    def __init__(self, removals):
        self._asked, self._answered = defaultdict(list), defaultdict(list)
        for each in sorted(removals, key=lambda removal: removal.asked):
            self._add(self._asked[each.topic], each.asked, each.before)
        for each in sorted(removals, key=lambda removal: removal.answered):
            if each.answered < float("inf"):
                self._add(self._answered[each.topic], each.answered, each.before)

    @staticmethod
    def _add(marks, moment, before):
        marks.append((moment, max(before, marks[-1][1] if marks else 0)))

    @staticmethod
    def _reached(marks, position, moment):
        at = bisect_right(marks, (moment, -1))
        return at > 0 and position < marks[at - 1][1]

    def may_have_taken(self, topic, position, moment=float("inf")):
        """Was the removal of this event asked for before that moment?"""
        return self._reached(self._asked.get(topic, []), position, moment)

    def have_taken(self, topic, position, moment=float("inf")):
        """Was its removal answered before that moment?"""
        return self._reached(self._answered.get(topic, []), position, moment)

    def topics(self, moment):
        return {topic for topic, marks in self._asked.items() if marks[0][0] < moment}


@dataclass
class Case:
    """Everything there is to judge by."""

    published: dict  # id -> Published
    stored: list  # in the order of the dump
    removals: Removals
    readers: dict  # name -> lines

    def __post_init__(self):
        self.by_sha = {each.sha: each for each in self.published.values()}
        self.at = {each.cursor: each for each in self.stored}
        self.place = {each.ident: each for each in self.stored}
        self.acknowledged_at = {c: each for each in self.published.values() for c in each.cursors}
        self.gone = [
            (cursor, position_of(cursor), each)
            for cursor, each in self.acknowledged_at.items()
            if cursor not in self.at
        ]


class Verdict:
    """What was found: (kind, sentence), and what was looked at."""

    def __init__(self):
        self.findings = []
        self.seen = 0  # by readers
        self.gaps = 0  # told to readers
        self.acknowledged = 0
        self.unknown = 0  # never answered
        self.stored = 0

    def add(self, kind, sentence):
        self.findings.append((kind, sentence))

    def kinds(self):
        return {kind for kind, _ in self.findings}

    def __str__(self):
        counts = Counter(kind for kind, _ in self.findings)
        found = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "sound"
        shown = "".join(f"\n  {kind}: {sentence}" for kind, sentence in self.findings[:20])
        return (
            f"{self.acknowledged} acknowledged, {self.unknown} unknown, {self.stored} stored, "
            f"{self.seen} seen: {found}{shown}"
        )


# --- gathering ---------------------------------------------------------------------------------


def gather(histories, stored):
    """A Case of all histories, [(name, lines)], and the log that is left."""
    published, removals, readers = {}, [], {}
    for name, lines in histories:
        if lines and lines[0]["what"] == "reader":
            readers[name] = lines
            continue
        for line in lines:
            gather_attempt(published, line)
        removals += gather_removals(lines)
    return Case(published, list(stored), Removals(removals), readers)


def gather_attempt(published, line):
    what, ident = line["what"], line.get("id")
    if what == "invoke":
        fresh = Published(
            ident, line["topic"], line["sha"], line["keyed"], line.get("whole"), line["t"]
        )
        published.setdefault(ident, fresh).attempts += 1
    elif what == "ok":
        each = published[ident]
        each.answered = each.answered or line["t"]
        if line["cursor"] is not None:
            each.cursors.add(line["cursor"])
    elif what == "fail":
        published[ident].refusals += 1


def gather_removals(lines):
    asked = {}
    for line in lines:
        if line["what"] in ("removing", "removed"):
            place = (line["topic"], position_of(line["before"]))
            asked.setdefault(place, [line["t"], float("inf")])
            if line["what"] == "removed":
                asked[place][1] = line["t"]
    return [Removal(*place, *times) for place, times in asked.items()]


def stored_events(dump):
    """The events of the load in a dump; the id stands in the type, whatever became of the bytes."""
    for line in dump:
        event = json.loads(line)
        if event["topic"].startswith("load."):
            data = event.get("data")
            raw = data.encode() if data is not None else base64.b64decode(event["data_base64"])
            yield Stored(
                event["type"].removeprefix("load."), event["cursor"], event["topic"], sha_of(raw)
            )


# --- the log against the publishers --------------------------------------------------------------


def check_stored(case, verdict):
    times = Counter(each.ident for each in case.stored)
    last = -1
    for each in case.stored:
        known = case.published.get(each.ident)
        if each.position <= last:
            verdict.add("reordered", f"{each.cursor} lies behind position {last} in the log")
        last = max(last, each.position)
        if known is None or known.is_refused():
            verdict.add("phantom", f"{each.ident} at {each.cursor} was never accepted")
        elif (known.topic, known.sha) != (each.topic, each.sha):
            verdict.add("altered", f"{each.ident} at {each.cursor} is not what was published")
        if times[each.ident] > 1:
            verdict.add("duplicate", f"{each.ident} is stored {times[each.ident]} times")
        if case.removals.have_taken(each.topic, each.position):
            verdict.add("resurrected", f"{each.ident} at {each.cursor} was removed and is stored")


def check_acknowledged(case, verdict):
    for each in case.published.values():
        place = case.place.get(each.ident)
        if each.answered is None:
            continue
        if len(each.cursors) > 1:
            verdict.add("reordered", f"{each.ident} was acknowledged at {sorted(each.cursors)}")
        if place is None:
            if not any(
                case.removals.may_have_taken(each.topic, position_of(cursor))
                for cursor in each.cursors
            ):
                verdict.add("lost", f"{each.ident}, acknowledged at {sorted(each.cursors)}")
        elif each.cursors and place.cursor not in each.cursors:
            verdict.add(
                "reordered",
                f"{each.ident}, acknowledged at {sorted(each.cursors)}, "
                f"is stored at {place.cursor}",
            )


def check_batches(case, verdict):
    wholes = defaultdict(list)
    for each in case.published.values():
        if each.whole is not None:
            wholes[each.whole].append(each.ident in case.place)
    for whole, stored in wholes.items():
        if any(stored) and not all(stored):
            verdict.add("torn", f"of batch {whole}, {sum(stored)} of {len(stored)} are stored")


def check_time(case, verdict):
    """What was answered before another publish began lies before it in the log."""
    answered = sorted(
        (each.answered, case.place[each.ident].position)
        for each in case.published.values()
        if each.answered is not None and each.ident in case.place
    )
    highest, rising = -1, []
    for _, position in answered:
        highest = max(highest, position)
        rising.append(highest)
    moments = [moment for moment, _ in answered]
    for each in case.published.values():
        earlier = bisect_right(moments, each.invoked)
        place = case.place.get(each.ident)
        if place is not None and earlier and rising[earlier - 1] > place.position:
            verdict.add(
                "reordered",
                f"{each.ident} at {place.cursor} was published after "
                f"position {rising[earlier - 1]} was answered",
            )


# --- readers ---------------------------------------------------------------------------------------


class ReaderCheck:
    """Walks one reader's history, then asks what it should have been given."""

    def __init__(self, case, verdict, name, lines):
        self.case, self.verdict = case, verdict
        self.name, self.lines = name, lines
        self.topics = lines[0]["topics"]
        self.asked_for = {}  # topic -> does it match?
        self.position = 0  # its cursor
        self.seen = {}  # position -> time
        self.passed = []  # (position, time) at each step of its cursor
        self.gaps = []  # (its position when it was told, line)
        self.opened = 0.0  # when its present request began
        # `first` is from what there is: until the first resumed request, no word of what was there.
        resumed = (line["t"] for line in lines if line.get("after", "first") != "first")
        self.first_ended = next(resumed, float("inf"))

    def report(self, kind, sentence):
        self.verdict.add(kind, f"{self.name}: {sentence}")

    def run(self):
        for line in self.lines[1:]:
            getattr(self, "take_" + line["what"])(line)
        if self.lines[-1]["what"] != "done":
            self.report("stuck", f"it stopped at position {self.position}")
        self.verdict.seen += len(self.seen)
        self.verdict.gaps += len(self.gaps)
        self.find_missing()

    def take_open(self, line):
        self.opened = line["t"]

    def take_done(self, line):
        pass

    def take_silent(self, line):
        self.report("stuck", f"a stream at position {self.position} was silent, no heartbeat even")

    def take_cursor(self, line):
        position = position_of(line["cursor"])
        if position < self.position:
            self.report("regressed", f"cursor {line['cursor']} came after {self.position}")
        self.advance(position, line["t"])

    def advance(self, position, moment):
        self.position = max(position, self.position)
        self.passed.append((self.position, moment))

    def take_gap(self, line):
        self.gaps.append((self.position, line))
        known = self.case.removals.topics(line["t"])
        if line["reason"] not in ("expired", "deleted") or not set(line["topics"]) <= known:
            self.report("false gap", f"{line['reason']} for {sorted(line['topics'])}")
        self.take_cursor({"cursor": line["resumed"], "t": line["t"]})

    def take_seen(self, line):
        cursor, position = line["cursor"], position_of(line["cursor"])
        if position in self.seen:
            self.report("duplicate", f"{cursor} was given twice")
        elif position <= self.position:
            self.report("reordered", f"{cursor} was given after position {self.position}")
        self.identify(line, cursor, position)
        self.seen[position] = line["t"]
        self.advance(position, line["t"])

    def identify(self, line, cursor, position):
        """Is it what was published, and what lies there?"""
        here = self.case.at.get(cursor)
        known = self.case.by_sha.get(line["sha"])
        if known is None:
            named = here or self.case.acknowledged_at.get(cursor)
            kind = "altered" if named else "phantom"
            self.report(kind, f"{cursor} holds bytes that nobody published")
            return
        if self.case.removals.have_taken(known.topic, position, self.opened):
            self.report("resurrected", f"{known.ident} at {cursor} was removed before")
        place = self.case.place.get(known.ident)
        if known.is_refused() or not self.matches(known.topic):
            self.report("phantom", f"{known.ident} at {cursor} was refused or not asked for")
        elif place is not None:
            if place.cursor != cursor:
                self.report("reordered", f"{known.ident} came at {cursor}, not {place.cursor}")
        elif not self.case.removals.may_have_taken(known.topic, position):
            kind = "unstable" if known.answered is None else "lost"
            self.report(kind, f"{known.ident}, seen at {cursor}, is not in the log")

    # --- what it should have been given ----------------------------------------------------------

    def find_missing(self):
        for each in self.case.stored:
            if each.position <= self.position and self.misses(each.topic, each.position):
                self.report("silent gap", f"{each.ident} at {each.cursor} was passed over")
        for cursor, position, each in self.case.gone:
            if position > self.position:
                continue
            if self.misses(each.topic, position) and not self.was_told(each.topic, position):
                self.report("silent gap", f"{each.ident} at {cursor} was passed over, unsaid")

    def misses(self, topic, position):
        return position not in self.seen and self.matches(topic)

    def matches(self, topic):
        if topic not in self.asked_for:
            self.asked_for[topic] = matches_any(self.topics, topic)
        return self.asked_for[topic]

    def was_told(self, topic, position):
        """Was the event gone when the reader passed it, and did it hear that before?"""
        passing = self.passing(position)
        if not self.case.removals.may_have_taken(topic, position, passing):
            return False
        return passing < self.first_ended or any(
            at < position and line["t"] <= passing and names(line, topic, position)
            for at, line in self.gaps
        )

    def passing(self, position):
        """When the reader's cursor came to or beyond a position."""
        return self.passed[bisect_right(self.passed, (position, -1.0))][1]


def names(gap, topic, position):
    """Does this gap say that the event may be gone?"""
    if topic in gap["topics"]:
        oldest = gap["topics"][topic]
        return oldest is None or position_of(oldest) > position
    return gap["total"] > len(gap["topics"])


def check(case):
    verdict = Verdict()
    verdict.acknowledged = sum(e.answered is not None for e in case.published.values())
    verdict.unknown = sum(
        e.answered is None and not e.is_refused() for e in case.published.values()
    )
    verdict.stored = len(case.stored)
    for judge in (check_stored, check_acknowledged, check_batches, check_time):
        judge(case, verdict)
    for name, lines in case.readers.items():
        ReaderCheck(case, verdict, name, lines).run()
    return verdict


def main():
    run, dump = Path(sys.argv[1]), Path(sys.argv[2])
    with open(dump, encoding="utf-8") as lines:
        verdict = check(gather(read_histories(run), stored_events(lines)))
    print(verdict)
    return 1 if verdict.findings else 0


if __name__ == "__main__":
    sys.exit(main())
