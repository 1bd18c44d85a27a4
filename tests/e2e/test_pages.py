"""GET /t/{topic}: the finite page, its options, an event in JSON, ETag and negotiation."""

import base64
import json
import time
from datetime import datetime, timezone

import pytest

from hub import assert_problem, epoch_of, position_of, wait_until


def data_of(page):
    return [event["data"] for event in page["events"]]


def fill(hub, topic, count):
    """Events 0, 1, 2, ... as text, quickly; their cursors."""
    events = [
        {
            "specversion": "1.0",
            "type": "n",
            "source": "/s",
            "id": f"{topic}-{n}",
            "datacontenttype": "text/plain",
            "data": str(n),
        }
        for n in range(count)
    ]
    for at in range(0, count, 1000):
        answer = hub.post_json(
            f"/t/{topic}", events[at : at + 1000], "application/cloudevents-batch+json"
        )
        assert answer.status == 201, answer
    return [event["cursor"] for event in hub.events(topic)]


# --- the page ------------------------------------------------------------------------------------


def test_a_topic_without_events_reads_as_200_and_empty_with_a_cursor(hub, topic):
    page = hub.page(topic)

    assert page["events"] == []
    assert epoch_of(page["cursor"]) and position_of(page["cursor"]) >= 0
    assert hub.get(f"/v1/topics/{topic}").status == 404, "reading must not make a topic"


def test_a_page_shows_the_newest_hundred_oldest_first(hub, topic):
    fill(hub, topic, 130)

    assert data_of(hub.page(topic)) == [str(number) for number in range(30, 130)]


def test_a_page_with_a_limit_shows_the_newest_of_that_many_oldest_first(hub, topic):
    fill(hub, topic, 10)

    assert data_of(hub.page(topic, limit=3)) == ["7", "8", "9"]


def test_after_is_exclusive_and_takes_the_cursor_of_an_event(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])

    assert data_of(hub.page(topic, after=cursors[0])) == ["b", "c"]
    assert data_of(hub.page(topic, after=cursors[2])) == []


def test_following_the_cursor_of_each_page_reads_everything_once_in_order(hub, topic):
    fill(hub, topic, 25)

    seen, after = [], "first"
    while True:
        page = hub.page(topic, after=after, limit=4)
        if not page["events"]:
            break
        assert len(page["events"]) <= 4
        seen += data_of(page)
        after = page["cursor"]

    assert seen == [str(number) for number in range(25)]


def test_a_limit_of_a_thousand_is_served(hub, topic):
    fill(hub, topic, 1100)

    assert len(hub.page(topic, after="first", limit=1000)["events"]) == 1000


def test_after_first_starts_at_the_oldest_event(hub, topic):
    fill(hub, topic, 5)

    assert data_of(hub.page(topic, after="first", limit=2)) == ["0", "1"]


def test_position_zero_of_the_epoch_is_before_everything(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])

    assert data_of(hub.page(topic, after=f"{epoch_of(cursors[0])}-0")) == ["a", "b"]


def test_after_now_is_empty_and_its_cursor_shows_what_comes_next(hub, topic):
    hub.publish(topic, "old")

    page = hub.page(topic, after="now")
    assert page["events"] == []
    hub.publish(topic, "new")

    assert data_of(hub.page(topic, after=page["cursor"])) == ["new"]


def test_after_minus_n_starts_before_the_last_n(hub, topic):
    fill(hub, topic, 10)

    assert data_of(hub.page(topic, after="-3")) == ["7", "8", "9"]
    assert data_of(hub.page(topic, after="-100")) == [str(number) for number in range(10)]


def test_after_minus_n_counts_matching_events_only(hub, topic):
    for number in range(6):
        hub.publish(topic, str(number), type="even" if number % 2 == 0 else "odd")

    assert data_of(hub.page(topic, after="-2", type="even")) == ["2", "4"]


def test_an_absent_after_counts_matching_events_only(hub, topic):
    for number in range(6):
        hub.publish(topic, str(number), type="even" if number % 2 == 0 else "odd")

    assert data_of(hub.page(topic, limit=2, type="odd")) == ["3", "5"]


def test_after_a_time_gives_what_was_stored_since(hub, topic):
    hub.publish(topic, "before")
    last = time.time()
    wait_until(lambda: time.time() > last + 0.05)
    between = datetime.now(timezone.utc)
    wait_until(lambda: time.time() > between.timestamp() + 0.05)
    hub.publish(topic, "behind")

    stamp = between.isoformat(timespec="milliseconds")
    assert data_of(hub.page(topic, after=stamp.replace("+00:00", "Z"))) == ["behind"]
    assert data_of(hub.page(topic, after="2001-02-03T04:05:06Z")) == ["before", "behind"]
    assert data_of(hub.page(topic, after="2001-02-03T04:05:06.789+02:00")) == ["before", "behind"]
    assert data_of(hub.page(topic, after="2999-01-01T00:00:00Z")) == []


def test_after_a_time_goes_by_the_time_of_storing_not_by_the_time_attribute(hub, topic):
    hub.publish(topic, "dated back", time="2001-01-01T00:00:00Z")

    assert data_of(hub.page(topic, after="2011-01-01T00:00:00Z")) == ["dated back"]


@pytest.mark.parametrize(
    "after",
    [
        "nonsense",
        "-",
        "-x",
        "--3",
        "7f3ak2-",
        "7f3ak2-x",
        "7f3ak2-1-2",
        "a%20b-1",
        "7f3ak2-99999999999999999999999",
        "2024-13-45T00:00:00Z",
        "7f3ak2-%2B1",
    ],
)
def test_a_malformed_cursor_is_refused_as_bad_cursor(hub, topic, after):
    assert_problem(hub.get(f"/t/{topic}?after={after}"), 400, "bad-cursor")


@pytest.mark.parametrize(
    "option",
    [
        "limit=x",
        "limit=-1",
        "wait=x",
        "wait=-1",
        "rate=x",
        "rate=-1",
        "conflate=colour",
        "as=carrier-pigeon",
    ],
)
def test_a_malformed_option_is_refused(hub, topic, option):
    assert_problem(hub.get(f"/t/{topic}?{option}"), 400)


# --- an event in JSON ----------------------------------------------------------------------------


def test_an_event_in_a_page_is_a_structured_cloudevent_with_topic_and_cursor(hub, topic):
    cursor = hub.publish(topic, '{"a":1}', "application/json", type="t", subject="s", key="k")[
        "cursor"
    ]

    event = hub.page(topic)["events"][0]

    for required in ("id", "source", "specversion", "type", "time"):
        assert isinstance(event[required], str) and event[required]
    assert (event["topic"], event["cursor"], event["key"]) == (topic, cursor, "k")
    assert event["data"] == {"a": 1}
    assert event["datacontenttype"] == "application/json"


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/csv; charset=utf-8",
        "application/xml",
        "image/svg+xml",
        "text/html",
    ],
)
def test_text_is_a_string(hub, topic, content_type):
    hub.publish(topic, '<é>\r\n"\\', content_type)

    event = hub.page(topic)["events"][0]
    assert event["data"] == '<é>\r\n"\\'
    assert "data_base64" not in event


@pytest.mark.parametrize(
    "content_type, body",
    [
        ("application/octet-stream", b"plain ascii"),
        ("image/png", b"\x89PNG\0"),
        ("text/plain", b"not utf-8: \xff"),
        ("application/xml", b"<a>\xe9</a>"),
    ],
)
def test_all_else_is_base64(hub, topic, content_type, body):
    hub.publish(topic, body, content_type)

    event = hub.page(topic)["events"][0]
    assert base64.b64decode(event["data_base64"], validate=True) == body
    assert "data" not in event


@pytest.mark.parametrize("content_type", ["application/json", "application/vnd.shop+json"])
@pytest.mark.parametrize("body", ['{"a":{"b":[]}}', "[1,2]", "1", '"text"', "true", "null"])
def test_json_of_every_kind_is_embedded(hub, topic, content_type, body):
    hub.publish(topic, body, content_type)

    event = hub.page(topic)["events"][0]
    assert "data" in event and event["data"] == json.loads(body)


def test_data_base64_on_demand_gives_the_exact_bytes_of_anything(hub, topic):
    bodies = [b'{ "a" :\n 1.10 }', b"text\r\n", b"\xff\0"]
    for body, content_type in zip(bodies, ["application/json", "text/plain", "image/png"]):
        hub.publish(topic, body, content_type)

    page = hub.page(topic, data="base64")

    assert [base64.b64decode(event["data_base64"]) for event in page["events"]] == bodies
    assert all("data" not in event for event in page["events"])


def test_numbers_in_embedded_json_are_kept_as_written(hub, topic):
    hub.publish(topic, '{"big":12345678901234567890123,"money":1.10,"e":1E400}', "application/json")

    text = hub.get(f"/t/{topic}").text()
    for number in ("12345678901234567890123", "1.10", "1E400"):
        assert number in text


def test_a_page_goes_over_eight_mebibytes_in_no_answer(hub, topic):
    for _ in range(10):
        hub.publish(topic, b"x" * 1_000_000)

    page = hub.page(topic, after="first", limit=1000)
    assert 1 <= len(page["events"]) < 10
    rest = hub.page(topic, after=page["cursor"], limit=1000)
    assert len(page["events"]) + len(rest["events"]) == 10


# --- ETag ----------------------------------------------------------------------------------------


def test_a_page_has_a_weak_etag_and_is_304_until_something_new_comes(hub, topic):
    hub.publish(topic, "a")
    etag = hub.get(f"/t/{topic}").header("etag")
    assert etag.startswith('W/"') and etag.endswith('"')

    same = hub.get(f"/t/{topic}", {"If-None-Match": etag})
    assert (same.status, same.body) == (304, b"")
    assert same.header("etag") == etag

    hub.publish(topic, "b")
    changed = hub.get(f"/t/{topic}", {"If-None-Match": etag})
    assert changed.status == 200 and changed.header("etag") != etag


def test_if_none_match_takes_a_list_a_star_and_the_strong_spelling(hub, topic):
    hub.publish(topic, "a")
    etag = hub.get(f"/t/{topic}").header("etag")

    for value in (f'"other", {etag}', "*", etag[2:]):
        assert hub.get(f"/t/{topic}", {"If-None-Match": value}).status == 304, value
    assert hub.get(f"/t/{topic}", {"If-None-Match": '"other"'}).status == 200


def test_the_etag_tells_the_options_of_a_page_apart(hub, topic):
    hub.publish_all(topic, ["a", "b"])

    tags = {
        hub.get(f"/t/{topic}{options}").header("etag")
        for options in ("", "?limit=1", "?after=first&limit=1", "?data=base64", "?type=other")
    }

    assert len(tags) == 5, tags


# --- negotiation ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept", [None, "*/*", "application/json", "application/*;q=0.5, text/x-nothing"]
)
def test_json_is_what_clients_get_that_do_not_ask_for_more(hub, topic, accept):
    answer = hub.get(f"/t/{topic}", {"Accept": accept} if accept else {})

    assert answer.status == 200
    assert answer.content_type() == "application/json"


def test_the_answers_of_one_url_vary_by_accept(hub, topic):
    vary = hub.get(f"/t/{topic}").header("vary")

    assert "accept" in [name.strip().lower() for name in vary.split(",")]


def test_a_browser_gets_a_page_for_people_that_shows_payloads_as_text(hub, topic):
    hub.publish(topic, "<script>alert('payload')</script>", "text/html")
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

    answer = hub.get(f"/t/{topic}", {"Accept": browser})

    assert answer.status == 200
    assert answer.content_type() == "text/html"
    assert answer.header("x-content-type-options") == "nosniff"
    assert "alert" in answer.text()
    assert "<script>alert" not in answer.text()


def test_a_topic_cannot_be_had_as_a_picture(hub, topic):
    assert_problem(hub.get(f"/t/{topic}", {"Accept": "image/png"}), 406)


def test_head_answers_what_get_would_without_the_body(hub, topic):
    hub.publish(topic, "a")
    full = hub.get(f"/t/{topic}")

    head = hub.http("HEAD", f"/t/{topic}")

    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "etag"):
        assert head.header(name) == full.header(name)
