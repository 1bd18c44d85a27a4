"""The checker is checked: a sound load is found sound, and each planted fault is found by its kind.

The load is small and complete: two publishers, a batch, a refused and an unanswered publish, a trim
and three readers. Each fault is a change to what one of them wrote down, or to the log.
"""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest

from checker import Stored, check, gather, stored_events
from history import read_histories, sha_of


def sha(ident):
    return sha_of(f"bytes of {ident}".encode())


class World:
    """Histories and log of a sound load; a fault changes one of them."""

    def __init__(self):
        self.clock = 0.0
        self.histories = {"p1": [], "p2": [], "keeper": []}
        self.log = []
        self.publish("p1", "a1", 1)
        self.publish("p1", "a2", 2)
        self.publish("p2", "t1", 3, topic="load.trimmed")
        self.publish("p2", "t2", 4, topic="load.trimmed")
        self.start_reader("r1", ["load.a"])
        self.start_reader("r2", ["load.*"])
        self.start_reader("r3", ["load.trimmed"])
        self.give("r1", 1, 2)
        self.give("r2", 1, 2, 3, 4)
        self.give("r3", 3)
        for member in range(3):
            facts = {"whole": "b", "keyed": True}
            self.publish("p2", f"b.{member}", 5 + member, answered_at=member == 2, **facts)
        self.publish("p1", "refused", None)
        self.publish("p1", "unknown", 8, keyed=False, what="unknown")
        self.publish("p1", "a3", 9)
        self.remove("load.trimmed", 5)
        self.publish("p2", "t3", 10, topic="load.trimmed")
        self.give("r1", 5, 6, 7, 8, 9)
        self.give("r2", 5, 6, 7, 8, 9, 10)
        self.note("r3", "open", after="e-3", way="page")
        self.note("r3", "gap", reason="expired", resumed="e-3", total=1,
                  topics={"load.trimmed": "e-10"})
        self.give("r3", 10)
        for name in ("r1", "r2", "r3"):
            self.note(name, "done")
        self.log = [each for each in self.log if each.cursor not in ("e-3", "e-4")]

    def note(self, name, what, **fields):
        self.clock += 1.0
        self.histories.setdefault(name, []).append({"t": self.clock, "what": what, **fields})

    def publish(self, name, ident, position, topic="load.a", what="ok", answered_at=True, **facts):
        known = {"topic": topic, "sha": sha(ident), "keyed": True, **facts}
        self.note(name, "invoke", id=ident, **known)
        if position is None:
            self.note(name, "fail", id=ident, status=400)
            return
        cursor = f"e-{position}"
        self.log.append(Stored(ident, cursor, topic, sha(ident)))
        if what == "unknown":
            self.note(name, "unknown", id=ident)
        else:
            self.note(name, "ok", id=ident, cursor=cursor if answered_at else None, repeat=False)

    def remove(self, topic, before):
        self.note("keeper", "removing", topic=topic, before=f"e-{before}")
        self.note("keeper", "removed", topic=topic, before=f"e-{before}")

    def start_reader(self, name, topics):
        self.note(name, "reader", topics=topics)
        self.note(name, "open", after="first", way="sse")

    def give(self, name, *positions):
        stored = {each.cursor: each for each in self.log}
        for position in positions:
            each = stored[f"e-{position}"]
            self.note(name, "seen", cursor=each.cursor, sha=each.sha)

    # --- reaching in -----------------------------------------------------------------------------

    def line(self, name, what, **fields):
        """The one line of a history that has these fields."""
        found = [line for line in self.histories[name]
                 if line["what"] == what and fields.items() <= line.items()]
        assert len(found) == 1, (name, what, fields, found)
        return found[0]

    def drop(self, name, what, **fields):
        self.histories[name].remove(self.line(name, what, **fields))

    def stored(self, ident):
        return next(each for each in self.log if each.ident == ident)

    def replace(self, ident, **changes):
        old = self.stored(ident)
        parts = {"ident": old.ident, "cursor": old.cursor, "topic": old.topic, "sha": old.sha}
        self.log[self.log.index(old)] = Stored(**{**parts, **changes})

    def verdict(self):
        histories = [(name, lines) for name, lines in self.histories.items()]
        return check(gather(copy.deepcopy(histories), self.log))


FAULTS = {}  # a sentence -> (kind, what makes it so)


def fault(kind, sentence):
    def keep(plant):
        FAULTS[sentence] = (kind, plant)
        return plant
    return keep


@fault("lost", "an event answered too early is not in the log")
def early_ack(world):
    world.log.remove(world.stored("a3"))


@fault("lost", "an acknowledged event of a trimmed topic is gone though it lies behind the trim")
def lost_behind_a_trim(world):
    world.log.remove(world.stored("t3"))


@fault("silent gap", "a reader is not given an event")
def drop(world):
    world.drop("r1", "seen", cursor="e-6")


@fault("silent gap", "a trimmed event is passed without a gap")
def gap_without_notice(world):
    world.drop("r3", "gap")


@fault("silent gap", "a gap names another topic than the one that lost an event")
def gap_of_another_topic(world):
    world.line("r3", "gap")["topics"] = {"load.a": "e-10"}


@fault("silent gap", "a gap that ends before what is missing")
def gap_too_short(world):
    world.line("r3", "gap")["topics"] = {"load.trimmed": "e-4"}


@fault("silent gap", "a cursor runs ahead over an event that was never given")
def cursor_runs_ahead(world):
    world.drop("r2", "seen", cursor="e-10")
    world.histories["r2"].insert(-1, {"t": world.clock, "what": "cursor", "cursor": "e-10"})


@fault("phantom", "the log holds an event that nobody published")
def phantom(world):
    world.log.append(Stored("ghost", "e-11", "load.a", sha("ghost")))


@fault("phantom", "a refused publish is in the log")
def refused_and_stored(world):
    world.log.append(Stored("refused", "e-11", "load.a", sha("refused")))


@fault("phantom", "a reader is shown bytes that were never published and are not stored")
def phantom_shown(world):
    world.histories["r1"].insert(-1, {"t": world.clock, "what": "seen", "cursor": "e-12",
                                      "sha": sha("ghost")})


@fault("phantom", "a reader gets an event of a topic that it did not ask for")
def stray(world):
    world.histories["r1"].insert(-1, {"t": world.clock, "what": "seen", "cursor": "e-10",
                                      "sha": sha("t3")})


@fault("altered", "a byte flipped in the log")
def flip_in_the_log(world):
    world.replace("a2", sha=sha("a2 with a flipped byte"))


@fault("altered", "a byte flipped on its way to a reader")
def flip_on_the_way(world):
    world.line("r1", "seen", cursor="e-2")["sha"] = sha("a2 with a flipped byte")


@fault("altered", "an event is stored under another topic")
def another_topic(world):
    world.replace("a2", topic="load.b")


@fault("reordered", "two events changed places in the log")
def swap_in_the_log(world):
    world.replace("a1", cursor="e-2")
    world.replace("a2", cursor="e-1")


@fault("reordered", "two events come to a reader the wrong way round")
def swap_at_a_reader(world):
    lines = world.histories["r1"]
    first, second = lines.index(world.line("r1", "seen", cursor="e-5")), 0
    second = lines.index(world.line("r1", "seen", cursor="e-6"))
    lines[first], lines[second] = lines[second], lines[first]


@fault("reordered", "an event published later lies before one that was answered")
def against_time(world):
    world.line("p1", "invoke", id="a1")["t"] = world.clock + 1
    world.line("p1", "ok", id="a1")["t"] = world.clock + 2


@fault("reordered", "a repeat is answered with another cursor than the first answer")
def two_answers(world):
    world.note("p1", "ok", id="a3", cursor="e-11", repeat=True)


@fault("regressed", "a heartbeat takes a reader's cursor back")
def cursor_regress(world):
    world.histories["r1"].insert(-1, {"t": world.clock, "what": "cursor", "cursor": "e-4"})


@fault("duplicate", "an event with a key is stored twice")
def stored_twice(world):
    world.log.append(Stored("a3", "e-11", "load.a", sha("a3")))


@fault("duplicate", "a reader is given an event twice")
def given_twice(world):
    lines = world.histories["r1"]
    lines.insert(lines.index(world.line("r1", "seen", cursor="e-5")),
                 dict(world.line("r1", "seen", cursor="e-5")))


@fault("unstable", "an unanswered event was shown, and the crash took it back")
def shown_and_taken_back(world):
    world.log.remove(world.stored("unknown"))


@fault("resurrected", "a trimmed event is in the log again")
def resurrected_in_the_log(world):
    world.log.insert(2, Stored("t2", "e-4", "load.trimmed", sha("t2")))


@fault("resurrected", "a reader that came after the trim is shown what it removed")
def resurrected_at_a_reader(world):
    lines = world.histories["r3"]
    seen = {"t": world.clock, "what": "seen", "cursor": "e-4", "sha": sha("t2")}
    lines.insert(lines.index(world.line("r3", "seen", cursor="e-10")), seen)


@fault("torn", "a batch without an answer is half in the log")
def torn(world):
    for member in range(3):
        world.drop("p2", "ok", id=f"b.{member}")
    world.log.remove(world.stored("b.1"))
    for name in ("r1", "r2"):
        world.drop(name, "seen", cursor="e-6")


@fault("false gap", "a gap for a topic of which nothing was removed")
def false_gap(world):
    world.line("r3", "gap")["topics"]["load.a"] = "e-9"


@fault("false gap", "the hub no longer knows its own epoch")
def forgotten_epoch(world):
    world.line("r3", "gap")["reason"] = "epoch"


@fault("stuck", "a reader never comes to the end")
def stuck(world):
    world.drop("r2", "done")


@fault("stuck", "a stream is silent without a heartbeat")
def silent(world):
    world.histories["r2"].insert(-1, {"t": world.clock, "what": "silent"})


def test_a_sound_load_is_found_sound():
    verdict = World().verdict()

    assert verdict.findings == []
    assert (verdict.acknowledged, verdict.unknown, verdict.stored) == (9, 1, 8)
    assert verdict.seen == 7 + 10 + 2


@pytest.mark.parametrize("sentence", FAULTS)
def test_a_planted_fault_is_found(sentence):
    kind, plant = FAULTS[sentence]
    world = World()
    plant(world)

    assert kind in world.verdict().kinds(), world.verdict()


def test_an_unanswered_event_may_be_missing_when_nobody_saw_it():
    world = World()
    world.log.remove(world.stored("unknown"))
    for name in ("r1", "r2"):
        world.drop(name, "seen", cursor="e-8")

    assert world.verdict().findings == []


def test_a_gap_that_names_no_more_than_twenty_topics_excuses_the_others():
    world = World()
    world.line("r3", "gap").update(topics={}, total=21)

    assert world.verdict().findings == []


def test_the_dump_of_a_log_is_read_by_type_and_bytes():
    dump = ['{"cursor":"e-1","topic":"load.a","id":"x","type":"load.a1","data":"gr\\u00f6\\u00dfe"}',
            '{"cursor":"e-2","topic":"load.a","id":"y","type":"load.a2","data_base64":"/wA="}',
            '{"cursor":"e-3","topic":"other","id":"z","type":"t","data":"x"}']

    assert list(stored_events(dump)) == [
        Stored("a1", "e-1", "load.a", sha_of("größe".encode())),
        Stored("a2", "e-2", "load.a", sha_of(b"\xff\0"))]


def test_the_checker_is_a_program_whose_exit_code_is_the_verdict(tmp_path):
    world = World()
    for name, lines in world.histories.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / f"{name}.history").write_text(text)
    (tmp_path / "dump").write_text("")
    checker = Path(__file__).with_name("checker.py")

    words = [sys.executable, "-B", str(checker), str(tmp_path), str(tmp_path / "dump")]
    result = subprocess.run(words, capture_output=True, text=True, check=False)

    assert len(read_histories(tmp_path)) == 6
    assert result.returncode == 1
    assert "lost" in result.stdout
