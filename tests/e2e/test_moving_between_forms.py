"""One reader changes its form at random in mid-stream, and loses, repeats and reorders nothing.

It reads one topic as SSE, lines, pages and long-polls, or a pattern around it on /stream, and hands
the cursor of the one to the next. Meanwhile its topic is published to, the others of the pattern
are published to and trimmed, and the hub is killed and started again. CARILLON_SEED repeats a
run's choices. (DESIGN 4: a cursor is equal on every protocol.)
"""

import http.client
import json
import os
import random
import threading
import time
import urllib.parse

import pytest

from clients import Cut, NdjsonClient, SseClient
from hub import position_of, query, wait_until

SEED = int(os.environ.get("CARILLON_SEED", "0")) or random.SystemRandom().randrange(1 << 32)
TOPIC = "moved.news"
OTHERS = ["moved.a", "moved.b"]
PATTERN = "moved.*"
KILLS = 3
EVENTS_BETWEEN_KILLS = 300  # of its topic that the reader is given
EVENTS_AT_ONCE_MAX = 40  # that it takes in one form before it moves on
SECONDS_MAX = 60.0
GONE = (OSError, http.client.HTTPException, Cut)  # what a killed hub is to its clients


class Publisher(threading.Thread):
    """Publishes 0, 1, 2 …, each until it is answered; `acknowledged` has their cursors."""

    def __init__(self, hub, dice):
        super().__init__(daemon=True)
        self.hub, self.dice = hub, dice
        self.acknowledged, self.refused = [], []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            number = len(self.acknowledged)
            key = {"Idempotency-Key": f"n{number}"}
            answer = self.ask(f"/t/{TOPIC}", str(number), "text/plain", key)
            if answer is None:
                self.stopping.wait(0.01)  # the hub is being started again; the same key goes again
                continue
            self.acknowledged.append(answer["cursor"])
            if self.dice.random() < 0.5:
                self.disturb(self.dice.choice(OTHERS))

    def disturb(self, topic):
        """An event beside the topic, and now and then the removal of all that were there before."""
        answer = self.ask(f"/t/{topic}", "beside")
        if answer is not None and self.dice.random() < 0.3:
            before = json.dumps({"before": answer["cursor"]})
            self.ask(f"/v1/topics/{topic}/trim", before, "application/json")

    def ask(self, path, body, content_type="text/plain", headers=None):
        """The answer's JSON; None when there was no answer."""
        try:
            answer = self.hub.post(path, body, content_type, headers)
        except GONE:
            return None
        if answer.status not in (200, 201):
            self.refused.append(answer)
            self.stopping.set()
            return None
        return answer.json()


class Reader:
    """One cursor; each form below takes some events from it on and leaves it behind the last."""

    def __init__(self, hub, dice):
        self.hub, self.dice = hub, dice
        self.cursor = "first"
        self.numbers, self.cursors = [], []
        self.gaps = 0
        self.took = {}  # form: events
        self.kills_at = None  # so many events; then it takes the hub away under its own stream

    def forms(self):
        return [self.sse, self.tail, self.page, self.poll, self.pattern_sse, self.pattern_page]

    def move(self, until):
        """Reads some events in one form, fewer when `until` is reached."""
        form = self.dice.choice(self.forms())
        before = len(self.numbers)
        try:
            form(min(before + self.dice.randrange(1, EVENTS_AT_ONCE_MAX), until))
        finally:
            taken = len(self.numbers) - before
            self.took[form.__name__] = self.took.get(form.__name__, 0) + taken

    def take(self, topic, cursor, data):
        assert self.cursor == "first" or position_of(cursor) > position_of(self.cursor), (
            f"{cursor} of {topic} came behind {self.cursor}"
        )
        self.cursor = cursor
        if topic == TOPIC:
            self.numbers.append(int(data))
            self.cursors.append(cursor)
        if self.kills_at is not None and len(self.numbers) >= self.kills_at:
            self.kills_at = None
            self.hub.kill()

    def look(self, cursor):
        """The hub has looked so far without finding anything for this reader."""
        assert self.cursor == "first" or position_of(cursor) >= position_of(self.cursor), cursor
        self.cursor = cursor

    def take_gap(self, gap, resumed=None):
        assert gap["reason"] == "expired", gap
        assert TOPIC not in [each["topic"] for each in gap["topics"]], gap
        assert self.cursor == (resumed or gap["resumed"]), gap
        self.gaps += 1

    # --- forms -----------------------------------------------------------------------------------

    def sse(self, until):
        self.read_sse(f"/t/{TOPIC}", {}, until)

    def pattern_sse(self, until):
        self.read_sse("/stream", {"topic": PATTERN, "as": "cloudevents"}, until)

    def read_sse(self, path, options, until):
        resumes = self.cursor != "first" and self.dice.random() < 0.5
        after = "now" if resumes else self.cursor  # Last-Event-ID wins over it
        last_event_id = self.cursor if resumes else None
        path += query({**options, "after": after})
        with SseClient(self.hub, path, last_event_id, step=self.dice.choice([1, None])) as stream:
            stream.opened()
            while len(self.numbers) < until:
                event = stream.next_of_any_type()
                if event is None or event.type == "carillon.bye":
                    return
                if event.type == "carillon.gap":
                    self.take_gap(event.json(), event.id)
                elif event.type == "carillon.cursor":
                    self.look(event.id)
                elif "as" in options:
                    self.take(event.json()["topic"], event.id, event.json()["data"])
                else:
                    self.take(TOPIC, event.id, event.data)

    def tail(self, until):
        with NdjsonClient(self.hub, f"/t/{TOPIC}/tail?after={self.cursor}").opened() as lines:
            while len(self.numbers) < until:
                event = lines.next_of_any_type()
                if event is None or event["type"] == "carillon.bye":
                    return
                if event["type"] == "carillon.cursor":
                    self.look(event["cursor"])
                else:
                    assert event["type"] != "carillon.gap", "nothing of its topic was removed"
                    self.take(event["topic"], event["cursor"], event["data"])

    def page(self, until):
        limit = max(1, until - len(self.numbers))
        self.read_page(f"/t/{TOPIC}" + query({"after": self.cursor, "limit": limit}))

    def poll(self, until):
        options = {"after": self.cursor, "wait": 5, "limit": max(1, until - len(self.numbers))}
        self.read_page(f"/t/{TOPIC}" + query(options))

    def pattern_page(self, until):
        limit = max(1, until - len(self.numbers))
        options = {"topic": PATTERN, "after": self.cursor, "limit": limit}
        if self.dice.random() < 0.5:
            options["wait"] = 5
        self.read_page("/stream" + query(options))

    def read_page(self, path):
        answer = self.hub.get(path)
        if answer.status == 410:
            assert path.startswith("/stream"), answer
            self.take_gap(answer.json())
            path = answer.json()["continue"]
            assert ("gap", "ok") in urllib.parse.parse_qsl(urllib.parse.urlsplit(path).query)
            answer = self.hub.get(path)
        if answer.status == 204:
            self.look(answer.header("carillon-cursor"))
            return
        assert answer.status == 200, answer
        for event in answer.json()["events"]:
            self.take(event["topic"], event["cursor"], event["data"])
        self.look(answer.json()["cursor"])


def read_on(reader, publisher, until, deadline):
    """Moves from form to form until it has so many events; starts the hub that it killed again."""
    while len(reader.numbers) < until:
        assert time.monotonic() < deadline, f"stuck at {len(reader.numbers)}: {reader.took}"
        if reader.dice.random() < 0.2 and reader.hub.alive():
            fall_behind(publisher, reader.dice.randrange(1, 60))
        try:
            reader.move(until)
        except GONE:
            assert not reader.hub.alive(), reader.hub.stderr()
            reader.hub.start()


def fall_behind(publisher, events):
    """The reader rests while so much is published."""
    enough = len(publisher.acknowledged) + events
    wait_until(
        lambda: publisher.stopping.is_set() or len(publisher.acknowledged) >= enough,
        "the publisher goes on",
    )


@pytest.mark.parametrize("number", range(3))
def test_a_reader_that_moves_from_form_to_form_loses_and_repeats_nothing(start_hub, number):
    print(f"CARILLON_SEED={SEED}")
    dice = random.Random(f"{SEED}/{number}")
    hub = start_hub(args=["--journal-bytes", "1MiB", "--heartbeat", "1s"])
    publisher, reader = Publisher(hub, random.Random(dice.random())), Reader(hub, dice)
    deadline = time.monotonic() + SECONDS_MAX
    publisher.start()

    for _ in range(KILLS):
        reader.kills_at = len(reader.numbers) + dice.randrange(1, EVENTS_BETWEEN_KILLS)
        read_on(reader, publisher, len(reader.numbers) + EVENTS_BETWEEN_KILLS, deadline)
    if not hub.alive():
        hub.start()
    publisher.stopping.set()
    publisher.join(SECONDS_MAX)
    read_on(reader, publisher, len(publisher.acknowledged), deadline)

    print(json.dumps(reader.took), f"{reader.gaps} gaps")
    assert publisher.refused == []
    assert reader.numbers == list(range(len(publisher.acknowledged)))
    assert reader.cursors == publisher.acknowledged
    assert len(reader.took) == len(reader.forms()) and reader.gaps > 0, reader.took
