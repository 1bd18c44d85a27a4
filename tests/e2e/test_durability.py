"""Acknowledged means on disk: what a hub answered is there after SIGKILL, and nothing else is."""

import base64
import http.client
import json
import threading

import pytest

from clients import RawSocket, SseClient
from hub import DEADLINE, Hub, assert_problem, epoch_of, position_of, wait_until

CLOUDEVENT = {"specversion": "1.0", "source": "/s", "type": "t", "datacontenttype": "text/plain"}


def event(number):
    return {**CLOUDEVENT, "id": f"e{number}", "data": f"d{number}"}


FORMS = {
    "raw": lambda hub, topic: hub.post(f"/t/{topic}", "d0", "text/plain"),
    "binary": lambda hub, topic: hub.post(
        f"/t/{topic}",
        "d0",
        "text/plain",
        {
            f"ce-{name}": value
            for name, value in event(0).items()
            if name not in ("data", "datacontenttype")
        },
    ),
    "structured": lambda hub, topic: hub.post_json(
        f"/t/{topic}", event(0), "application/cloudevents+json"
    ),
    "batch": lambda hub, topic: hub.post_json(
        f"/t/{topic}", [event(0), event(1)], "application/cloudevents-batch+json"
    ),
    "ndjson": lambda hub, topic: hub.post(f"/t/{topic}", '"d0"\n"d1"\n', "application/x-ndjson"),
}


@pytest.mark.parametrize("form", FORMS)
def test_what_was_acknowledged_in_any_form_is_there_after_kill_9(start_hub, form):
    fresh = start_hub()
    answer = FORMS[form](fresh, "kept")
    assert answer.status == 201, answer
    expected = ["d0", "d1"] if form in ("batch", "ndjson") else ["d0"]

    fresh.restart()

    events = fresh.events("kept")
    assert [each["data"] for each in events] == expected
    assert events[-1]["cursor"] == answer.json()["cursor"]


def test_bytes_attributes_and_cursors_survive_kill_9_unchanged(start_hub):
    fresh = start_hub()
    bodies = [bytes(range(256)), b"", b"x" * 1_000_000, "größe\r\n".encode(), b'{ "a":1.10 }']
    types = [
        "application/octet-stream",
        "text/plain",
        "image/png",
        "text/plain",
        "application/json",
    ]
    for body, content_type in zip(bodies, types):
        fresh.publish(
            "kept", body, content_type, type="t", subject="s%20%E2%82%AC", key="k", colour="red"
        )
    before = fresh.get("/t/kept?after=first&data=base64").json()["events"]

    fresh.restart()

    after = fresh.get("/t/kept?after=first&data=base64").json()["events"]
    assert after == before
    assert [base64.b64decode(each["data_base64"]) for each in after] == bodies


def test_the_log_goes_on_in_its_order_and_epoch_after_kill_9(start_hub):
    fresh = start_hub()
    old = fresh.publish("kept", "old")["cursor"]
    fresh.restart()
    new = fresh.publish("kept", "new")["cursor"]

    assert epoch_of(new) == epoch_of(old)
    assert position_of(new) > position_of(old)
    assert fresh.payloads("kept") == ["old", "new"]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_stream_resumes_over_a_restart_without_loss_or_repetition(start_hub, end):
    fresh = start_hub()
    fresh.publish_all("kept", ["a", "b", "c"])
    with SseClient(fresh, "/t/kept?after=first") as stream:
        stream.take(2)
        last = stream.last_event_id

    getattr(fresh, end)()
    fresh.start()
    fresh.publish("kept", "d")

    with SseClient(fresh, "/t/kept", last_event_id=last) as stream:
        assert stream.take_data(2) == ["c", "d"]


class Publisher(threading.Thread):
    """Publishes 'w-0', 'w-1', ... until the hub is gone; remembers what was answered."""

    def __init__(self, hub, name, topic):
        super().__init__(daemon=True)
        self.hub, self.label, self.topic = hub, name, topic
        self.acknowledged = {}  # data -> cursor
        self.attempted = 0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=DEADLINE)
        try:
            while True:
                data = f"{self.label}-{self.attempted}"
                self.attempted += 1
                connection.request("POST", f"/t/{self.topic}", data, {"Content-Type": "text/plain"})
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 201, body
                self.acknowledged[data] = json.loads(body)["cursor"]
        except (OSError, http.client.HTTPException):
            pass  # the hub was killed
        finally:
            connection.close()


def test_every_acknowledged_event_survives_kill_9_under_load_and_nothing_appears_twice(start_hub):
    fresh = start_hub()
    acknowledged, attempted = {}, set()
    for round_number in range(4):
        publishers = [Publisher(fresh, f"r{round_number}w{n}", f"load.{n % 3}") for n in range(8)]
        for publisher in publishers:
            publisher.start()
        wait_until(
            lambda: sum(len(p.acknowledged) for p in publishers) > 200, "publishes are answered"
        )
        fresh.kill()
        for publisher in publishers:
            publisher.join(DEADLINE)
            acknowledged.update(publisher.acknowledged)
            attempted |= {f"{publisher.label}-{n}" for n in range(publisher.attempted)}
        fresh.start()

        found = list(fresh.all_pages("/stream", [("topic", "load.*")]))
        cursors = {each["data"]: each["cursor"] for each in found}
        assert len(cursors) == len(found), "an event is stored twice"
        lost = {data for data, cursor in acknowledged.items() if cursors.get(data) != cursor}
        assert not lost, f"{len(lost)} acknowledged events are lost, e.g. {sorted(lost)[:3]}"
        assert set(cursors) <= attempted, "an event appeared that nobody published"
        positions = [position_of(each["cursor"]) for each in found]
        assert positions == sorted(set(positions))


def test_no_reader_is_shown_an_event_that_a_kill_takes_back(start_hub):
    fresh = start_hub()
    for round_number in range(3):
        stream = SseClient(fresh, "/t/seen").started()
        publishers = [Publisher(fresh, f"r{round_number}w{n}", "seen") for n in range(8)]
        for publisher in publishers:
            publisher.start()
        shown = {each.id: each.data for each in stream.take(100)}
        fresh.kill()
        shown.update(received_before_the_cut(stream))
        for publisher in publishers:
            publisher.join(DEADLINE)
        stream.close()
        fresh.start()

        kept = {each["cursor"]: each["data"] for each in fresh.events("seen")}
        taken_back = {cursor: data for cursor, data in shown.items() if kept.get(cursor) != data}
        assert not taken_back


def received_before_the_cut(stream):
    events = {}
    try:
        while (each := stream.next()) is not None:
            events[each.id] = each.data
    except AssertionError:
        pass  # the hub was killed in the middle of a chunk
    return events


def test_a_body_that_is_cut_off_stores_nothing(start_hub):
    fresh = start_hub()
    with RawSocket(fresh) as raw:
        raw.send(b"POST /t/cut HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf")
        raw.finish_writing()
        raw.at_end()
    fresh.publish("cut", "whole")

    assert fresh.payloads("cut") == ["whole"]
    fresh.restart()
    assert fresh.payloads("cut") == ["whole"]


def test_a_batch_survives_kill_9_whole_or_not_at_all(start_hub):
    fresh = start_hub()
    batch = json.dumps([event(number) for number in range(500)])
    for round_number in range(3):

        def publish():
            try:
                fresh.post(f"/t/batch.{round_number}", batch, "application/cloudevents-batch+json")
            except (OSError, http.client.HTTPException):
                pass

        thread = threading.Thread(target=publish)
        thread.start()
        fresh.publish(f"clock.{round_number}")
        fresh.restart()
        thread.join(DEADLINE)

        assert len(fresh.events(f"batch.{round_number}")) in (0, 500)


def test_trims_and_deletions_survive_kill_9(start_hub):
    fresh = start_hub()
    start = fresh.publish("start", "x")["cursor"]
    cursors = fresh.publish_all("trimmed", ["a", "b", "c"])
    fresh.publish("deleted", "gone")
    assert fresh.post_json("/v1/topics/trimmed/trim", {"before": cursors[1]}).status == 200
    assert fresh.delete("/v1/topics/deleted").status in (200, 204)

    fresh.restart()

    assert fresh.payloads("trimmed") == ["b", "c"]
    assert fresh.payloads("deleted") == []
    gap = assert_problem(fresh.get(f"/t/trimmed?after={start}"), 410, "cursor-expired")
    assert gap["reason"] == "expired"


def test_many_restarts_in_a_row_lose_nothing(start_hub):
    fresh = start_hub()
    for number in range(6):
        fresh.publish("kept", str(number))
        fresh.restart()

    assert fresh.payloads("kept") == [str(number) for number in range(6)]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_idempotency_keys_and_event_ids_are_remembered_over_a_restart(start_hub, end):
    fresh = start_hub()
    keyed = fresh.post("/t/once", "a", "text/plain", {"Idempotency-Key": "k1"}).json()
    named = fresh.post_json("/t/once", event(1), "application/cloudevents+json").json()

    getattr(fresh, end)()
    fresh.start()

    again = fresh.post("/t/once", "a", "text/plain", {"Idempotency-Key": "k1"})
    assert (again.status, again.json()["cursor"]) == (200, keyed["cursor"])
    again = fresh.post_json("/t/once", event(1), "application/cloudevents+json")
    assert (again.status, again.json()["cursor"]) == (200, named["cursor"])
    assert len(fresh.events("once")) == 2


# --- one hub, one log, one port ------------------------------------------------------------------


def test_a_second_hub_on_the_same_data_is_refused_and_the_first_goes_on(start_hub, prepare_hub):
    first = start_hub()
    second = prepare_hub(data=first.data).spawn()

    assert second.wait() != 0
    assert str(first.data) in second.stderr()
    first.publish("still", "here")
    assert first.payloads("still") == ["here"]


def test_a_second_hub_on_the_same_port_is_refused_by_name(start_hub, prepare_hub):
    first = start_hub()
    second = prepare_hub(listen=f"127.0.0.1:{first.port}").spawn()

    assert second.wait() != 0
    assert str(first.port) in second.stderr()
    assert "listening on" not in second.stderr()
    first.publish("still", "here")


def test_the_data_directory_is_closed_to_others(start_hub):
    fresh = start_hub()
    fresh.publish("a", "b")

    assert fresh.data.stat().st_mode & 0o077 == 0
    for path in fresh.data.rglob("*"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_hub_can_be_used_as_a_context_manager_and_leaves_with_exit_code_0():
    with Hub() as fresh:
        fresh.publish("a", "b")
        fresh.stop()
