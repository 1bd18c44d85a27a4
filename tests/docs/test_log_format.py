"""docs/reference/log-format.md is held to the sources, and to a reader written from it alone."""

import json
import re
import subprocess
import sys

from hub import Hub, run_carillon, wait_until
from pages import REFERENCE, ROOT, source

# The members of a line that `log dump` prints.
DUMPED = ("cursor", "topic", "stored_at", "id", "type", "data", "data_base64")

def constants(name):
    """`kName = expression` of a source, those that are plain numbers."""
    found = {}
    for key, text in re.findall(r"\bk(\w+)\s*=\s*([\dxa-fA-F' +*]+)[;,]", source(name)):
        found[key] = eval(text.replace("'", ""))  # arithmetic of our own sources
    return found


def table_under(heading, page):
    """The rows of the first table behind a heading, as lists of cells."""
    text = page[page.index(heading) :]
    table = re.search(r"^\|.*?(?=\n\n)", text, re.M | re.S).group()
    return [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip("|"))]
        for line in table.splitlines()[2:]
    ]


def offset_of(rows, words):
    found = [row[0] for row in rows if row[-1].startswith(words)]
    assert found, words
    return int(found[0])


def test_magics_and_versions_of_the_format_page_are_those_of_the_sources():
    page = (REFERENCE / "log-format.md").read_text()

    for name, key, what in [
        ("log/journal.cc", "Magic", "`CARJ`"),
        ("log/frame.cc", "Magic", "`CARF`"),
        ("log/segment_format.cc", "HeaderMagic", "`CARS`"),
        ("log/segment_format.cc", "TrailerMagic", "`CART`"),
        ("log/state_file.cc", "Magic", "`CRST`"),
    ]:
        magic = constants(name)[key].to_bytes(4, "little").decode()
        assert what == f"`{magic}`"
        assert f"magic {what}" in page
    for name in ("log/journal.cc", "log/segment_format.cc", "log/state_file.cc"):
        assert constants(name)["Version"] == 1
    assert page.count("| `u32` | version, 1 |") == 4


def test_offsets_and_sizes_of_the_format_page_are_those_of_the_sources():
    page = (REFERENCE / "log-format.md").read_text()
    record, frame, segment = (
        constants("event/record.cc"),
        constants("log/frame.cc"),
        constants("log/segment_format.h"),
    )
    rows = table_under("## Records", page)

    for key, words in [
        ("CrcAt", "checksum"),
        ("LengthAt", "length:"),
        ("PositionAt", "position"),
        ("StoredAt", "time of storing"),
        ("TopicAt", "topic number"),
        ("DataBytesAt", "data bytes"),
        ("AttributeBytesAt", "attribute bytes"),
        ("KindAt", "kind"),
        ("FlagsAt", "flags"),
    ]:
        assert offset_of(rows, words) == record[key], key
    assert offset_of(rows, "attributes") == constants("event/record.h")["RecordHeaderBytes"] == 40
    assert constants("event/record.h")["RecordAlignment"] == 8
    rows = table_under("### Frame", page)
    for key, words in [
        ("MagicAt", "magic"),
        ("CrcAt", "checksum"),
        ("BytesAt", "size of header"),
        ("RecordsAt", "how many records"),
        ("JournalAt", "number of the journal"),
        ("SequenceAt", "sequence"),
        ("LastAt", "position"),
        ("StoredAt", "time of storing"),
    ]:
        assert offset_of(rows, words) == frame[key], key
    assert offset_of(rows, "one behind the other") == constants("log/frame.h")["FrameHeaderBytes"]
    rows = table_under("## `journal`", page)
    assert offset_of(rows, "checksum of bytes") == constants("log/journal.cc")["HeaderBytes"]
    assert f"header, {segment['SegmentHeaderBytes']} bytes" in page
    assert f"{segment['SegmentTrailerBytes']} bytes before the end" in page
    runs = constants("log/segment.h")
    assert f"every {runs['SparseEvery']}th event" in page
    block = runs["OrderBlockEntries"]
    assert (
        f"{block:,} entries of {segment['OrderEntryBytes']} bytes and a checksum, {block * 16 + 4:,}\nbytes"
        in page
    )


def test_kinds_and_tags_of_the_format_page_are_those_of_the_sources():
    page = (REFERENCE / "log-format.md").read_text()
    kinds = re.findall(
        r"^  (\w+) = (\d+),",
        source("event/record.h").partition("enum class RecordKind")[2].partition("};")[0],
        re.M,
    )
    tags = re.findall(
        r"^  k(\w+) = (\d+),",
        source("event/record.cc").partition("enum Tag")[2].partition("};")[0],
        re.M,
    )

    shown = {row[1]: row[0] for row in table_under("| kind | name |", page)}
    assert shown == dict(kinds)
    # Tags behind the extension's are its kinds.
    kinds_of_extensions = len(
        re.findall(
            r"\w+",
            re.search(r"enum class ExtensionKind[^{]*\{([^}]*)\}", source("event/event.h")).group(
                1
            ),
        )
    )
    shown = [
        (re.sub(r"\W", "", row[1].partition(",")[0]), int(row[0]))
        for row in table_under("### Attributes", page)
    ]
    assert [(name.lower(), int(number)) for name, number in tags][:8] == shown[:8]
    assert len(shown) == 8 + kinds_of_extensions
    assert int(dict(tags)["Extension"]) == shown[8][1]


def dumped(text):
    lines = [json.loads(line) for line in text.split("\n") if line]
    for line in lines:
        assert set(line) <= set(DUMPED), line
    return lines


def assert_readers_agree(data):
    """`carillon log dump` and tools/read_log.py say the same of a stopped log. Their events."""
    # The reader first: a dump finishes what a crash left unfinished.
    read = subprocess.run(
        [sys.executable, "-B", ROOT / "tools" / "read_log.py", data],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert read.returncode == 0, read
    assert read.stderr == "", read.stderr
    dump = run_carillon("log", "dump", "--data", data)
    assert dump.returncode == 0, dump
    assert dumped(read.stdout) == dumped(dump.stdout)
    return dumped(read.stdout)


def publish_of_every_kind(hub, round_number):
    for number in range(40):
        topic = f"a.t{number % 7}"
        hub.publish(
            topic,
            f'line\n"é\b\u2028 {number} ' + "y" * (number * 700),
            type="t.e" if number % 2 else "carillon.event",
            key=f"k{number % 3}",
            subject="s p",
        )
        assert hub.post(f"/t/{topic}", bytes(range(256)) * number, "image/png").status == 201
        batch = [
            {
                "specversion": "1.0",
                "id": f"{round_number}-{number}-{k}",
                "source": "/s",
                "type": "q",
                "n": 3,
                "yes": True,
                "data": {"k": k},
            }
            for k in range(9)
        ]
        assert (
            hub.post_json(f"/t/{topic}", batch, "application/cloudevents-batch+json").status == 201
        )
    assert (
        hub.post(
            "/t/a.lines", "\n".join(str(n) for n in range(500)) + "\n", "application/x-ndjson"
        ).status
        == 201
    )


def test_a_reader_written_from_the_format_page_reads_what_the_hub_wrote():
    with Hub(args=["--journal-bytes", "1MiB"]) as hub:
        for round_number in range(3):
            publish_of_every_kind(hub, round_number)
            if round_number == 1:
                assert hub.delete("/v1/topics/a.t3").status == 204
                before = hub.page("a.t4", limit="5")["events"][0]["cursor"]
                assert hub.post_json("/v1/topics/a.t4/trim", {"before": before}).status == 200
                hub.publish("a.t3", "made again")
            hub.kill() if round_number % 2 else hub.stop()
            events = assert_readers_agree(hub.data)
            hub.start()
        wait_until(lambda: any(hub.data.glob("log/segment-*")), "a sealed segment")
        hub.stop()

        assert assert_readers_agree(hub.data) == events
        assert len(events) > 1000


def test_the_reader_reads_an_empty_log_and_a_restored_one(tmp_path):
    with Hub() as hub:
        hub.stop()
        assert assert_readers_agree(hub.data) == []
        hub.start()
        hub.publish("a", "one")
        assert hub.post_json("/v1/snapshot", {"to": str(tmp_path / "snapshot")}).status == 201
    assert (
        run_carillon(
            "log", "restore", tmp_path / "snapshot", "--data", tmp_path / "restored"
        ).returncode
        == 0
    )

    assert [event["data"] for event in assert_readers_agree(tmp_path / "restored")] == ["one"]


def test_the_reader_passes_over_a_torn_frame():
    with Hub() as hub:
        cursor = hub.publish("a", "kept")["cursor"]
        hub.publish("a", "torn")
        hub.kill()
        journal = next(
            path for path in sorted(hub.data.glob("log/journal-*")) if b"kept" in path.read_bytes()
        )
        data = bytearray(journal.read_bytes())
        data[data.index(b"torn")] ^= 1
        journal.write_bytes(data)

        assert [event["cursor"] for event in assert_readers_agree(hub.data)] == [cursor]
