"""`carillon ws`: a WebSocket at the terminal."""

import json

from hub import run_carillon


def ws(hub, *words, stdin=""):
    words = [*words, "--server", hub.url]
    done = run_carillon("ws", *words, input=stdin)
    return done.returncode, done.stdout, done.stderr


def test_lines_are_sent_and_frames_printed(hub):
    code, out, err = ws(hub, "/t/wscommand.a", "--count", "2", stdin="one\ntwo\n")

    assert (code, out, err) == (0, "one\ntwo\n", "")


def test_frames_are_shown_as_json_with_their_close(hub):
    hub.publish("wscommand.b", b"\x00\xff", content_type="application/octet-stream")
    code, out, _ = ws(hub, "/t/wscommand.b?after=first", "--count", "1", "--json")

    assert code == 0
    assert json.loads(out) == {"frame": "binary", "data_base64": "AP8="}


def test_a_session_is_spoken_by_its_subprotocol(hub):
    op = '{"op":"ping","id":"1"}\n'
    code, out, _ = ws(hub, "/ws", "--subprotocol", "carillon.v1.json", "--count", "2", stdin=op)

    hello, answer = map(json.loads, out.splitlines())
    assert code == 0 and hello["op"] == "hello" and answer == {"op": "ok", "id": "1"}


def test_why_it_was_closed_is_said_and_is_a_failure(hub):
    code, out, err = ws(hub, "/stream?topic=a", "--frames", stdin="x\n")

    assert code == 1 and "4400" in err and "<close 4400" in out


def test_a_refusal_and_a_wrong_url_say_what_is_wrong(hub):
    code, _, err = ws(hub, "/t/a?after=nonsense")
    assert code == 1 and "400" in err and "bad-cursor" in err
    code, _, err = ws(hub, "nonsense")
    assert code == 2 and "ws://localhost:8080/ws" in err
    done = run_carillon("ws", "ws://127.0.0.1:1/")
    code, err = done.returncode, done.stderr
    assert code == 1 and "nothing listens" in err
