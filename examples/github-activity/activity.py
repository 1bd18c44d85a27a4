#!/usr/bin/env python3
"""Publishes GitHub's example payloads and reads them back by every way that needs no code of ours.

    python3 activity.py publish URL      every payload, to the topic github.<event>
    python3 activity.py check URL        publishes again (which stores nothing), reads, compares

`check` ends with a line a way of reading, and with exit code 1 at the first difference. Python's
standard library, curl, and the npm packages eventsource and undici (`npm ci` in the repository).
"""

import base64
import http.client
import json
import subprocess
import sys
import urllib.parse
import urllib.request
from collections import namedtuple
from pathlib import Path

from payloads import parse_json, read_payloads, sha_of

HERE = Path(__file__).resolve().parent
PATTERN = "github.*"
SECONDS_MAX = 60  # for one way of reading

# A payload where it is stored.
Kept = namedtuple("Kept", "cursor topic event data")


def publish(url):
    """([Kept], how many were new). The key makes a second run, and a retry, store nothing twice."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=SECONDS_MAX)
    kept, fresh = [], 0
    for payload in read_payloads():
        topic = f"github.{payload.event}"
        key = f"{payload.number}-{sha_of(payload.data)[:16]}"
        headers = {"Content-Type": "application/json", "ce-type": payload.event,
                   "Idempotency-Key": key}
        connection.request("POST", f"/t/{topic}", payload.data, headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status not in (200, 201):
            raise SystemExit(f"{answer.status} for {payload.event}: {body.decode()}")
        fresh += answer.status == 201
        kept.append(Kept(json.loads(body)["cursor"], topic, payload.event, payload.data))
    connection.close()
    return kept, fresh


# --- ways to read: each yields (cursor, what came), in the order in which it came ------------------


def run(*words):
    """The lines that a program prints."""
    result = subprocess.run(words, cwd=HERE, timeout=SECONDS_MAX, capture_output=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(words)}: {result.stderr.decode()}")
    return result.stdout


def by_sse(url, kept):
    stream = f"{url}/stream?topic={PATTERN}&after=first"
    for line in run("node", "sse_reader.mjs", stream, str(len(kept))).splitlines():
        event = json.loads(line)
        yield event["cursor"], parse_json(event["data"])


def by_long_poll(url, kept):
    polled = f"{url}/stream?topic={PATTERN}&limit=50"
    for line in run("node", "long_poll_reader.mjs", polled, str(len(kept))).splitlines():
        for event in parse_json(json.loads(line))["events"]:
            yield event["cursor"], event["data"]


def by_page(url, _):
    """curl, page after page, with data=base64: the bytes themselves."""
    after = "first"
    while True:
        page = json.loads(run("curl", "-sS", "--fail-with-body", "--globoff",
                              f"{url}/stream?topic={PATTERN}&data=base64&limit=100&after={after}"))
        for event in page["events"]:
            yield event["cursor"], base64.b64decode(event["data_base64"])
        if not page["events"]:
            return
        after = page["cursor"]


def lines_of(url, count, form):
    """The first `count` events of an endless answer."""
    with urllib.request.urlopen(url, timeout=SECONDS_MAX) as lines:
        while count > 0:
            event = parse_json(lines.readline())
            if event["type"] != "carillon.cursor":
                count -= 1
                yield event["cursor"], form(event)


def by_tail(url, kept, form=lambda event: event["data"], options=""):
    """/tail of each topic, with Python's standard library."""
    for topic in dict.fromkeys(each.topic for each in kept):
        count = sum(each.topic == topic for each in kept)
        yield from lines_of(f"{url}/t/{topic}/tail?after=first{options}", count, form)


def by_tail_in_base64(url, kept):
    def data(event):
        return base64.b64decode(event["data_base64"])

    return by_tail(url, kept, data, "&data=base64")


def one_event(url, expected):
    """The body of one event; its headers must say the rest of it."""
    with urllib.request.urlopen(url, timeout=SECONDS_MAX) as answer:
        headers = [answer.headers[name] for name in ("content-type", "ce-type", "ce-cursor")]
        assert headers == ["application/json", expected.event, expected.cursor], headers
        return expected.cursor, answer.read()


def by_cursor(url, kept):
    for each in kept:
        yield one_event(f"{url}/t/{each.topic}/events/{each.cursor}", each)


def by_latest(url, kept):
    for newest in {each.topic: each for each in kept}.values():
        yield one_event(f"{url}/t/{newest.topic}/latest", newest)


WAYS = {  # name: (reader, does it promise the bytes?, does it give every event?)
    "SSE, npm eventsource": (by_sse, False, True),
    "long-poll, npm undici": (by_long_poll, False, True),
    "page, curl, data=base64": (by_page, True, True),
    "tail, Python": (by_tail, False, True),
    "tail, Python, data=base64": (by_tail_in_base64, True, True),
    "events/{cursor}, Python": (by_cursor, True, True),
    "latest, Python": (by_latest, True, False),
}


def position(cursor):
    return int(cursor.rpartition("-")[2])


def compare(name, came, kept):
    """What came against what was published; the sentence that says so."""
    _, exact, every = WAYS[name]
    expected = {each.cursor: each for each in kept}
    unequal = 0
    for cursor, value in came:
        data = expected[cursor].data
        same = sha_of(value) == sha_of(data) if exact else value == parse_json(data)
        unequal += not same
    cursors = [position(cursor) for cursor, _ in came]
    if every and sorted(cursors) != [position(each.cursor) for each in kept]:
        raise SystemExit(f"{name}: {len(cursors)} events came, {len(kept)} were published")
    if unequal or len(cursors) != len(set(cursors)):
        raise SystemExit(f"{name}: {unequal} of {len(cursors)} differ, or came twice")
    kind = "the same bytes" if exact else "the same JSON"
    return f"{name}: {len(cursors)} events, {kind}"


def check(url):
    kept, fresh = publish(url)
    print(f"published: {len(kept)} events on {len({each.topic for each in kept})} topics, "
          f"{fresh} of them new")
    for name, (reader, _, _) in WAYS.items():
        print(compare(name, list(reader(url, kept)), kept), flush=True)


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("publish", "check"):
        raise SystemExit(__doc__)
    command, url = sys.argv[1], sys.argv[2].rstrip("/")
    if command == "check":
        check(url)
        return
    kept, fresh = publish(url)
    print(f"published: {len(kept)} events, {fresh} of them new")


if __name__ == "__main__":
    main()
