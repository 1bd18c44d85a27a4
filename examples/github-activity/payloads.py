"""The example payloads of GitHub's webhooks, as the npm package @octokit/webhooks-examples has them.

Each payload is the very bytes that stand in the package's file, with their spaces, line ends and
spelling of numbers. Parsing and printing them again would make other bytes.
"""

import hashlib
import json
from collections import namedtuple
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "node_modules/@octokit/webhooks-examples/api.github.com/index.json"
MEMBER = '"examples": ['

# event: GitHub's name of the event. number: its place among the payloads. data: bytes.
Payload = namedtuple("Payload", "event number data")


# A number as it is written: 5.50 is not 5.5, no digit is lost, and a string is no number.
Number = namedtuple("Number", "written")


def parse_json(text):
    """JSON as values that are equal only when their numbers are written alike."""
    return json.loads(text, parse_int=Number, parse_float=Number)


def sha_of(data):
    return hashlib.sha256(data).hexdigest()


def elements(text, at):
    """(start, end, value) of each element of the JSON array whose `[` lies before `at`."""
    decoder = json.JSONDecoder()
    while True:
        while text[at] in " \r\n\t,":
            at += 1
        if text[at] == "]":
            return
        value, end = decoder.raw_decode(text, at)
        yield at, end, value
        at = end


def read_payloads():
    """Every payload, in the order of the file."""
    if not FILE.exists():
        raise SystemExit(f"{FILE} is missing: run `npm ci` in {ROOT}")
    text = FILE.read_text(encoding="utf-8")
    payloads = []
    for start, end, webhook in elements(text, text.index("[") + 1):
        examples = text.index(MEMBER, start, end) + len(MEMBER)
        written = [text[first:last] for first, last, _ in elements(text, examples)]
        assert [json.loads(each) for each in written] == webhook["examples"], webhook["name"]
        for each in written:
            payloads.append(Payload(webhook["name"], len(payloads), each.encode()))
    return payloads
