"""One event by itself: /latest and /events/{cursor}, in CloudEvents binary mode or structured."""

import base64

import pytest

from hub import assert_problem, epoch_of, other_epoch, position_of


def test_latest_of_an_empty_topic_is_204(hub, topic):
    answer = hub.get(f"/t/{topic}/latest")

    assert (answer.status, answer.body) == (204, b"")


def test_latest_is_the_newest_event(hub, topic):
    for data in ("a", "b", "c"):
        hub.publish(topic, data)
        assert hub.get(f"/t/{topic}/latest").body == data.encode()


@pytest.mark.parametrize("place", ["latest", "events"])
def test_an_event_comes_as_its_exact_bytes_with_its_attributes_as_headers(hub, topic, place):
    body = b'{ "a" : 1.10 }\r\n'
    cursor = hub.publish(
        topic,
        body,
        "application/json",
        type="t",
        subject="s",
        key="k",
        colour="red",
        time="2024-05-06T07:08:09.5Z",
    )["cursor"]
    event = hub.page(topic)["events"][0]

    answer = hub.get(f"/t/{topic}/latest" if place == "latest" else f"/t/{topic}/events/{cursor}")

    assert answer.status == 200, answer
    assert answer.body == body
    assert answer.header("content-type") == "application/json"
    for name in (
        "specversion",
        "id",
        "source",
        "type",
        "subject",
        "key",
        "colour",
        "time",
        "topic",
        "cursor",
    ):
        assert answer.header(f"ce-{name}") == event[name], name
    assert answer.header("ce-datacontenttype") is None, "the HTTP binding says Content-Type instead"


@pytest.mark.parametrize("place", ["latest", "events"])
def test_as_cloudevents_gives_the_structured_form(hub, topic, place):
    cursor = hub.publish(topic, b"\xff\0", "image/png")["cursor"]

    path = f"/t/{topic}/latest" if place == "latest" else f"/t/{topic}/events/{cursor}"
    answer = hub.get(path + "?as=cloudevents")

    assert answer.content_type() == "application/cloudevents+json"
    assert answer.json() == hub.page(topic)["events"][0]
    assert base64.b64decode(answer.json()["data_base64"]) == b"\xff\0"


def test_an_event_served_on_its_own_cannot_run_as_a_page_of_the_hub(hub, topic):
    hub.publish(topic, "<script>alert(1)</script>", "text/html")

    assert hub.get(f"/t/{topic}/latest").header("x-content-type-options") == "nosniff"


def test_the_cursor_of_another_topics_event_is_404(hub, topic):
    cursor = hub.publish(f"{topic}.other", "x")["cursor"]
    hub.publish(topic, "y")

    assert_problem(hub.get(f"/t/{topic}/events/{cursor}"), 404)


def test_a_cursor_that_no_event_has_is_404(hub, topic):
    cursor = hub.publish(topic, "x")["cursor"]
    future = f"{epoch_of(cursor)}-{position_of(cursor) + 1_000_000}"

    assert_problem(hub.get(f"/t/{topic}/events/{future}"), 404)
    assert_problem(hub.get(f"/t/{topic}/events/{other_epoch(cursor)}"), 404)


@pytest.mark.parametrize("cursor", ["nonsense", "1", "-", "now", "first"])
def test_a_malformed_cursor_in_the_path_is_refused(hub, topic, cursor):
    hub.publish(topic, "x")
    answer = hub.get(f"/t/{topic}/events/{cursor}")

    assert answer.status in (400, 404), answer
    assert_problem(answer, answer.status)


def test_head_of_an_event_has_the_headers_and_no_body(hub, topic):
    hub.publish(topic, "12345")

    head = hub.http("HEAD", f"/t/{topic}/latest")

    assert (head.status, head.body) == (200, b"")
    assert head.header("ce-type") == "carillon.event"


def test_an_empty_event_is_200_with_an_empty_body_not_204(hub, topic):
    hub.publish(topic, b"")

    answer = hub.get(f"/t/{topic}/latest")
    assert (answer.status, answer.body) == (200, b"")


def test_latest_by_filter_free_reading_follows_deletion_and_trimming(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[1]})
    assert hub.get(f"/t/{topic}/latest").body == b"b"

    hub.delete(f"/v1/topics/{topic}")
    assert hub.get(f"/t/{topic}/latest").status == 204
