"""?wait=N makes a page a long-poll."""

import threading

import pytest

from clients import RawSocket
from hub import assert_problem, epoch_of, position_of


class Poll(threading.Thread):
    def __init__(self, hub, path):
        super().__init__(daemon=True)
        self.hub, self.path, self.answer = hub, path, None
        self.start()

    def run(self):
        self.answer = self.hub.get(self.path, timeout=60)

    def result(self):
        self.join(30)
        assert not self.is_alive(), "the long-poll is not answered"
        assert self.answer is not None, "the long-poll got no answer"
        return self.answer


def publish_until_answered(hub, topic, poll, **attributes):
    """For a poll that starts at now: nobody can know when it began to wait."""
    sent = []
    while poll.is_alive():
        sent.append(f"n{len(sent)}")
        hub.publish(topic, sent[-1], **attributes)
    return sent


def test_a_long_poll_is_answered_by_the_next_event(hub, topic):
    cursor = hub.publish(topic, "old")["cursor"]
    poll = Poll(hub, f"/t/{topic}?wait=25&after={cursor}")
    published = hub.publish(topic, "new")

    answer = poll.result()

    assert answer.status == 200, answer
    assert [event["data"] for event in answer.json()["events"]] == ["new"]
    assert answer.json()["cursor"] == published["cursor"]


def test_a_long_poll_without_after_starts_at_now(hub, topic):
    hub.publish(topic, "old")
    poll = Poll(hub, f"/t/{topic}?wait=25")

    sent = publish_until_answered(hub, topic, poll)

    data = [event["data"] for event in poll.result().json()["events"]]
    assert data and "old" not in data
    assert data == sent[sent.index(data[0]) :][: len(data)]


def test_a_long_poll_with_something_to_give_answers_at_once(hub, topic):
    cursors = hub.publish_all(topic, ["a", "b", "c"])

    answer = hub.get(f"/t/{topic}?wait=25&after={cursors[0]}", timeout=20)

    assert [event["data"] for event in answer.json()["events"]] == ["b", "c"]


def test_a_long_poll_with_nothing_new_ends_as_204_with_a_cursor_to_go_on_from(hub, topic):
    hub.publish(topic, "old")

    answer = hub.get(f"/t/{topic}?wait=1")

    assert (answer.status, answer.body) == (204, b"")
    cursor = answer.header("carillon-cursor")
    hub.publish(topic, "new")
    assert [event["data"] for event in hub.page(topic, after=cursor)["events"]] == ["new"]


def test_a_filtered_long_poll_sleeps_on_and_its_cursor_moves_past_what_it_left_out(hub, topic):
    start = hub.publish(topic, "old")["cursor"]
    left_out = hub.publish(topic, "x", type="unwanted")["cursor"]

    answer = hub.get(f"/t/{topic}?wait=1&type=wanted&after={start}")

    assert answer.status == 204, answer
    assert position_of(answer.header("carillon-cursor")) >= position_of(left_out)


def test_a_filtered_long_poll_wakes_for_a_match(hub, topic):
    start = hub.publish(topic, "old")["cursor"]
    poll = Poll(hub, f"/t/{topic}?wait=25&type=wanted&after={start}")
    hub.publish(topic, "no", type="unwanted")
    hub.publish(topic, "yes", type="wanted")

    assert [event["data"] for event in poll.result().json()["events"]] == ["yes"]


def test_a_long_poll_on_a_pattern_wakes_for_every_topic_of_it(hub, topic):
    start = hub.publish(f"{topic}.a", "old")["cursor"]
    poll = Poll(hub, f"/stream?topic={topic}.*&wait=25&after={start}")
    hub.publish(f"{topic}.brand-new", "here")

    assert [event["data"] for event in poll.result().json()["events"]] == ["here"]


def test_a_chain_of_long_polls_under_load_misses_nothing_and_sees_nothing_twice(hub, topic):
    count = 150
    after = f"{epoch_of(hub.page(topic)['cursor'])}-0"
    publisher = threading.Thread(
        target=hub.publish_all, args=(topic, [str(n) for n in range(count)])
    )
    publisher.start()

    seen = []
    while len(seen) < count:
        answer = hub.get(f"/t/{topic}?wait=20&after={after}", timeout=40)
        assert answer.status == 200, answer
        seen += [event["data"] for event in answer.json()["events"]]
        after = answer.json()["cursor"]
    publisher.join()

    assert seen == [str(number) for number in range(count)]


def test_many_long_polls_are_woken_by_one_event(hub, topic):
    cursor = hub.publish(topic, "old")["cursor"]
    polls = [Poll(hub, f"/t/{topic}?wait=25&after={cursor}") for _ in range(30)]
    hub.publish(topic, "new")

    for poll in polls:
        assert [event["data"] for event in poll.result().json()["events"]] == ["new"]


def test_a_client_may_leave_a_long_poll(hub, topic):
    with RawSocket(hub) as raw:
        raw.send(f"GET /t/{topic}?wait=25 HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        raw.reset()

    hub.publish(topic, "fine")
    assert hub.payloads(topic) == ["fine"]


def test_the_limit_holds_for_long_polls_too(hub, topic):
    hub.publish_all(topic, ["a", "b", "c"])

    page = hub.get(f"/t/{topic}?wait=25&after=first&limit=2").json()

    assert [event["data"] for event in page["events"]] == ["a", "b"]
    assert page["cursor"] == page["events"][-1]["cursor"]


@pytest.mark.parametrize("wait", ["x", "-1", "", "1e3", "99999999999999999999"])
def test_a_malformed_wait_is_refused(hub, topic, wait):
    assert_problem(hub.get(f"/t/{topic}?wait={wait}"), 400)
