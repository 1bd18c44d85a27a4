"""type= and subject=: exact, or a prefix ending in a star; the same for every way to read."""

import pytest

from clients import NdjsonClient, SseClient
from hub import position_of

EVENTS = [
    ("order.placed", "eu/1"),
    ("order.paid", "eu/2"),
    ("order", "us/1"),
    ("orders.closed", None),
    ("invoice.sent", "eu/1"),
    ("Order.placed", "EU/1"),
]
CASES = [
    ("type=order.placed", [0]),
    ("type=order.*", [0, 1]),
    ("type=order*", [0, 1, 2, 3]),
    ("type=order", [2]),
    ("type=*", [0, 1, 2, 3, 4, 5]),
    ("type=none", []),
    ("subject=eu/1", [0, 4]),
    ("subject=eu/*", [0, 1, 4]),
    ("type=order.*&subject=eu/1", [0]),
    ("type=invoice.sent&subject=us/1", []),
]


@pytest.fixture(scope="module")
def filled(shared_hub):
    """A topic with EVENTS, whose data is their number."""
    for number, (kind, subject) in enumerate(EVENTS):
        given = {"type": kind} if subject is None else {"type": kind, "subject": subject}
        shared_hub.publish("filtered", str(number), **given)
    return "filtered"


@pytest.mark.parametrize("options, expected", CASES)
def test_a_page_shows_what_matches(hub, filled, options, expected):
    page = hub.get(f"/t/{filled}?after=first&{options}").json()

    assert [event["data"] for event in page["events"]] == [str(number) for number in expected]


@pytest.mark.parametrize("options, expected", [case for case in CASES if case[1]])
def test_streams_and_tails_give_what_matches(hub, filled, options, expected):
    wanted = [str(number) for number in expected]

    with SseClient(hub, f"/t/{filled}?after=first&{options}") as stream:
        assert stream.take_data(len(wanted)) == wanted
    with NdjsonClient(hub, f"/t/{filled}/tail?after=first&{options}").opened() as tail:
        assert [event["data"] for event in tail.take(len(wanted))] == wanted
    with SseClient(hub, f"/stream?topic={filled}&after=first&{options}") as stream:
        assert stream.take_data(len(wanted)) == wanted


def test_a_live_stream_leaves_out_what_does_not_match(hub, topic):
    with SseClient(hub, f"/t/{topic}?type=yes").started() as stream:
        for number in range(20):
            hub.publish(topic, str(number), type="yes" if number % 5 == 0 else "no")
        assert stream.take_data(4) == ["0", "5", "10", "15"]


def test_the_cursor_of_a_filtered_page_moves_past_what_it_left_out(hub, topic):
    start = hub.publish(topic, "start", type="no")["cursor"]
    last = hub.publish_all(topic, ["a", "b", "c"], type="no")[-1]

    page = hub.page(topic, after=start, type="yes")

    assert page["events"] == []
    assert position_of(page["cursor"]) >= position_of(last)


def test_a_filtered_page_is_full_although_much_lies_between(hub, topic):
    for number in range(40):
        hub.publish(topic, str(number), type="yes" if number % 4 == 3 else "no")

    seen, after = [], "first"
    for _ in range(50):
        page = hub.page(topic, after=after, type="yes", limit=3)
        seen += [event["data"] for event in page["events"]]
        if not page["events"]:
            break
        after = page["cursor"]

    assert seen == [str(number) for number in range(3, 40, 4)]


def test_an_event_without_a_subject_matches_no_subject_filter_but_the_star_of_types(hub, filled):
    page = hub.get(f"/t/{filled}?after=first&subject=eu*&type=orders.closed").json()

    assert page["events"] == []


def test_a_filter_value_may_be_percent_encoded(hub, topic):
    hub.publish(topic, "x", subject="a%20b%26c")

    assert len(hub.get(f"/t/{topic}?after=first&subject=a%20b%26c").json()["events"]) == 1
    assert len(hub.get(f"/t/{topic}?after=first&subject=a+b%26c").json()["events"]) in (0, 1)
    assert len(hub.get(f"/t/{topic}?after=first&subject=a%20b").json()["events"]) == 0


def test_resuming_a_filtered_stream_misses_no_match(hub, topic):
    for number in range(10):
        hub.publish(topic, str(number), type="yes" if number % 2 else "no")
    with SseClient(hub, f"/t/{topic}?after=first&type=yes") as stream:
        assert stream.take_data(2) == ["1", "3"]
        last = stream.last_event_id

    with SseClient(hub, f"/t/{topic}?type=yes", last_event_id=last) as stream:
        assert stream.take_data(3) == ["5", "7", "9"]
