"""What load clients remember, outside the hub's data: the oracle of every crash test.

A history is an append-only file of JSON lines, one file a client. Each line has `t`, the monotonic
clock that all processes of this machine share, and `what`:

    publisher   invoke {id, topic, sha, keyed, whole}   before the request goes out
                ok {id, cursor, repeat}                 201 (200: repeat)
                fail {id, status}                       a definite refusal: nothing may be stored
                unknown {id}                            no answer: it may be stored or not
    keeper      removing, removed {topic, before}       a trim or a deletion, asked for and answered
    reader      reader {topics}                         once, the first line
                open {after, way}                       a request or a stream, from that cursor
                seen {cursor, sha}                      an event, and the hash of its bytes
                cursor {cursor}                         progress without an event
                gap {reason, resumed, topics, total}    what the hub said that it cannot give
                done {}                                 it has read to the end it was told

`whole` names the batch of an event: such events are stored all together or not at all.
"""

import hashlib
import json
import time


def sha_of(data):
    return hashlib.sha256(data).hexdigest()


def position_of(cursor):
    return int(cursor.rpartition("-")[2])


class History:
    """Writes one history. Owned by one client of one process."""

    def __init__(self, path):
        self._file = open(path, "a", encoding="utf-8")

    def note(self, what, **fields):
        line = {"t": time.monotonic(), "what": what, **fields}
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")

    def close(self):
        self._file.close()


def read_history(path):
    """The lines of one history, in the order in which they were written."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def read_histories(directory):
    """(name, lines) of every history in a directory."""
    return [(path.stem, read_history(path)) for path in sorted(directory.glob("*.history"))]
