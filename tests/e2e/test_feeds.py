"""feed.atom (RFC 4287) and feed.json (JSON Feed 1.1) of a topic."""

import json
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree
from datetime import datetime

import feedparser
import pytest

from hub import ROOT

ATOM = "{http://www.w3.org/2005/Atom}"
PAYLOADS = [
    "plain",
    '<b>bold</b> & "quoted"',
    "]]> <script>alert(1)</script>",
    "größe \U0001f600",
    "two\nlines\ttab",
    "control \x00 \x08 \x0b \x1f \ufffe end",
    "",
]
# What XML 1.0 cannot carry at all, and what the feed puts there.
NO_XML = {ord(char): "\ufffd" for char in "\x00\x08\x0b\x1f\ufffe"}


@pytest.fixture
def filled(hub, topic):
    for number, payload in enumerate(PAYLOADS):
        hub.publish(topic, payload, subject=f"s{number}")
    hub.publish(topic, '{"a":[1,2]}', "application/json")
    hub.publish(topic, b"\xff\xfe\0", "image/png")
    return topic


def atom(hub, topic):
    answer = hub.get(f"/t/{topic}/feed.atom")
    assert answer.status == 200, answer
    assert answer.content_type() == "application/atom+xml"
    return answer, ElementTree.fromstring(answer.body)


def by_rss_parser(hub, topic):
    """What the npm package makes of the Atom feed, which it fetches itself."""
    program = ROOT / "tests" / "e2e" / "parse_feed.mjs"
    words = ["node", program, f"{hub.url}/t/{topic}/feed.atom"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def json_feed(hub, topic):
    answer = hub.get(f"/t/{topic}/feed.json")
    assert answer.status == 200, answer
    assert answer.content_type() == "application/feed+json"
    return answer.json()


def only(parent, name):
    found = parent.findall(ATOM + name)
    assert len(found) == 1, (name, len(found))
    return found[0]


def assert_rfc3339(text):
    assert datetime.fromisoformat(text.replace("Z", "+00:00")).tzinfo is not None, text


def test_the_atom_feed_has_what_rfc_4287_demands(hub, filled):
    _, feed = atom(hub, filled)

    assert feed.tag == ATOM + "feed"
    assert urllib.parse.urlsplit(only(feed, "id").text).scheme
    assert only(feed, "title").text
    assert_rfc3339(only(feed, "updated").text)
    entries = feed.findall(ATOM + "entry")
    assert len(entries) == len(PAYLOADS) + 2
    authors = feed.findall(ATOM + "author")
    for entry in entries:
        assert urllib.parse.urlsplit(only(entry, "id").text).scheme, "an id is an IRI"
        only(entry, "title")
        assert_rfc3339(only(entry, "updated").text)
        assert authors or entry.findall(ATOM + "author")
        has_content = entry.findall(ATOM + "content") or entry.findall(ATOM + "link")
        assert has_content, "an entry without content needs an alternate link"
    assert len({only(entry, "id").text for entry in entries}) == len(entries)


def test_the_atom_feed_names_itself_as_self(hub, filled):
    _, feed = atom(hub, filled)

    links = [link.get("href") for link in feed.findall(ATOM + "link") if link.get("rel") == "self"]
    assert links == [f"http://127.0.0.1:{hub.port}/t/{filled}/feed.atom"]


def test_ids_and_times_of_entries_never_change(hub, filled):
    def entries():
        return {
            only(entry, "id").text: only(entry, "updated").text
            for entry in atom(hub, filled)[1].findall(ATOM + "entry")
        }

    before = entries()
    hub.publish(filled, "later")

    assert before.items() <= entries().items()


def test_payloads_come_out_of_the_atom_feed_as_text_and_forge_no_markup(hub, filled):
    _, feed = atom(hub, filled)

    texts = ["".join(entry.itertext()) for entry in feed.findall(ATOM + "entry")]
    for payload in PAYLOADS[:2] + PAYLOADS[3:4]:
        assert any(payload in text for text in texts), payload
    assert any("]]> <script>alert(1)</script>" in text for text in texts)
    assert not [element.tag for element in feed.iter() if element.tag.endswith(("script", "b"))]


def test_feedparser_reads_the_atom_feed_without_a_complaint(hub, filled):
    answer, _ = atom(hub, filled)

    parsed = feedparser.parse(
        answer.body, response_headers={"content-type": answer.header("content-type")}
    )

    assert not parsed.bozo, parsed.get("bozo_exception")
    assert parsed.version == "atom10"
    assert len(parsed.entries) == len(PAYLOADS) + 2
    assert all(entry.id for entry in parsed.entries)


def test_rss_parser_reads_the_atom_feed_as_it_is_meant(hub, filled, npm_packages):
    entries = atom(hub, filled)[1].findall(ATOM + "entry")

    parsed = by_rss_parser(hub, filled)

    assert (parsed["title"], parsed["feedUrl"]) == (filled, f"{hub.url}/t/{filled}/feed.atom")
    assert parsed["link"] == f"{hub.url}/t/{filled}"
    assert_rfc3339(parsed["lastBuildDate"])
    assert [item["id"] for item in parsed["items"]] == [only(e, "id").text for e in entries]
    for item in parsed["items"]:
        assert hub.get(item["link"].removeprefix(hub.url)).status == 200, item
        assert_rfc3339(item["isoDate"])
    titles = [item["title"] for item in parsed["items"]]
    assert titles[::-1] == [f"s{n}" for n in range(len(PAYLOADS))] + ["carillon.event"] * 2
    contents = [item.get("content", "") for item in parsed["items"]][::-1]
    for payload, content in zip(PAYLOADS, contents):
        if payload:  # the package makes markup of its own of a content that is empty
            assert content == payload.translate(NO_XML), payload
    assert json.loads(contents[len(PAYLOADS)]) == {"a": [1, 2]}


def test_rss_parser_reads_the_feed_of_an_empty_topic(hub, topic, npm_packages):
    parsed = by_rss_parser(hub, topic)

    assert (parsed["title"], parsed["items"]) == (topic, [])


# https://www.jsonfeed.org/version/1.1: each member that a feed or an item may have, and what it is.
FEED_MEMBERS = {
    "version": str, "title": str, "items": list, "home_page_url": str, "feed_url": str,
    "description": str, "user_comment": str, "next_url": str, "icon": str, "favicon": str,
    "authors": list, "language": str, "expired": bool, "hubs": list,
}  # fmt: skip
ITEM_MEMBERS = {
    "id": str, "url": str, "external_url": str, "title": str, "content_html": str,
    "content_text": str, "summary": str, "image": str, "banner_image": str,
    "date_published": str, "date_modified": str, "authors": list, "tags": list,
    "language": str, "attachments": list,
}  # fmt: skip


def assert_members(given, known, required):
    assert set(required) <= set(given), set(required) - set(given)
    for name, value in given.items():
        assert name in known or name.startswith("_"), f"{name} is no member of JSON Feed"
        assert isinstance(value, known.get(name, object)), (name, value)
        if name.endswith("url"):
            assert urllib.parse.urlsplit(value).scheme in ("http", "https"), (name, value)
        if name.startswith("date_"):
            assert_rfc3339(value)


def assert_json_feed(feed):
    """The rules of version 1.1, those for readers of old versions left out."""
    assert_members(feed, FEED_MEMBERS, {"version", "title", "items"})
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert all(set(author) & {"name", "url", "avatar"} for author in feed.get("authors", []))
    assert all(set(one) >= {"type", "url"} for one in feed.get("hubs", []))
    for item in feed["items"]:
        assert_members(item, ITEM_MEMBERS, {"id"})
        assert item["id"] and {"content_html", "content_text"} & set(item), item
        assert all(isinstance(tag, str) for tag in item.get("tags", []))
        for attachment in item.get("attachments", []):
            assert set(attachment) >= {"url", "mime_type"}, attachment
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])


def test_the_json_feed_has_what_version_1_1_demands(hub, filled):
    feed = json_feed(hub, filled)

    assert_json_feed(feed)
    assert feed["feed_url"] == f"{hub.url}/t/{filled}/feed.json"
    assert len(feed["items"]) == len(PAYLOADS) + 2
    texts = [item["content_text"] for item in feed["items"]][::-1]
    assert texts[: len(PAYLOADS)] == PAYLOADS, "JSON can carry every character"


def test_every_url_of_an_item_of_the_json_feed_leads_to_its_event(hub, filled):
    for item in json_feed(hub, filled)["items"]:
        event = hub.get(item["url"].removeprefix(hub.url))
        assert event.status == 200, event
        for attachment in item.get("attachments", []):
            assert attachment["mime_type"] == event.content_type()


def test_a_feed_is_the_newest_events_newest_first(hub, topic):
    hub.publish_all(topic, [str(number) for number in range(60)])

    newest = [str(number) for number in range(59, 9, -1)]
    assert [item["content_text"] for item in json_feed(hub, topic)["items"]] == newest
    entries = atom(hub, topic)[1].findall(ATOM + "entry")
    assert [only(entry, "content").text for entry in entries] == newest


def test_both_feeds_show_the_same_events_in_the_same_order(hub, filled):
    texts = [
        item.get("content_text", item.get("content_html", ""))
        for item in hub.get(f"/t/{filled}/feed.json").json()["items"]
    ]
    entries = ["".join(entry.itertext()) for entry in atom(hub, filled)[1].findall(ATOM + "entry")]

    def order(haystack):
        return [
            next(at for at, text in enumerate(haystack) if needle in text)
            for needle in ("plain", "größe", "two\nlines")
        ]

    assert len(texts) == len(entries)
    assert sorted(order(texts)) in (order(texts), order(texts)[::-1])
    assert order(texts) == order(entries)


@pytest.mark.parametrize("name", ["feed.atom", "feed.json"])
def test_the_feed_of_an_empty_topic_is_a_valid_feed_without_entries(hub, topic, name):
    answer = hub.get(f"/t/{topic}/{name}")

    assert answer.status == 200, answer
    if name == "feed.json":
        assert_json_feed(answer.json())
        assert answer.json()["items"] == []
    else:
        feed = ElementTree.fromstring(answer.body)
        assert only(feed, "id").text and only(feed, "title").text and only(feed, "updated").text
        assert feed.findall(ATOM + "entry") == []


@pytest.mark.parametrize("name", ["feed.atom", "feed.json"])
def test_a_feed_reader_that_comes_again_gets_304_until_something_new_is_there(hub, filled, name):
    etag = hub.get(f"/t/{filled}/{name}").header("etag")
    assert etag

    assert hub.get(f"/t/{filled}/{name}", {"If-None-Match": etag}).status == 304
    hub.publish(filled, "new")
    assert hub.get(f"/t/{filled}/{name}", {"If-None-Match": etag}).status == 200


def test_behind_a_proxy_a_feed_names_the_public_url(start_hub):
    fresh = start_hub(config='public_url = "https://hub.example"\n')
    fresh.publish("news", "x")

    feed = fresh.get("/t/news/feed.json").json()
    assert feed["feed_url"] == "https://hub.example/t/news/feed.json"


def test_a_feed_has_only_what_matches(hub, topic):
    hub.publish(topic, "a", type="wanted")
    hub.publish(topic, "b", type="other")

    feed = hub.get(f"/t/{topic}/feed.json?type=wanted").json()

    assert [item["content_text"] for item in feed["items"]] == ["a"]
    assert feed["feed_url"].endswith(f"/t/{topic}/feed.json?type=wanted")


def test_ids_of_entries_are_the_same_by_whatever_name_the_hub_is_reached(hub, topic):
    hub.publish(topic, "a", id="of-mine")
    port = hub.url.rpartition(":")[2]

    ids = [
        [feed.find(f"{ATOM}id").text, *(entry.find(f"{ATOM}id").text for entry in feed.iter(f"{ATOM}entry"))]
        for name in ("127.0.0.1", "localhost")
        for answer in [hub.get(f"/t/{topic}/feed.atom", headers={"Host": f"{name}:{port}"})]
        for feed in [ElementTree.fromstring(answer.body)]
    ]

    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    assert all(ident.startswith("urn:uuid:") for ident in ids[0])
