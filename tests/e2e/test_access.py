"""Who may do what: tokens and their rights, default deny, Host, Origin, CORS."""

import pytest

from clients import SseClient
from hub import Hub, assert_problem

ADMIN = "admin-token-0123456789abcdef0123"
WRITER = "writer-token-0123456789abcdef012"
READER = "reader-token-0123456789abcdef012"
CONFIG = f"""
origins = ["https://app.example"]
hosts = ["127.0.0.1"]
[public]
subscribe = ["public.**"]
[[tokens]]
token = "{ADMIN}"
publish = ["**"]
subscribe = ["**"]
manage = true
[[tokens]]
token = "{WRITER}"
publish = ["orders.*", "public.*"]
[[tokens]]
token = "{READER}"
subscribe = ["orders.**"]
"""
SSE = {"Accept": "text/event-stream"}


@pytest.fixture(scope="module")
def guarded():
    with Hub(command="serve", config=CONFIG) as shared:
        shared.http("POST", "/t/orders.eu", "x", bearer(ADMIN))
        shared.http("POST", "/t/public.news", "x", bearer(ADMIN))
        yield shared
        assert shared.alive()


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def assert_401(answer):
    assert_problem(answer, 401)
    assert answer.header("www-authenticate").lower().startswith("bearer")


# --- tokens --------------------------------------------------------------------------------------

READS = [
    "/t/orders.eu",
    "/t/orders.eu/tail",
    "/t/orders.eu/latest",
    "/t/orders.eu/feed.atom",
    "/t/orders.eu/feed.json",
    "/stream?topic=orders.eu",
    "/stream?topic=orders.*",
    "/t/orders.eu?wait=20",
]
MANAGEMENT = [
    ("GET", "/v1/topics"),
    ("GET", "/v1/topics/orders.eu"),
    ("GET", "/v1/connections"),
    ("GET", "/v1/stats"),
    ("DELETE", "/v1/topics/orders.eu"),
    ("POST", "/v1/topics/orders.eu/trim"),
    ("POST", "/v1/snapshot"),
]


@pytest.mark.parametrize("path", READS)
def test_reading_without_a_token_is_401(guarded, path):
    assert_401(guarded.get(path))


@pytest.mark.parametrize(
    "path", ["/t/orders.eu", "/stream?topic=orders.eu", "/stream?topic=orders.*"]
)
def test_streaming_without_a_token_is_401(guarded, path):
    assert_401(guarded.get(path, SSE))


def test_an_events_url_without_a_token_is_401_whether_or_not_the_event_is_there(guarded):
    cursor = guarded.get("/t/orders.eu", bearer(ADMIN)).json()["events"][0]["cursor"]

    assert_401(guarded.get(f"/t/orders.eu/events/{cursor}"))
    assert_401(guarded.get("/t/orders.none/events/zz-1"))


def test_publishing_without_a_token_is_401_also_to_a_public_topic(guarded):
    assert_401(guarded.post("/t/orders.eu", "x"))
    assert_401(guarded.post("/t/public.news", "x"))


@pytest.mark.parametrize("method, path", MANAGEMENT)
def test_management_without_a_token_is_401_and_with_a_token_without_the_right_403(
    guarded, method, path
):
    body = None if method == "GET" else b"{}"
    assert_401(guarded.http(method, path, body))
    assert_problem(guarded.http(method, path, body, bearer(WRITER)), 403)
    assert_problem(guarded.http(method, path, body, bearer(READER)), 403)


def test_management_with_the_right_works(guarded):
    for path in ("/v1/topics", "/v1/topics/orders.eu", "/v1/connections", "/v1/stats"):
        assert guarded.get(path, bearer(ADMIN)).status == 200, path


def test_metrics_are_not_for_everybody(guarded):
    assert_401(guarded.get("/metrics"))


def test_a_public_topic_can_be_read_without_a_token(guarded):
    assert guarded.get("/t/public.news").status == 200
    assert guarded.get("/t/public.news/latest").status == 200
    with SseClient(guarded, "/t/public.news?after=first") as stream:
        assert stream.take_data(1) == ["x"]
    assert guarded.get("/stream?topic=public.**").status == 200


@pytest.mark.parametrize(
    "headers",
    [
        bearer("wrong"),
        bearer(""),
        bearer(ADMIN[:-1]),
        bearer(ADMIN + "x"),
        bearer(ADMIN.upper()),
        {"Authorization": f"Basic {ADMIN}"},
        {"Authorization": ADMIN},
        {"Authorization": "Bearer"},
        {"Authorization": f"Bearer {ADMIN} {ADMIN}"},
    ],
)
def test_a_wrong_token_is_401_even_on_a_public_topic(guarded, headers):
    assert_401(guarded.get("/t/public.news", headers))
    assert_401(guarded.get("/t/orders.eu", headers))
    assert_401(guarded.post("/t/orders.eu", "x", headers=headers))


def test_the_scheme_of_authorization_has_no_case(guarded):
    assert guarded.get("/t/orders.eu", {"Authorization": f"bearer {READER}"}).status == 200


def test_a_token_that_lacks_the_right_is_403(guarded):
    assert_problem(guarded.get("/t/orders.eu", bearer(WRITER)), 403)
    assert_problem(guarded.post("/t/orders.eu", "x", headers=bearer(READER)), 403)
    assert_problem(guarded.get("/t/other", bearer(READER)), 403)
    assert_problem(guarded.post("/t/orders.eu.deep", "x", headers=bearer(WRITER)), 403)


def test_a_token_with_the_right_may(guarded):
    assert guarded.post("/t/orders.us", "x", headers=bearer(WRITER)).status == 201
    assert guarded.get("/t/orders.us", bearer(READER)).status == 200
    assert guarded.get("/t/orders.eu.deep", bearer(READER)).status == 200


def test_every_reader_also_has_the_public_topics(guarded):
    assert guarded.get("/t/public.news", bearer(READER)).status == 200


@pytest.mark.parametrize(
    "pattern, status",
    [
        ("orders.eu", 200),
        ("orders.*", 200),
        ("orders.**", 200),
        ("orders.*.*", 200),
        ("**", 403),
        ("*.eu", 403),
        ("*", 403),
        ("orders", 403),
        ("invoices.*", 403),
        ("*.**", 403),
    ],
)
def test_a_pattern_wider_than_ones_rights_is_403_never_a_silent_part(guarded, pattern, status):
    answer = guarded.get(f"/stream?topic={pattern}", bearer(READER))

    assert answer.status == status, answer
    if status == 403:
        assert_problem(answer, 403)
        assert_problem(guarded.get(f"/stream?topic=orders.eu&topic={pattern}", bearer(READER)), 403)
        assert_problem(guarded.get(f"/stream?topic={pattern}", {**bearer(READER), **SSE}), 403)


def test_a_refused_publish_makes_no_topic(guarded):
    guarded.post("/t/made.by-refusal", "x", headers=bearer(READER))
    guarded.post("/t/made.by-refusal", "x")

    listed = guarded.get("/t/made.by-refusal", bearer(ADMIN))
    assert listed.json()["events"] == []


def test_a_batch_to_a_topic_without_the_right_is_403(guarded):
    answer = guarded.post("/t/other", "[]", "application/cloudevents-batch+json", bearer(WRITER))

    assert_problem(answer, 403)


def test_a_token_in_the_query_is_no_token(guarded):
    assert_401(guarded.get(f"/t/orders.eu?token={READER}"))
    assert_401(guarded.get(f"/t/orders.eu?access_token={READER}"))


def test_even_an_admin_does_not_publish_under_sys(guarded):
    assert_problem(guarded.post("/t/$sys.webhooks", "x", headers=bearer(ADMIN)), 403)


def test_head_and_options_open_nothing(guarded):
    assert guarded.http("HEAD", "/t/orders.eu").status == 401
    answer = guarded.http("OPTIONS", "/t/orders.eu")
    assert b"events" not in answer.body


def test_serve_without_tokens_denies_everything_but_health(start_hub):
    fresh = start_hub(command="serve", config='hosts = ["127.0.0.1"]\n')

    assert_401(fresh.get("/t/a"))
    assert_401(fresh.post("/t/a", "x"))
    assert_401(fresh.get("/v1/topics"))
    assert_401(fresh.get("/stream?topic=**"))
    assert fresh.get("/healthz").status in (200, 503)


def test_dev_with_tokens_asks_for_them(start_hub):
    fresh = start_hub(command="dev", config=CONFIG)

    assert_401(fresh.get("/t/orders.eu"))
    assert fresh.get("/t/orders.eu", bearer(READER)).status == 200


def test_dev_without_tokens_still_refuses_a_wrong_token(start_hub):
    fresh = start_hub(command="dev")

    assert_401(fresh.get("/t/a", bearer("wrong")))


# --- Host ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1:65535", "[::1]:8080", "LOCALHOST:80"]
)
def test_dev_accepts_loopback_names_with_any_port(hub, host):
    assert hub.get("/v1/topics", {"Host": host}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:localhost",
        "127.0.0.2.nip.io",
        "hub",
    ],
)
def test_dev_refuses_management_and_pages_under_a_foreign_host(hub, topic, host):
    """DNS rebinding: a browser page of that name would reach the hub on loopback."""
    for path in ("/v1/topics", "/v1/stats", f"/t/{topic}"):
        answer = hub.get(path, {"Host": host})
        assert answer.status in (400, 403), (path, answer)
        assert_problem(answer, answer.status)
    answer = hub.get(f"/t/{topic}", {"Host": host, "Accept": "text/html"})
    assert answer.status in (400, 403), answer


def test_a_foreign_host_with_its_own_origin_cannot_publish(hub, topic):
    """The Origin of a rebound page equals its Host; it is not the hub's own for that."""
    answer = hub.post(
        f"/t/{topic}",
        "x",
        "text/plain",
        {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"},
    )

    assert_problem(answer, 403)
    assert hub.events(topic) == []


def test_a_configured_host_and_the_public_url_are_accepted(start_hub):
    fresh = start_hub(config='public_url = "https://hub.example"\nhosts = ["inner.example"]\n')

    for host in ("hub.example", "inner.example", "localhost"):
        assert fresh.get("/v1/topics", {"Host": host}).status == 200, host
    assert_problem(fresh.get("/v1/topics", {"Host": "other.example"}), 403)


# --- Origin --------------------------------------------------------------------------------------


def changing_requests(topic):
    return [
        ("POST", f"/t/{topic}", b"x"),
        ("DELETE", f"/v1/topics/{topic}", None),
        ("POST", f"/v1/topics/{topic}/trim", b"{}"),
        ("POST", "/v1/snapshot", b"{}"),
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://evil.example:8080",
        "null",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "file://",
        "http://localhost@evil.example",
        "garbage",
    ],
)
def test_dev_refuses_foreign_origins_on_everything_that_changes_something(hub, topic, origin):
    hub.publish(topic, "kept")
    for method, path, body in changing_requests(topic):
        assert_problem(hub.http(method, path, body, {"Origin": origin}), 403)
    assert hub.payloads(topic) == ["kept"]


@pytest.mark.parametrize(
    "origin",
    ["http://localhost:3000", "http://127.0.0.1:5173", "http://[::1]:3000", "http://localhost"],
)
def test_dev_accepts_loopback_origins(hub, topic, origin):
    answer = hub.post(f"/t/{topic}", "x", "text/plain", {"Origin": origin})

    assert answer.status == 201, answer
    assert answer.header("access-control-allow-origin") == origin


def test_the_hubs_own_origin_is_accepted(hub, topic):
    assert (
        hub.post(
            f"/t/{topic}", "x", "text/plain", {"Origin": f"http://127.0.0.1:{hub.port}"}
        ).status
        == 201
    )


@pytest.mark.parametrize(
    "origin, status",
    [
        ("https://app.example", 201),
        ("http://app.example", 403),
        ("https://app.example:8443", 403),
        ("https://app.example.evil.example", 403),
        ("https://sub.app.example", 403),
        ("http://localhost:3000", 403),
        ("https://app.exampl", 403),
    ],
)
def test_serve_accepts_listed_origins_exactly(guarded, origin, status):
    answer = guarded.http("POST", "/t/orders.eu", "x", {**bearer(WRITER), "Origin": origin})

    assert answer.status == status, answer


# --- CORS ----------------------------------------------------------------------------------------


def test_a_listed_origin_is_echoed_with_vary(guarded):
    answer = guarded.get("/t/public.news", {"Origin": "https://app.example"})

    assert answer.status == 200
    assert answer.header("access-control-allow-origin") == "https://app.example"
    assert "origin" in [name.strip().lower() for name in answer.header("vary").split(",")]


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "https://app.example.evil.example"]
)
def test_an_origin_that_is_not_listed_reads_nothing_through_a_browser(guarded, origin):
    answer = guarded.get("/t/public.news", {"Origin": origin})

    assert answer.header("access-control-allow-origin") is None


def preflight(hub, path, origin, method="POST", headers="authorization,content-type,last-event-id"):
    return hub.http(
        "OPTIONS",
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": headers,
        },
    )


@pytest.mark.parametrize(
    "path", ["/t/orders.eu", "/stream?topic=orders.*", "/t/orders.eu/tail", "/v1/topics/orders.eu"]
)
def test_a_preflight_of_a_listed_origin_is_allowed_without_a_token(guarded, path):
    answer = preflight(guarded, path, "https://app.example", "GET")

    assert 200 <= answer.status < 300, answer
    assert answer.header("access-control-allow-origin") == "https://app.example"
    methods = answer.header("access-control-allow-methods") or ""
    assert "GET" in [name.strip() for name in methods.split(",")]
    allowed = {
        name.strip().lower() for name in answer.header("access-control-allow-headers").split(",")
    }
    assert {"authorization", "last-event-id"} <= allowed
    assert "origin" in answer.header("vary").lower()


def test_a_preflight_for_publishing_allows_what_a_publish_needs(guarded):
    answer = preflight(
        guarded,
        "/t/orders.eu",
        "https://app.example",
        "POST",
        "authorization,content-type,idempotency-key,ce-type,ce-key",
    )

    assert "POST" in answer.header("access-control-allow-methods")
    allowed = {
        name.strip().lower() for name in answer.header("access-control-allow-headers").split(",")
    }
    assert {"authorization", "content-type", "idempotency-key", "ce-type", "ce-key"} <= allowed


def test_a_preflight_of_another_origin_allows_nothing(guarded):
    answer = preflight(guarded, "/t/orders.eu", "https://evil.example")

    assert answer.header("access-control-allow-origin") is None


def test_an_error_answer_to_a_listed_origin_is_readable_too(guarded):
    answer = guarded.get("/t/orders.eu", {"Origin": "https://app.example"})

    assert_401(answer)
    assert answer.header("access-control-allow-origin") == "https://app.example"
