"""What a restart must not show: that there was one."""

import pytest

from clients import SseClient

ENDS = ["kill", "stop"]


@pytest.mark.parametrize("end", ENDS)
def test_the_newest_events_are_still_on_the_first_page_after_a_restart(start_hub, end):
    hub = start_hub()
    cursors = hub.publish_all("news", ["a", "b", "c"])

    getattr(hub, end)()
    hub.start()

    assert [event["cursor"] for event in hub.page("news")["events"]] == cursors
    assert [event["cursor"] for event in hub.page("news", limit=2)["events"]] == cursors[1:]


@pytest.mark.parametrize("end", ENDS)
def test_the_last_n_events_are_counted_over_a_restart(start_hub, end):
    hub = start_hub()
    cursors = hub.publish_all("news", ["a", "b"])

    getattr(hub, end)()
    hub.start()
    cursors.append(hub.publish("news", "c")["cursor"])

    assert [event["cursor"] for event in hub.page("news", after="-3")["events"]] == cursors
    with SseClient(hub, "/t/news?after=-2") as stream:
        assert [event.id for event in stream.take(2)] == cursors[1:]


def test_the_last_n_events_are_counted_over_many_kills(start_hub):
    hub = start_hub()
    cursors = []
    for number in range(8):
        cursors.append(hub.publish("news", str(number))["cursor"])
        hub.restart()

    assert [event["cursor"] for event in hub.page("news", after="-5")["events"]] == cursors[-5:]
