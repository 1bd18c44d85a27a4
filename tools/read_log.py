#!/usr/bin/env python3
"""Prints every living event of a log as a line of JSON, like `carillon log dump`.
Usage: tools/read_log.py DATA, of a stopped hub. Written from docs/reference/log-format.md alone.
"""

import base64, datetime, io, json, pathlib, struct, sys

RECORD = "<4sIQqIIIBB"  # checksum, length, position, time, topic, data, attributes, kind, flags
TABLE = range(256)
for _ in range(8):
    TABLE = [crc >> 1 ^ 0x82F63B78 * (crc & 1) for crc in TABLE]


def intact(data, checksum, crc=0xFFFFFFFF):
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return struct.pack("<I", crc ^ 0xFFFFFFFF) == checksum


def take(stream, form):
    return struct.unpack("<" + form, stream.read(struct.calcsize("<" + form)))


def doubled(path):  # the body of its first intact copy
    data = path.read_bytes()
    for at in range(0, len(data), 4096):
        end = at + 16 + int.from_bytes(data[at + 8 : at + 16], "little")
        if data[at : at + 8] == b"CRST\1\0\0\0" and intact(data[at:end], data[end : end + 4]):
            return io.BytesIO(data[at + 16 : end])
    sys.exit(f"{path.name}: both copies are damaged")


folder = pathlib.Path(sys.argv[1]) / "log"
number, form = take(doubled(folder / "identity"), "QI")
if form != 1:
    sys.exit(f"the log has format {form}, this reads format 1")
epoch, names, marks, events, segments, sealed, last, damaged = "", {}, {}, {}, [], 0, 0, []
while number:
    number, epoch = number // 36, "0123456789abcdefghijklmnopqrstuvwxyz"[number % 36] + epoch
for state in map(doubled, sorted(folder.glob("state-*"))[-1:]):  # what the last seal left
    _, sealed, last, _, _, _, count = take(state, "QQQQqQI")
    segments = [folder / f"segment-{take(state, 'QQQ')[0]:010}" for _ in range(count)]
    for _ in range(*take(state, "I")):
        topic, size = take(state, "II")
        names[topic], _, marks[topic], _, _ = take(state, f"{size}sBQBQ")

for path in sorted(folder.glob("journal-*")):  # what was written since
    data = path.read_bytes() if int(path.name[8:]) > sealed else b""
    head = data[:36] if intact(data[:32], data[32:36]) else data[2048:2084]
    damaged += [path.name] if data and not intact(head[:32], head[32:]) else []
    for start in range(4096, len(data) - 63, 4096):
        magic, checksum, size, sequence = struct.unpack_from("<4s4sI12xQ", data, start)
        frame = head[16:24] + data[start + 8 : start + size]
        if magic == b"CARF" and frame[16:24] == head[8:16] and intact(frame, checksum):
            damaged += [f"{path.name} before byte {start}"] if sequence > last + 1 else []
            last, at = sequence, start + 64
            while at < start + size:
                _, length, position, _, topic, _, _, kind, _ = struct.unpack_from(RECORD, data, at)
                record, at = data[at : at + length], at + (length + 7) // 8 * 8
                if kind == 1:  # an event
                    events[position] = topic, record
                elif kind == 2:  # a topic
                    names[topic] = record[40:]
                elif kind in (3, 4):  # a mark, a deleted topic
                    marks[topic] = max(position, marks.get(topic, 0))

for path in segments:  # what was sealed
    data = path.read_bytes() if path.exists() else bytes(32)
    at, size = struct.unpack("<QQ", data[-24:-8])
    footer = data[at : at + size]
    right = intact(data[-32:-4], data[-4:]) and intact(footer[:-4], footer[-4:])
    damaged += [] if right else [path.name]
    at, entries = struct.unpack_from("<QQ", footer, 56) if right else (0, 0)
    for left in range(entries, 0, -2048):
        end = at + 20 * min(left, 2048)
        order = data[at:end] if intact(data[at:end], data[end : end + 4]) else b""
        damaged += [] if order else [f"{path.name} byte {at}"]
        for position, place, size, topic in struct.iter_unpack("<QIII", order):
            events[position] = topic, data[8 * place : 8 * place + size]
        at = end + 4

for position in sorted(at for at, (topic, _) in events.items() if at > marks.get(topic, 0)):
    topic, record = events[position]
    _, length, _, stored_at, _, _, attributes, _, flags = struct.unpack_from(RECORD, record)
    if topic not in names or not intact(record[4:length], record[:4]):
        damaged.append(f"the event at {position}")
        continue
    stream, found = io.BytesIO(record[40:length]), {1: "", 3: "carillon.event"}
    while stream.tell() < attributes:
        (tag,) = take(stream, "B")
        stream.read(*take(stream, "B") if tag >= 9 else [0])  # the name of an extension attribute
        found[tag] = stream.read(*take(stream, "H")).decode()
    data, time = stream.read(), datetime.timedelta(microseconds=stored_at)
    time += datetime.datetime(1970, 1, 1)
    line = {"cursor": f"{epoch}-{position}", "topic": names[topic].decode()}
    line |= {"stored_at": time.isoformat() + "Z", "id": found[1], "type": found[3]}
    text = data.decode() if flags & 3 else base64.b64encode(data).decode()
    line["data" if flags & 3 else "data_base64"] = text
    print(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
sys.exit(f"damaged: {', '.join(damaged)}" if damaged else 0)
