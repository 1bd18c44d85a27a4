"""Raw requests and the single outcome that RFC 9110, RFC 9112 and C:F1, C:F2 allow for each.

TOPIC stands for a topic of the test. Behind every row the test sends a second, blameless publish:
where the framing of the row is in doubt it must never be seen as a request.
"""

from dataclasses import dataclass

CLOSES = "closes"  # the answer, then the end: the second request is not looked at
GOES_ON = "goes on"  # the second request is answered 201
EITHER = "either"  # the framing is not in doubt: both are right


@dataclass(frozen=True)
class Row:
    rule: str
    name: str
    raw: bytes
    status: int
    then: str

    @property
    def id(self):
        return f"C_{self.rule}_{self.name}".replace(".", "_").replace(" ", "_")

    @property
    def method(self):
        return self.raw.split(b" ")[0].decode("latin-1")


LINE = b"POST /t/TOPIC HTTP/1.1"
HOST = b"Host: localhost"
TEXT = b"Content-Type: text/plain"
LENGTH = b"Content-Length: 5"
CHUNKED = b"Transfer-Encoding: chunked"
HELLO = b"5\r\nhello\r\n0\r\n\r\n"


def request(line=LINE, fields=(HOST, TEXT, LENGTH), body=b"hello", end=b"\r\n"):
    return end.join([line, *fields]) + end + end + body


def with_field(field, line=LINE):
    return request(line, (HOST, TEXT, field, LENGTH))


def with_length(value):
    return request(fields=(HOST, TEXT, b"Content-Length:" + value))


def with_coding(*values):
    return request(
        fields=(HOST, TEXT, *[b"Transfer-Encoding:" + value for value in values]), body=HELLO
    )


def chunked(body, *more):
    return request(fields=(HOST, TEXT, CHUNKED, *more), body=body)


def get(target, *fields):
    return request(b"GET " + target + b" HTTP/1.1", (HOST, *fields), b"")


SMUGGLED = b"POST /t/smuggled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"


def refused(rule, name, raw, status=400):
    return Row(rule, name, raw, status, CLOSES)


def answered(rule, name, raw, status):
    return Row(rule, name, raw, status, EITHER)


def accepted(rule, name, raw, status=201, then=GOES_ON):
    return Row(rule, name, raw, status, then)


FRAMING = [
    # F1.1 both framings
    refused("F1.1", "length then coding", request(fields=(HOST, LENGTH, CHUNKED), body=HELLO)),
    refused("F1.1", "coding then length", request(fields=(HOST, CHUNKED, LENGTH), body=HELLO)),
    refused(
        "F1.1",
        "coding and length zero",
        request(fields=(HOST, CHUNKED, b"Content-Length: 0"), body=HELLO),
    ),
    refused(
        "F1.1",
        "coding and a broken length",
        request(fields=(HOST, CHUNKED, b"Content-Length: x"), body=HELLO),
    ),
    # F1.2 transfer codings
    refused("F1.2", "gzip alone", with_coding(b" gzip")),
    refused("F1.2", "identity", with_coding(b" identity")),
    refused("F1.2", "chunked is not last", with_coding(b" chunked, gzip")),
    refused("F1.2", "chunked twice", with_coding(b" chunked, chunked")),
    refused("F1.2", "chunked in two fields", with_coding(b" chunked", b" chunked")),
    refused(
        "F1.2", "identity behind chunked in two fields", with_coding(b" chunked", b" identity")
    ),
    refused("F1.2", "a name that only contains chunked", with_coding(b" xchunked")),
    refused("F1.2", "a name that only starts with chunked", with_coding(b" chunkedx")),
    refused("F1.2", "chunked in quotes", with_coding(b' "chunked"')),
    refused("F1.2", "no coding at all", with_coding(b"")),
    refused("F1.2", "a vertical tab before chunked", with_coding(b" \x0bchunked")),
    refused("F1.2", "a NUL behind chunked", with_coding(b" chunked\x00")),
    refused("F1.2", "an unknown coding before chunked", with_coding(b" frobnicate, chunked"), 501),
    refused("F1.2", "gzip before chunked", with_coding(b" gzip, chunked"), 501),
    accepted("F1.2", "codings have no case", with_coding(b" ChUnKeD")),
    accepted(
        "F1.2", "white space around a value is no part of it", with_coding(b" \t chunked \t ")
    ),
    # F1.3 HTTP/1.0
    refused(
        "F1.3", "a coding in HTTP 1.0", request(b"POST /t/TOPIC HTTP/1.0", (HOST, CHUNKED), HELLO)
    ),
    accepted("F1.3", "HTTP 1.0 with a length", request(b"POST /t/TOPIC HTTP/1.0"), then=CLOSES),
    accepted(
        "F1.3",
        "HTTP 1.0 needs no host",
        request(b"POST /t/TOPIC HTTP/1.0", (TEXT, LENGTH)),
        then=CLOSES,
    ),
    # F1.4 Content-Length
    refused("F1.4", "a plus sign", with_length(b" +5")),
    refused("F1.4", "a minus sign", with_length(b" -5")),
    refused("F1.4", "a space inside", with_length(b" 5 5")),
    refused("F1.4", "hex", with_length(b" 0x5")),
    refused("F1.4", "a letter behind", with_length(b" 5a")),
    refused("F1.4", "a fraction", with_length(b" 5.0")),
    refused("F1.4", "an underscore", with_length(b" 1_0")),
    refused("F1.4", "an empty value", with_length(b"")),
    refused("F1.4", "a list of equal values", with_length(b" 5, 5")),
    refused("F1.4", "a list of different values", with_length(b" 5, 6")),
    refused("F1.4", "a trailing comma", with_length(b" 5,")),
    refused("F1.4", "quotes", with_length(b' "5"')),
    refused("F1.4", "digits of another script", with_length(" ٥".encode())),
    refused("F1.4", "two to the sixty-fourth", with_length(b" 18446744073709551616")),
    refused("F1.4", "two to the sixty-fourth and five", with_length(b" 18446744073709551621")),
    refused("F1.4", "twenty-four digits", with_length(b" 999999999999999999999999")),
    refused("F1.4", "two equal fields", request(fields=(HOST, LENGTH, LENGTH))),
    refused("F1.4", "two different fields", request(fields=(HOST, LENGTH, b"Content-Length: 6"))),
    accepted("F1.4", "leading zeros", with_length(b" 0005")),
    accepted("F1.4", "no space behind the colon", with_length(b"5")),
    accepted(
        "F1.4", "a field name in another case", request(fields=(HOST, TEXT, b"cOnTeNt-LeNgTh: 5"))
    ),
    # F1.5, F1.6 space in the wrong place
    refused("F1.5", "a space before the colon", with_field(b"X-Field : a")),
    refused("F1.5", "a tab before the colon", with_field(b"X-Field\t: a")),
    refused(
        "F1.5", "a space before the colon of host", request(fields=(b"Host : localhost", LENGTH))
    ),
    refused(
        "F1.5",
        "a space before the colon of a coding",
        request(fields=(HOST, b"Transfer-Encoding : chunked"), body=HELLO),
    ),
    refused(
        "F1.5",
        "a space before the colon of a length",
        request(fields=(HOST, b"Content-Length : 5")),
    ),
    refused("F1.6", "a folded field", with_field(b"X-Field: a\r\n b")),
    refused("F1.6", "a field folded by a tab", with_field(b"X-Field: a\r\n\tb")),
    refused(
        "F1.6",
        "a folded coding",
        request(fields=(HOST, b"Transfer-Encoding:\r\n chunked"), body=HELLO),
    ),
    refused("F1.6", "space before the first field", request(fields=(b" X: a", HOST, LENGTH))),
    # F1.7 line ends
    refused("F1.7", "bare LF everywhere", request(end=b"\n")),
    refused(
        "F1.7",
        "bare LF behind the request line",
        LINE + b"\n" + HOST + b"\r\n" + LENGTH + b"\r\n\r\nhello",
    ),
    refused(
        "F1.7", "bare LF behind a field", LINE + b"\r\n" + HOST + b"\n" + LENGTH + b"\r\n\r\nhello"
    ),
    refused(
        "F1.7", "bare LF before the body", LINE + b"\r\n" + HOST + b"\r\n" + LENGTH + b"\r\n\nhello"
    ),
    refused("F1.7", "bare CR everywhere", request(end=b"\r") + b"\r\n\r\n"),
    refused("F1.7", "a bare CR in a value", with_field(b"X-Field: a\rb")),
    refused(
        "F1.7",
        "a bare CR that hides a field",
        with_field(b"X-Field: a\rTransfer-Encoding: chunked"),
    ),
    refused("F1.7", "a bare CR in the request line", request(b"POST /t/TOPIC\r HTTP/1.1")),
    refused("F1.7", "two CR before LF", with_field(b"X-Field: a\r")),
    # F1.8 names and values
    refused("F1.8", "a NUL in a value", with_field(b"X-Field: a\x00b")),
    refused("F1.8", "a control character in a value", with_field(b"X-Field: a\x01b")),
    refused("F1.8", "a DEL in a value", with_field(b"X-Field: a\x7fb")),
    refused("F1.8", "a name with a space", with_field(b"X Field: a")),
    refused("F1.8", "a name with parentheses", with_field(b"X(Field): a")),
    refused("F1.8", "a name beyond ASCII", with_field(b"X-Fi\xe9ld: a")),
    refused("F1.8", "a name with a NUL", with_field(b"X\x00: a")),
    refused("F1.8", "an empty name", with_field(b": a")),
    refused("F1.8", "a field without a colon", with_field(b"X-Field a")),
    accepted("F1.8", "bytes beyond ASCII in a value", with_field(b"X-Field: caf\xc3\xa9")),
    accepted("F1.8", "an empty value", with_field(b"X-Field:")),
    accepted("F1.8", "every character of a token", with_field(b"!#$%&'*+-.^_`|~09azAZ: a")),
    # F1.9 Host
    refused("F1.9", "no host", request(fields=(TEXT, LENGTH))),
    refused("F1.9", "two hosts", request(fields=(HOST, HOST, LENGTH))),
    refused("F1.9", "two different hosts", request(fields=(HOST, b"Host: other", LENGTH))),
    refused("F1.9", "a space in the host", request(fields=(b"Host: local host", LENGTH))),
    refused("F1.9", "a path in the host", request(fields=(b"Host: localhost/t", LENGTH))),
    refused("F1.9", "a user in the host", request(fields=(b"Host: me@localhost", LENGTH))),
    refused("F1.9", "a port of letters", request(fields=(b"Host: localhost:http", LENGTH))),
    refused("F1.9", "an open bracket", request(fields=(b"Host: [::1", LENGTH))),
    accepted("F1.9", "absolute form", request(b"POST http://localhost/t/TOPIC HTTP/1.1")),
    # F1.10, F1.11 chunks
    refused("F1.10", "a space before the size", chunked(b" 5\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "a space behind the size", chunked(b"5 \r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "a tab behind the size", chunked(b"5\t\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "a plus sign", chunked(b"+5\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "a minus sign", chunked(b"-5\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "0x", chunked(b"0x5\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "no hex digit", chunked(b"g\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "an underscore", chunked(b"0_5\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "an empty size", chunked(b"\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "an extension without a size", chunked(b";a=b\r\nhello\r\n0\r\n\r\n")),
    refused(
        "F1.10",
        "two to the sixty-fourth and five",
        chunked(b"10000000000000005\r\nhello\r\n0\r\n\r\n"),
    ),
    refused(
        "F1.10",
        "a size of negative sixty-four bits",
        chunked(b"fffffffffffffffb1\r\nhello\r\n0\r\n\r\n"),
    ),
    refused(
        "F1.10",
        "an extension of a kilobyte",
        chunked(b"5;" + b"a" * 1024 + b"\r\nhello\r\n0\r\n\r\n"),
    ),
    refused("F1.10", "a bare CR in an extension", chunked(b"5;a\rb\r\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "a bare LF in an extension", chunked(b"5;a\nhello\r\n0\r\n\r\n")),
    refused("F1.10", "a NUL in an extension", chunked(b"5;a=\x00\r\nhello\r\n0\r\n\r\n")),
    accepted("F1.10", "a size in either case", chunked(b"A\r\nhellohello\r\n0\r\n\r\n")),
    accepted("F1.10", "a short extension", chunked(b'5;a=b;c="d"\r\nhello\r\n0;x\r\n\r\n')),
    accepted("F1.10", "leading zeros", chunked(b"0005\r\nhello\r\n000\r\n\r\n")),
    accepted("F1.10", "many chunks", chunked(b"1\r\nh\r\n" * 40 + b"0\r\n\r\n")),
    refused("F1.11", "no line end behind data", chunked(b"5\r\nhello0\r\n\r\n")),
    refused("F1.11", "longer data than the size says", chunked(b"5\r\nhelloX\r\n0\r\n\r\n")),
    refused("F1.11", "a lone LF behind data", chunked(b"5\r\nhello\n0\r\n\r\n")),
    refused("F1.11", "a lone CR behind data", chunked(b"5\r\nhello\r0\r\n\r\n")),
    refused("F1.11", "a lone LF behind the size", chunked(b"5\nhello\r\n0\r\n\r\n")),
    refused("F1.11", "a lone LF behind the last size", chunked(b"5\r\nhello\r\n0\n\r\n")),
    # F1.12 trailers
    refused(
        "F1.12",
        "a trailer with a space before the colon",
        chunked(b"5\r\nhello\r\n0\r\nX : a\r\n\r\n"),
    ),
    refused(
        "F1.12",
        "a trailer without a colon",
        chunked(b"5\r\nhello\r\n0\r\nGET /t/TOPIC HTTP/1.1\r\n\r\n"),
    ),
    accepted(
        "F1.12", "a trailer", chunked(b"5\r\nhello\r\n0\r\nX-Check: a\r\n\r\n", b"Trailer: X-Check")
    ),
    # F1.13 the request line
    refused("F1.13", "two spaces behind the method", request(b"POST  /t/TOPIC HTTP/1.1")),
    refused("F1.13", "two spaces before the version", request(b"POST /t/TOPIC  HTTP/1.1")),
    refused("F1.13", "a tab for a space", request(b"POST\t/t/TOPIC HTTP/1.1")),
    refused("F1.13", "a space in front", request(b" POST /t/TOPIC HTTP/1.1")),
    refused("F1.13", "a space behind", request(b"POST /t/TOPIC HTTP/1.1 ")),
    refused("F1.13", "a space in the target", request(b"POST /t/TOPIC x HTTP/1.1")),
    refused("F1.13", "no version", request(b"POST /t/TOPIC")),
    refused("F1.13", "no target", request(b"POST HTTP/1.1")),
    refused("F1.13", "a target without a slash", request(b"POST t/TOPIC HTTP/1.1")),
    refused(
        "F1.13", "a raw byte beyond ASCII in the target", request(b"POST /t/TOPIC?x=\xe9 HTTP/1.1")
    ),
    refused("F1.13", "a NUL in the target", request(b"POST /t/TOPIC?x=\x00 HTTP/1.1")),
    refused("F1.13", "a fragment in the target", request(b"POST /t/TOPIC#x HTTP/1.1")),
    refused("F1.13", "a method with a parenthesis", request(b"PO(ST /t/TOPIC HTTP/1.1")),
    refused("F1.13", "another protocol", request(b"POST /t/TOPIC HTTQ/1.1")),
    refused("F1.13", "a protocol in lower case", request(b"POST /t/TOPIC http/1.1")),
    refused("F1.13", "a version without a point", request(b"POST /t/TOPIC HTTP/11")),
    refused("F1.13", "a version of many digits", request(b"POST /t/TOPIC HTTP/1.10")),
    refused("F1.13", "a version with a leading zero", request(b"POST /t/TOPIC HTTP/01.1")),
    refused("F1.13", "version 2.0", request(b"POST /t/TOPIC HTTP/2.0"), 505),
    refused("F1.13", "version 9.9", request(b"POST /t/TOPIC HTTP/9.9"), 505),
    refused(
        "F1.13",
        "a target of nine thousand octets",
        request(b"POST /t/TOPIC?x=" + b"a" * 9000 + b" HTTP/1.1"),
        414,
    ),
    refused(
        "F1.13",
        "a target of a hundred thousand octets",
        request(b"POST /t/TOPIC?x=" + b"a" * 100_000 + b" HTTP/1.1"),
        414,
    ),
    accepted(
        "F1.13",
        "a request line of eight thousand octets",
        request((b"POST /t/TOPIC?x=" + b"a" * 8000)[:7991] + b" HTTP/1.1"),
    ),
    accepted("F1.13", "one empty line before the request line", b"\r\n" + request()),
    # F1.14, F1.16 persistence
    accepted(
        "F1.14",
        "a connection that is asked to close",
        with_field(b"Connection: close"),
        then=CLOSES,
    ),
    accepted(
        "F1.14", "close among other options", with_field(b"Connection: X-Hop, Close"), then=CLOSES
    ),
    # F1.17 expectations
    answered("F1.17", "another expectation", with_field(b"Expect: miracles"), 417),
    # F1.18 a body where none is expected
    answered(
        "F1.18",
        "a GET with a body",
        get(b"/t/TOPIC", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED,
        200,
    ),
    # F1.20 upgrades that are none of ours
    accepted(
        "F1.20",
        "an upgrade to h2c",
        with_field(
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
            b"HTTP2-Settings: AAMAAABkAAQAAP__"
        ),
    ),
    # F1.21 methods and targets
    answered("F1.21", "an unknown method", request(b"FROB /t/TOPIC HTTP/1.1"), 501),
    answered("F1.21", "a method in lower case", request(b"post /t/TOPIC HTTP/1.1"), 501),
    answered("F1.21", "a long method", request(b"M" * 40 + b" /t/TOPIC HTTP/1.1"), 501),
    answered("F1.21", "a known method that is not allowed", request(b"PUT /t/TOPIC HTTP/1.1"), 405),
    answered("F1.21", "a trace", request(b"TRACE /t/TOPIC HTTP/1.1", (HOST,), b""), 405),
    answered("F1.21", "an encoded NUL", request(b"POST /t/TOPIC%00 HTTP/1.1"), 400),
    answered("F1.21", "a broken percent sequence", request(b"POST /t/TOPIC%zz HTTP/1.1"), 400),
    answered("F1.21", "half a percent sequence", request(b"POST /t/TOPIC%4 HTTP/1.1"), 400),
    answered("F1.21", "an encoded NUL in the query", get(b"/t/TOPIC?type=%00"), 400),
    answered("F1.21", "a broken percent sequence in the query", get(b"/t/TOPIC?type=%zz"), 400),
    answered("F1.21", "dot segments", request(b"POST /t/a/../TOPIC HTTP/1.1"), 400),
    answered("F1.21", "an encoded slash", request(b"POST /t/TOPIC%2Fx HTTP/1.1"), 400),
    # F2.1 limits
    refused("F2.1", "a field of forty kibibytes", with_field(b"X-Field: " + b"a" * 40960), 431),
    refused(
        "F2.1",
        "fields of forty kibibytes in all",
        with_field(b"\r\n".join(b"X-%d: " % number + b"a" * 4000 for number in range(10))),
        431,
    ),
    refused(
        "F2.1",
        "a hundred and twenty fields",
        with_field(b"\r\n".join(b"X-%d: a" % number for number in range(120))),
        431,
    ),
    refused("F2.1", "a name of forty kibibytes", with_field(b"X" * 40960 + b": a"), 431),
    accepted(
        "F2.1", "ninety-five fields", with_field(b"\r\n".join(b"X-%d: a" % n for n in range(90)))
    ),
    refused("F2.1", "a stated length beyond the limit", with_length(b" 1048577"), 413),
    refused(
        "F2.1", "a stated length far beyond the limit", with_length(b" 9223372036854775807"), 413
    ),
    refused(
        "F2.1",
        "a stated length beyond the limit with expect",
        request(fields=(HOST, b"Content-Length: 1048577", b"Expect: 100-continue"), body=b""),
        413,
    ),
    refused(
        "F2.1", "a chunk that announces more than the limit", chunked(b"7fffffff\r\nhello"), 413
    ),
    refused(
        "F2.1",
        "chunks of more than the limit in all",
        chunked((b"10000\r\n" + b"a" * 65536 + b"\r\n") * 17),
        413,
    ),
    # RFC 9112 6.3: neither a length nor a coding is a body of length zero
    accepted("F1.4", "neither length nor coding", request(fields=(HOST, TEXT), body=b"")),
]
