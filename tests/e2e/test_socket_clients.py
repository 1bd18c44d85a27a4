"""WebSocket clients of npm, `ws` and `undici`, over every form."""

import json
import subprocess

import pytest

from hub import ROOT, Hub


@pytest.fixture(scope="module")
def packed_hub():
    with Hub(args=["--websocket-deflate", "true"]) as running:
        yield running


@pytest.mark.parametrize("client", ["ws", "ws-deflate", "undici"])
def test_a_client_of_npm_is_given_what_it_published_in_every_form(
    packed_hub, npm_packages, client
):
    topic = f"npm-{client}"
    words = ["node", "tests/e2e/socket_clients.mjs", client, f"ws://127.0.0.1:{packed_hub.port}"]
    done = subprocess.run(
        [*words, topic], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)

    assert {each["code"] for each in given.values()} == {1000}
    assert all(each["wasClean"] for each in given.values())
    payloads = given["payloads"]["frames"]
    assert payloads == ["text é", {"base64": "AAH/"}, "", "long " * 50_000]
    compressed = "permessage-deflate" in given["payloads"]["extensions"]
    assert compressed == (client == "ws-deflate") or client == "undici"
    assert given["cloudevents"]["protocol"] == "cloudevents.json"
    assert json.loads(given["cloudevents"]["frames"][0])["data"] == {"n": 1}
    assert given["stream"]["frames"] == ['{"n":1}']
    ops = [json.loads(frame) for frame in given["session"]["frames"]]
    assert [op["op"] for op in ops[:2]] == ["hello", "ok"]
    assert sorted(op["op"] for op in ops[2:]) == ["event", "ok"]
    assert next(op for op in ops if op["op"] == "event")["event"]["data"] == [1, 2]
