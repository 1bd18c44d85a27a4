"""A cursor that cannot be followed is never silence: the gap, in every form of reading."""

import urllib.parse

import pytest

from clients import NdjsonClient, SseClient
from hub import assert_problem, epoch_of, other_epoch, position_of

REASONS = ("expired", "epoch", "unknown", "restart", "deleted", "damaged")


def trimmed(hub, topic):
    """A topic that lost its first two of four events; the cursors of all four."""
    cursors = hub.publish_all(topic, ["a", "b", "c", "d"])
    answer = hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[2]})
    assert answer.status == 200, answer
    return cursors


def assert_gap(gap, requested, reason, resumed):
    assert gap["requested"] == requested, gap
    assert gap["reason"] == reason, gap
    assert gap["resumed"] == resumed, gap
    assert isinstance(gap["topics"], list) and len(gap["topics"]) <= 20, gap
    assert gap["topics_total"] >= len(gap["topics"]), gap


def beyond_the_end(cursor):
    return f"{epoch_of(cursor)}-{position_of(cursor) + 10_000_000}"


def zero(cursor):
    return f"{epoch_of(cursor)}-0"


# --- pages ---------------------------------------------------------------------------------------


def test_a_page_behind_a_trimmed_cursor_is_410_with_the_gap(hub, topic):
    cursors = trimmed(hub, topic)

    problem = assert_problem(hub.get(f"/t/{topic}?after={cursors[0]}"), 410, "cursor-expired")

    assert_gap(problem, cursors[0], "expired", cursors[0])
    assert problem["topics"] == [{"topic": topic, "oldest": cursors[2]}]
    assert problem["topics_total"] == 1


def test_the_continue_url_of_a_410_gives_the_rest_and_says_the_gap_again(hub, topic):
    cursors = trimmed(hub, topic)
    problem = hub.get(f"/t/{topic}?after={cursors[0]}&limit=1").json()

    target = urllib.parse.urlsplit(problem["continue"])
    assert ("gap", "ok") in urllib.parse.parse_qsl(target.query)
    page = hub.get(f"{target.path}?{target.query}")

    assert page.status == 200, page
    assert_gap(page.json()["gap"], cursors[0], "expired", cursors[0])
    assert [event["data"] for event in page.json()["events"]] == ["c"], "the limit is kept"


def test_a_page_whose_cursor_is_at_the_mark_or_beyond_has_no_gap(hub, topic):
    cursors = trimmed(hub, topic)

    for cursor, expected in ((cursors[1], ["c", "d"]), (cursors[2], ["d"]), (cursors[3], [])):
        page = hub.page(topic, after=cursor)
        assert [event["data"] for event in page["events"]] == expected
        assert "gap" not in page


def test_first_never_gaps(hub, topic):
    trimmed(hub, topic)

    assert [event["data"] for event in hub.page(topic, after="first")["events"]] == ["c", "d"]


def test_gap_ok_on_a_cursor_without_a_gap_changes_nothing(hub, topic):
    cursors = trimmed(hub, topic)

    page = hub.page(topic, after=cursors[2], gap="ok")
    assert [event["data"] for event in page["events"]] == ["d"]
    assert "gap" not in page


@pytest.mark.parametrize("wait", ["", "&wait=20"])
def test_a_cursor_of_another_log_is_a_gap_epoch_that_resumes_before_everything(hub, topic, wait):
    cursors = hub.publish_all(topic, ["a", "b"])
    foreign = other_epoch(cursors[0])

    problem = assert_problem(hub.get(f"/t/{topic}?after={foreign}{wait}"), 410, "cursor-expired")

    assert_gap(problem, foreign, "epoch", zero(cursors[0]))
    page = hub.page(topic, after=foreign, gap="ok")
    assert [event["data"] for event in page["events"]] == ["a", "b"]


def test_a_cursor_of_a_real_other_hub_is_a_gap_epoch(hub, start_hub, topic):
    foreign = start_hub().publish(topic, "elsewhere")["cursor"]
    mine = hub.publish(topic, "here")["cursor"]

    problem = assert_problem(hub.get(f"/t/{topic}?after={foreign}"), 410, "cursor-expired")

    assert_gap(problem, foreign, "epoch", zero(mine))


@pytest.mark.parametrize("wait", ["", "&wait=20"])
def test_a_position_beyond_the_end_is_a_gap_unknown(hub, topic, wait):
    cursor = hub.publish(topic, "a")["cursor"]
    future = beyond_the_end(cursor)

    problem = assert_problem(hub.get(f"/t/{topic}?after={future}{wait}"), 410, "cursor-expired")

    assert_gap(problem, future, "unknown", zero(cursor))


def test_after_epoch_no_expired_gap_follows(hub, topic):
    cursors = trimmed(hub, topic)

    page = hub.page(topic, after=other_epoch(cursors[0]), gap="ok", limit=1)

    assert page["gap"]["reason"] == "epoch"
    assert [event["data"] for event in page["events"]] == ["c"]
    following = hub.page(topic, after=page["cursor"], gap="ok")
    assert "gap" not in following
    assert [event["data"] for event in following["events"]] == ["d"]


def test_a_long_poll_behind_a_trimmed_cursor_is_410_at_once(hub, topic):
    cursors = trimmed(hub, topic)

    answer = hub.get(f"/t/{topic}?after={cursors[0]}&wait=25", timeout=20)

    assert_gap(assert_problem(answer, 410, "cursor-expired"), cursors[0], "expired", cursors[0])


# --- streams -------------------------------------------------------------------------------------


def first_gap(stream):
    event = stream.next()
    assert event is not None and event.type == "carillon.gap", event
    gap = event.json()
    assert event.id == gap["resumed"], "the id of a gap is where the reader goes on from"
    return gap


@pytest.mark.parametrize("by_header", [True, False])
def test_a_stream_gets_the_gap_and_then_everything_that_still_exists(hub, topic, by_header):
    cursors = trimmed(hub, topic)
    options = "" if by_header else f"?after={cursors[0]}"

    with SseClient(
        hub, f"/t/{topic}{options}", last_event_id=cursors[0] if by_header else None
    ) as stream:
        gap = first_gap(stream)
        assert stream.take_data(2) == ["c", "d"]

    assert_gap(gap, cursors[0], "expired", cursors[0])
    assert gap["topics"] == [{"topic": topic, "oldest": cursors[2]}]


def test_a_stream_with_a_cursor_of_another_log_gets_a_gap_and_everything(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    foreign = other_epoch(cursors[1])

    with SseClient(hub, f"/t/{topic}", last_event_id=foreign) as stream:
        assert_gap(first_gap(stream), foreign, "epoch", zero(cursors[0]))
        assert stream.take_data(2) == ["a", "b"]


def test_a_stream_beyond_the_end_gets_a_gap_unknown_and_everything(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    future = beyond_the_end(cursors[1])

    with SseClient(hub, f"/t/{topic}", last_event_id=future) as stream:
        assert_gap(first_gap(stream), future, "unknown", zero(cursors[0]))
        assert stream.take_data(2) == ["a", "b"]


@pytest.mark.parametrize(
    "last",
    [
        "nonsense",
        "x",
        "-",
        "0",
        "7f3ak2-",
        "42",
        "a" * 1000,
        "1-2-3",
        "größe",
        "7f3ak2-99999999999999999999999999",
    ],
)
def test_a_malformed_last_event_id_is_a_gap_unknown_never_an_error(hub, topic, last):
    cursors = hub.publish_all(topic, ["a", "b"])

    with SseClient(hub, f"/t/{topic}", last_event_id=last).opened() as stream:
        gap = first_gap(stream)
        assert (gap["reason"], gap["resumed"]) == ("unknown", zero(cursors[0]))
        assert stream.take_data(2) == ["a", "b"]


def test_a_malformed_after_is_an_error_on_a_stream_too(hub, topic):
    answer = hub.get(f"/t/{topic}?after=nonsense", {"Accept": "text/event-stream"})

    assert_problem(answer, 400, "bad-cursor")


def test_resuming_from_the_id_of_a_gap_gives_the_gap_again_or_nothing_less(hub, topic):
    cursors = trimmed(hub, topic)
    with SseClient(hub, f"/t/{topic}", last_event_id=cursors[0]) as stream:
        resumed = first_gap(stream)["resumed"]

    with SseClient(hub, f"/t/{topic}", last_event_id=resumed) as stream:
        first_gap(stream)
        assert stream.take_data(2) == ["c", "d"]


def test_ndjson_says_the_gap_as_an_event(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    foreign = other_epoch(cursors[0])

    with NdjsonClient(hub, f"/t/{topic}/tail?after={foreign}").opened() as tail:
        gap = tail.next()
        assert gap["type"] == "carillon.gap"
        assert_gap(gap["data"], foreign, "epoch", zero(cursors[0]))
        assert [event["data"] for event in tail.take(2)] == ["a", "b"]


# --- which topics --------------------------------------------------------------------------------


def test_an_idle_topic_is_never_falsely_gapped_by_what_others_lose(hub, topic):
    idle = hub.publish(f"{topic}.idle", "x")["cursor"]
    trimmed(hub, f"{topic}.busy")

    assert hub.page(f"{topic}.idle", after=idle)["events"] == []
    with SseClient(hub, f"/t/{topic}.idle", last_event_id=idle).started() as stream:
        hub.publish(f"{topic}.idle", "y")
        assert stream.take_data(1) == ["y"]


def test_a_gap_on_many_topics_names_those_that_lost_something(hub, topic):
    start = hub.publish(topic, "before all")["cursor"]
    hub.publish(f"{topic}.whole", "w")
    cursors = trimmed(hub, f"{topic}.cut")

    problem = assert_problem(
        hub.get(f"/stream?topic={topic}.*&after={start}"), 410, "cursor-expired"
    )
    assert problem["topics"] == [{"topic": f"{topic}.cut", "oldest": cursors[2]}]

    with SseClient(hub, f"/stream?topic={topic}.*", last_event_id=start) as stream:
        assert first_gap(stream)["topics"] == [{"topic": f"{topic}.cut", "oldest": cursors[2]}]
        assert stream.take_data(3) == ["w", "c", "d"]


def test_a_gap_names_at_most_twenty_topics_and_counts_all(hub, topic):
    start = hub.publish(f"{topic}.start", "x")["cursor"]
    for number in range(25):
        cursors = hub.publish_all(f"{topic}.n{number}", ["a", "b"])
        hub.post_json(f"/v1/topics/{topic}.n{number}/trim", {"before": cursors[1]})

    problem = assert_problem(
        hub.get(f"/stream?topic={topic}.*&after={start}"), 410, "cursor-expired"
    )

    assert len(problem["topics"]) == 20
    assert problem["topics_total"] == 25


def test_a_reader_that_has_caught_up_is_not_gapped_when_old_events_are_trimmed(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])
    with SseClient(hub, f"/t/{topic}?after=first") as stream:
        stream.take(3)
        hub.post_json(f"/v1/topics/{topic}/trim", {"before": cursors[2]})
        hub.publish(topic, "d")
        assert stream.take_data(1) == ["d"]


def test_a_topic_deleted_and_made_again_gives_an_old_cursor_a_gap_deleted(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    hub.delete(f"/v1/topics/{topic}")
    new = hub.publish(topic, "c")["cursor"]

    assert position_of(new) > position_of(cursors[1])
    problem = assert_problem(hub.get(f"/t/{topic}?after={cursors[0]}"), 410, "cursor-expired")
    assert_gap(problem, cursors[0], "deleted", cursors[0])
    with SseClient(hub, f"/t/{topic}", last_event_id=cursors[0]) as stream:
        assert first_gap(stream)["reason"] == "deleted"
        assert stream.take_data(1) == ["c"]
    assert hub.payloads(topic) == ["c"]


def test_a_cursor_that_had_seen_all_of_a_deleted_topic_has_no_gap(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b"])
    hub.delete(f"/v1/topics/{topic}")
    hub.publish(topic, "c")

    assert [event["data"] for event in hub.page(topic, after=cursors[1])["events"]] == ["c"]


def test_cursors_live_over_a_restart_without_a_gap(start_hub):
    fresh = start_hub()
    cursors = fresh.publish_all("kept", ["a", "b"])
    fresh.stop()
    fresh.start()

    page = fresh.page("kept", after=cursors[0])

    assert [event["data"] for event in page["events"]] == ["b"]
    assert "gap" not in page


def test_a_cursor_given_by_an_empty_page_before_a_kill_is_followed_after_it(start_hub):
    fresh = start_hub()
    cursor = fresh.page("later")["cursor"]
    fresh.restart()
    fresh.publish("later", "x")

    assert [event["data"] for event in fresh.page("later", after=cursor)["events"]] == ["x"]


def test_a_cursor_handed_out_before_the_first_event_is_gapped_like_any_other(start_hub):
    fresh = start_hub()
    cursor = fresh.page("later")["cursor"]
    cursors = fresh.publish_all("later", ["a", "b", "c"])
    fresh.post_json("/v1/topics/later/trim", {"before": cursors[2]})

    gap = assert_problem(fresh.get(f"/t/later?after={cursor}"), 410, "cursor-expired")
    assert gap["reason"] == "expired"
