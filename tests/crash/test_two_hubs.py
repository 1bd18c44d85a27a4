"""One log, one port: a second hub is refused by name, whatever the first is doing."""

import subprocess
import threading

from hub import binary, run_carillon, wait_until


class Writer(threading.Thread):
    """Publishes to the first hub all the time; whatever is not stored at once is an error."""

    def __init__(self, hub):
        super().__init__(daemon=True)
        self.hub, self.kept, self.stopping = hub, [], threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            self.kept.append(self.hub.publish("busy", str(len(self.kept)))["cursor"])

    def stop(self):
        self.stopping.set()
        self.join(20)
        return self.kept


def test_a_second_hub_on_the_same_data_is_refused_by_name_under_load(start_hub, prepare_hub):
    first = start_hub(args=["--journal-bytes", "1MiB"])
    writer = Writer(first)
    for _ in range(5):
        second = prepare_hub(data=first.data, args=["--journal-bytes", "1MiB"]).spawn()

        assert second.wait() != 0
        assert str(first.data) in second.stderr()
        assert "listening on" not in second.stderr()
    kept = writer.stop()

    assert [event["cursor"] for event in first.events("busy")] == kept
    first.restart()
    assert [event["cursor"] for event in first.events("busy")] == kept


def test_a_second_hub_on_the_same_port_is_refused_by_name_and_takes_no_connection(
    start_hub, prepare_hub
):
    first = start_hub()
    writer = Writer(first)
    for _ in range(5):
        second = prepare_hub(listen=f"127.0.0.1:{first.port}").spawn()

        assert second.wait() != 0
        assert f"127.0.0.1:{first.port}" in second.stderr()
        assert "listening on" not in second.stderr()
    kept = writer.stop()

    assert [event["cursor"] for event in first.events("busy")] == kept


def test_of_two_hubs_started_at_once_on_the_same_data_exactly_one_lives(prepare_hub):
    for _ in range(5):
        first = prepare_hub()
        second = prepare_hub(data=first.data)
        both = [first.spawn(), second.spawn()]

        wait_until(lambda: not all(hub.alive() for hub in both), "one of them is refused")
        alive = [hub for hub in both if hub.alive()]

        assert len(alive) == 1
        wait_until(lambda: alive[0].url, "the other listens")
        alive[0].publish("a", "b")
        for hub in both:
            hub.kill()


def test_the_data_of_a_killed_hub_is_free_at_once(start_hub):
    first = start_hub()
    first.publish("kept", "a")
    first.kill()

    second = start_hub(data=first.data)

    assert second.payloads("kept") == ["a"]


def test_a_log_in_use_is_not_dumped_from_outside(start_hub):
    first = start_hub()
    first.publish("kept", "a")

    answer = run_carillon("log", "dump", "--data", first.data)

    assert answer.returncode != 0
    assert str(first.data) in answer.stderr
    first.kill()
    words = [binary(), "log", "dump", "--data", str(first.data)]
    assert b'"data":"a"' in subprocess.run(words, capture_output=True, check=True).stdout
