"""What lies here of the logs that are kept, and how it becomes a data directory again.

A journal is mostly zeros, so here it ends behind its last page that is not; its header says its
size.
"""

import struct
from pathlib import Path

GOLDEN = Path(__file__).resolve().parent
PAGE = 4096
JOURNAL_SIZE_AT = 24


def journal_size(journal):
    return struct.unpack_from("<Q", journal, JOURNAL_SIZE_AT)[0]


def pack(log, golden):
    """The files of a stopped hub's log, into an absent directory."""
    golden.mkdir(parents=True)
    for path in sorted(log.iterdir()):
        data = path.read_bytes()
        if path.name.startswith("journal-"):
            assert len(data) == journal_size(data), path
            pages = (len(data.rstrip(b"\0")) + PAGE - 1) // PAGE
            data = data[: max(pages, 1) * PAGE]
        if path.name != "LOCK":
            (golden / path.name).write_bytes(data)


def unpack(golden, data):
    """A data directory, as the hub left it, of what pack() made."""
    log = data / "log"
    log.mkdir(parents=True)
    for path in sorted(golden.iterdir()):
        content = path.read_bytes()
        if path.name.startswith("journal-"):
            content = content.ljust(journal_size(content), b"\0")
        (log / path.name).write_bytes(content)
    return data
