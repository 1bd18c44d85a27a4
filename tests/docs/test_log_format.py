"""docs/reference/log-format.md is held to the sources, and to a reader written from it alone."""

import json
import re
import struct
import subprocess
import sys

import pytest

from hub import Hub, run_carillon, wait_until
from pages import REFERENCE, ROOT, source

sys.path.insert(0, str(ROOT / "tests" / "golden"))

from golden import GOLDEN, PAGE, unpack  # noqa: E402

# The members of a line that `log dump` prints.
DUMPED = ("cursor", "topic", "stored_at", "id", "type", "data", "data_base64")
KEPT = GOLDEN / "format-1" / "log"
FORMS = {"`u8`": "<B", "`u32`": "<I", "`u64`": "<Q", "time": "<q"}  # a table's types, as struct's


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
    for name, key in [
        ("log/journal.cc", "Version"),
        ("log/segment_format.h", "SegmentVersion"),
        ("log/state_file.cc", "Version"),
        ("log/state_file.h", "LogFormat"),
    ]:
        assert constants(name)[key] == 1, name
    assert page.count("| `u32` | version, 1 |") == 4
    assert "| `u32` | the format of the log, 1 |" in page and "this is format 1" in page


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
    assert "kFrameAlignment = 4 * kKiB;" in source("base/limits.h") and PAGE == 4096
    assert "kSecondHeaderAt = kFrameAlignment / 2;" in source("log/journal.cc")
    assert f"| {PAGE // 2:,} | {constants('log/journal.cc')['HeaderBytes'] + 4} bytes |" in page
    assert f"header, {segment['SegmentHeaderBytes']} bytes" in page
    assert f"{segment['SegmentTrailerBytes']} bytes before the end" in page
    runs = constants("log/segment.h")
    assert f"every {runs['SparseEvery']}th event" in page
    block, entry = runs["OrderBlockEntries"], segment["OrderEntryBytes"]
    assert (
        f"{block:,} entries of {entry} bytes and a checksum, {block * entry + 4:,}\nbytes" in page
    )
    last = table_under("### Order block", page)[-1]
    assert int(last[0]) + struct.calcsize(FORMS[last[1]]) == entry


def test_bounds_of_the_format_page_are_those_of_the_sources():
    page = (REFERENCE / "log-format.md").read_text()
    durability = (REFERENCE.parent / "concepts" / "durability.md").read_text()

    for name, text, shown in [
        ("base/limits.h", "kDamagesMax = 1'000;", "At most 1,000 damaged places"),
        ("base/limits.h", "kIdempotencyWindow{24};", "older than 24 hours"),
        ("log/topic_table.h", "kMemoryTopicBit = 0x80000000U;", "below 2^31"),
        ("log/recovery.cc", "kUncheckedPositionsMax = 1ULL << 40;", "at most 2^40 further"),
        ("log/recovery.cc", "kBeforeFirstEvent{1};", "*reserved* and 1"),
        ("log/committer.h", "return journal_bytes / 4;", "at most a quarter of a journal"),
        ("log/housekeeper.cc", "(unsealed + 1) * options_.journal_bytes", "for each journal that"),
    ]:
        assert text in source(name), text
        assert shown in re.sub(r"\s+", " ", page + durability), shown


def taken(rows, data, at=0, depth=0):
    """(values, end) of what a page's table says of bytes. A count's `then for each` is a list."""
    values = []
    for number, (kind, what) in enumerate(rows):
        if kind.count("·") != depth:
            continue
        kind = kind.replace("· ", "")
        if kind == "string":
            length = struct.unpack_from("<I", data, at)[0]
            values.append(data[at + 4 : at + 4 + length].decode())
            at += 4 + length
            continue
        value = struct.unpack_from(FORMS[kind], data, at)[0]
        at += struct.calcsize(FORMS[kind])
        if "then for each" in what:
            inner = []
            for row in rows[number + 1 :]:
                if row[0].count("·") <= depth:
                    break
                inner.append(row)
            count, value = value, []
            for _ in range(count):
                one, at = taken(inner, data, at, depth + 1)
                value.append(one)
        values.append(value)
    return values, at


def body_of(path):
    """The first copy's body of a doubled file."""
    data = path.read_bytes()
    return data[16 : 16 + struct.unpack_from("<Q", data, 8)[0]]


def test_the_tables_of_the_page_take_the_bytes_of_a_kept_log_apart_to_the_last():
    page = (REFERENCE / "log-format.md").read_text()
    identity, state = body_of(KEPT / "identity"), body_of(max(KEPT.glob("state-*")))

    values, end = taken(table_under("### Body of `identity`", page), identity)
    assert (values[1], end) == (1, len(identity))
    values, end = taken(table_under("### Body of `state`", page), state)
    assert end == len(state)
    listed = {number: places for number, *places in values[6]}
    names = {name: listed for _, name, listed, *_ in values[7]}
    assert names["news"] == 1 and names["brief"] == 0
    assert [source for source, _ in values[8]] == ["$sys.health"]
    segments = sorted(KEPT.glob("segment-*"))
    assert len(segments) == len(listed) > 1
    for path in segments:
        data = path.read_bytes()
        footer = data[slice(*footer_place(data))]
        values, end = taken(table_under("### Footer", page), footer)
        assert end == len(footer)
        assert values[3:5] == listed[values[0]] and path.name.endswith(f"-{values[0]:010}")
        assert sum(run[1] for run in values[10]) == values[8]
        assert {run[0] for run in values[10]} == {topic for topic, _ in values[11]}
        assert all(run[6] <= run[7] for run in values[10]), "times of storing of a run's ends"


def footer_place(segment):
    at, size = struct.unpack_from("<QQ", segment, len(segment) - 24)
    return at, at + size


def test_a_kept_journal_has_its_header_twice_and_copies_of_its_frames():
    journal = next(path for path in sorted(KEPT.glob("journal-*")) if path.stat().st_size > PAGE)
    data = journal.read_bytes()

    assert data[: PAGE // 2] == data[PAGE // 2 : PAGE]
    sequences = []
    at = PAGE
    while data[at : at + 4] == b"CARF":
        sequences.append(struct.unpack_from("<Q", data, at + 24)[0])
        at += (struct.unpack_from("<I", data, at + 8)[0] + PAGE - 1) // PAGE * PAGE
    steps = [after - before for before, after in zip(sequences, sequences[1:])]
    assert set(steps) == {0, 1} and steps.count(0) == 2, "a kill, a stop, and a copy behind each"


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


def read_by_the_reader(data):
    return subprocess.run(
        [sys.executable, "-B", ROOT / "tools" / "read_log.py", data],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def assert_readers_agree(data, code=0):
    """`carillon log dump` and tools/read_log.py say the same of a stopped log. Their events."""
    read = read_by_the_reader(data)
    assert read.returncode == code, read
    assert bool(read.stderr) == bool(code), read.stderr
    dump = run_carillon("log", "dump", "--data", data)
    assert dump.returncode == code, dump
    # As values: Python's JSON has short forms for two control characters more than the hub's.
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


# --- damage, on a kept log ------------------------------------------------------------------------


@pytest.fixture
def kept(tmp_path):
    return unpack(KEPT, tmp_path / "data")


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


def young(data):
    """The journal that is not sealed."""
    return next(path for path in sorted(data.glob("log/journal-*")) if b"CARF" in path.read_bytes())


def test_the_reader_takes_the_second_copy_of_what_stands_twice(kept):
    for path in [kept / "log/identity", max(kept.glob("log/state-*")), young(kept)]:
        flip(path, 20)

    assert len(assert_readers_agree(kept)) > 100


@pytest.mark.parametrize(
    "place, events",
    [
        (b"two\nlines", 1),
        (b"young-0", 3),  # a batch
        (b"young.trimmed", 1),  # the topic's record: its later event has no name
        (b"deleted before it was sealed", 0),
    ],
)
def test_the_reader_passes_over_a_frame_that_is_damaged_and_says_so(kept, place, events):
    everything = assert_readers_agree(kept)
    journal = young(kept)
    flip(journal, journal.read_bytes().index(place))

    assert len(everything) - len(assert_readers_agree(kept, code=1)) == events


def test_the_reader_passes_over_a_record_of_a_segment_that_is_damaged_and_says_so(kept):
    everything = assert_readers_agree(kept)
    segment = min(kept.glob("log/segment-*"))
    flip(segment, segment.read_bytes().index(b"order-sealed"))

    assert len(assert_readers_agree(kept, code=1)) == len(everything) - 1


@pytest.mark.parametrize("how", ["missing", "trailer", "footer"])
def test_the_reader_misses_a_segment_that_the_state_lists(kept, how):
    everything = assert_readers_agree(kept)
    segment = max(kept.glob("log/segment-*"))
    if how == "missing":
        segment.unlink()
    else:
        flip(segment, -20 if how == "trailer" else footer_place(segment.read_bytes())[0] + 3)

    assert 0 < len(assert_readers_agree(kept, code=1)) < len(everything)


def test_a_segment_and_a_journal_that_no_state_speaks_of_any_more_count_for_nothing(kept):
    everything = assert_readers_agree(kept)
    segment, journal = min(kept.glob("log/segment-*")), young(kept)
    segment.with_name("segment-0000000002").write_bytes(segment.read_bytes())
    journal.with_name("journal-0000000001").write_bytes(journal.read_bytes())
    segment.with_name("sealing").write_bytes(b"half")

    assert assert_readers_agree(kept) == everything


def test_a_log_of_a_later_format_is_refused_with_both_numbers_before_anything_is_touched(kept):
    body = struct.pack("<QI", 17, 2)
    copy = struct.pack("<4sIQ", b"CRST", 1, len(body)) + body
    copy += struct.pack("<I", crc32c(copy))
    (kept / "log/identity").write_bytes(copy.ljust(PAGE, b"\0") + copy)
    (kept / "log/writing").write_bytes(b"half")
    before = {path.name: path.read_bytes() for path in kept.glob("log/*")}

    assert "format 2" in read_by_the_reader(kept).stderr
    for command in ("dump", "verify", "stat"):
        refused = run_carillon("log", command, "--data", kept)
        assert refused.returncode == 1, refused
        assert "format 2" in refused.stderr and "reads 1" in refused.stderr, refused
    start = run_carillon("dev", "--data", kept, "--listen", "127.0.0.1:0")
    assert start.returncode == 1 and "format 2" in start.stderr, start
    after = {path.name: path.read_bytes() for path in kept.glob("log/*") if path.name != "LOCK"}
    assert after == before


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
