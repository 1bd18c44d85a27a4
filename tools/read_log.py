#!/usr/bin/env python3
"""Prints every living event of a log as lines of JSON, like `carillon log dump`.

Usage: tools/read_log.py DATA, with the data directory of a stopped hub. Reads only, and needs nothing but Python.
Written from docs/reference/log-format.md alone: if this and the hub disagree, one of the three is wrong.
"""

import base64
import datetime
import json
import struct
import sys
from pathlib import Path

PAGE = 4096
EVENT, TOPIC, MARK, DELETED = 1, 2, 3, 4
EPOCH_START = datetime.datetime(1970, 1, 1)

TABLE = []
for byte in range(256):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    TABLE.append(byte)


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


class Fields:
    """Takes numbers and strings off the front of bytes."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values if len(values) > 1 else values[0]

    def bytes(self, count):
        self.at += count
        return self.data[self.at - count : self.at]

    def string(self):
        return self.bytes(self.take("I")).decode()


def doubled(path):
    """The body of an `identity` or `state` file: of its first intact copy."""
    data = path.read_bytes()
    for at in range(0, len(data), PAGE):
        if data[at : at + 8] != b"CRST\x01\0\0\0":
            continue
        end = at + 16 + struct.unpack_from("<Q", data, at + 8)[0]
        if data[end : end + 4] == struct.pack("<I", crc32c(data[at:end])):
            return data[at + 16 : end]
    sys.exit(f"{path.name}: both copies are damaged")


def records(data, at, end, file, marks):
    """What is not removed in a stretch of a file: (position, stored_at, topic, kind, flags, attributes, data)."""
    while at + 40 <= end:
        crc, length, position, stored_at, topic, data_bytes, attribute_bytes, kind, flags = (
            struct.unpack_from("<IIQqIIIBB", data, at)
        )
        if length != 40 + attribute_bytes + data_bytes:
            return print(f"{file} byte {at}: a record's lengths are damaged", file=sys.stderr)
        if kind != EVENT or position > marks.get(topic, 0):
            if crc == crc32c(data[at + 4 : at + length]):
                middle = at + 40 + attribute_bytes
                yield position, stored_at, topic, kind, flags, data[at + 40 : middle], data[
                    middle : at + length
                ]
            else:
                print(f"{file} byte {at}: a record is damaged", file=sys.stderr)
        at += (length + 7) // 8 * 8


def frames(path):
    """(start, end) of the records of each intact frame of a journal."""
    data = path.read_bytes()
    if data[:4] != b"CARJ" or crc32c(data[:32]) != struct.unpack_from("<I", data, 32)[0]:
        print(f"{path.name} byte 0: the journal's header is damaged", file=sys.stderr)
        return
    number, nonce = data[8:16], data[16:24]
    at = PAGE
    while at < len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        whole = (
            data[at : at + 4] == b"CARF"
            and data[at + 16 : at + 24] == number
            and 64 <= size <= len(data) - at
        )
        if (
            whole
            and crc32c(nonce + data[at + 8 : at + size])
            == struct.unpack_from("<I", data, at + 4)[0]
        ):
            yield data, at + 64, at + size
            at += (size + PAGE - 1) // PAGE * PAGE
        else:
            at += PAGE


def segment(path):
    """The footer's last replaced journal, its runs as (topic, start, end, last), and its topics' names."""
    data = path.read_bytes()
    offset, size = struct.unpack_from("<QQ", data, len(data) - 24)
    if (
        data[-32:-28] != b"CART"
        or crc32c(data[-32:-4]) != struct.unpack_from("<I", data, len(data) - 4)[0]
        or crc32c(data[offset : offset + size - 4])
        != struct.unpack_from("<I", data, offset + size - 4)[0]
    ):
        print(f"{path.name}: the footer is damaged", file=sys.stderr)
        return data, 0, [], {}
    footer = Fields(data[offset:])
    _, _, journal_last, _, _, _, _, _, _ = footer.take("QQQQQqqQQ")
    footer.bytes(8 * footer.take("I"))
    runs, names = [], {}
    for _ in range(footer.take("I")):
        topic, _, start, length, _, last, sparse = footer.take("IIQQQQI")
        footer.bytes(12 * sparse)
        runs.append((topic, start, start + length, last))
    for _ in range(footer.take("I")):
        topic = footer.take("I")
        names[topic] = footer.string()
    return data, journal_last, runs, names


def event_line(epoch, topic, event):
    position, stored_at, _, _, flags, attributes, data = event
    fields, found = Fields(attributes), {}
    while fields.at < len(attributes):
        tag = fields.take("B")
        name = fields.bytes(fields.take("B")) if tag >= 9 else b""
        found[tag, name] = fields.bytes(fields.take("H")).decode()
    time = (EPOCH_START + datetime.timedelta(microseconds=stored_at)).isoformat() + "Z"
    line = {
        "cursor": f"{epoch}-{position}",
        "topic": topic,
        "stored_at": time,
        "id": found.get((1, b""), ""),
        "type": found.get((3, b""), "carillon.event"),
    }
    if flags & 3 == 0:
        line["data_base64"] = base64.b64encode(data).decode()
    else:
        line["data"] = data.decode()
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def base36(number):
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return digits or "0"


def read_log(folder):
    """The lines of every living event, in position order."""
    names, marks, events, sealed_until = {}, {}, {}, 0
    for path in sorted(folder.glob("state-*"))[-1:]:
        state = Fields(doubled(path))
        _, sealed_until, _, _, _, _, topics = state.take("QQQQqQI")
        for _ in range(topics):
            topic = state.take("I")
            names[topic] = state.string()
            _, marks[topic], _, _ = state.take("BQBQ")
    for path in sorted(folder.glob("journal-*")):
        if int(path.name.removeprefix("journal-")) <= sealed_until:
            continue
        for data, start, end in frames(path):
            for record in records(data, start, end, path.name, {}):
                position, topic, kind = record[0], record[2], record[3]
                if kind == EVENT:
                    events[position] = record
                elif kind == TOPIC:
                    names[topic] = record[6].decode()
                elif kind in (MARK, DELETED):
                    marks[topic] = max(marks.get(topic, 0), position)
    for path in sorted(folder.glob("segment-*")):
        data, journal_last, runs, its_names = segment(path)
        if journal_last <= sealed_until:
            names.update(its_names)
            for topic, start, end, last in runs:
                if last > marks.get(topic, 0):  # the others may be holes by now
                    events.update(
                        (event[0], event) for event in records(data, start, end, path.name, marks)
                    )
    epoch = base36(struct.unpack("<Q", doubled(folder / "identity"))[0])
    for position, event in sorted(events.items()):
        if position > marks.get(event[2], 0):
            yield event_line(epoch, names[event[2]], event)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for line in read_log(Path(sys.argv[1]) / "log"):
        print(line)
