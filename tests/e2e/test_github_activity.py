"""examples/github-activity: real payloads, other people's clients, before and after kill -9."""

import subprocess
import sys

from hub import ROOT

EXAMPLE = ROOT / "examples" / "github-activity"
WAYS = 7


def activity(command, hub):
    """The lines that the example prints; it ends with 1 at the first difference."""
    words = [sys.executable, "-B", str(EXAMPLE / "activity.py"), command, hub.url]
    result = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def test_github_payloads_come_back_equal_by_every_client_before_and_after_kill_9(
    start_hub, npm_packages
):
    hub = start_hub()

    first = activity("check", hub)
    hub.restart()
    second = activity("check", hub)

    assert first[0] == "published: 329 events on 58 topics, 329 of them new"
    assert second[0] == "published: 329 events on 58 topics, 0 of them new"
    assert second[1:] == first[1:]
    assert len(first) == 1 + WAYS


def test_publishing_the_payloads_again_stores_nothing_twice(start_hub, npm_packages):
    hub = start_hub()

    lines = activity("publish", hub) + activity("publish", hub)

    assert lines == [f"published: 329 events, {new} of them new" for new in (329, 0)]
    assert sum(1 for _ in hub.all_pages("/stream", [("topic", "github.**")])) == 329
