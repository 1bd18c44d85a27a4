// Raw requests, each with the one outcome that is allowed: the smuggling corpus of C:F1, as whole
// bytes rather than by rule, so that a change of order among the checks shows.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "wire/http_head.h"

namespace carillon {
namespace {

using Body = RequestFraming::Body;

struct Refused {
  std::string_view request;
  int status;
};

struct Accepted {
  std::string_view request;
  std::string_view target;
  Body body;
  bool keep_alive;
};

constexpr Accepted kOrdinary[] = {
    {"GET /t/news HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/8.0\r\nAccept: "
     "*/*\r\n\r\n",
     "/t/news", Body::none, true},
    {"POST /t/news HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
     "Content-Type: application/x-www-form-urlencoded\r\n\r\nhello",
     "/t/news", Body::length, true},
    {"POST /t/news HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "/t/news",
     Body::chunked, true},
    {"GET /t/news?after=7f3ak2-1042&type=order.* HTTP/1.1\r\nHost: a\r\n"
     "Accept: text/event-stream\r\nCache-Control: no-store\r\nLast-Event-ID: 7f3ak2-1042\r\n\r\n",
     "/t/news?after=7f3ak2-1042&type=order.*", Body::none, true},
    {"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
     "/ws", Body::none, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
     "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
     "/", Body::none, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "/", Body::none, false},
    {"GET / HTTP/1.0\r\n\r\n", "/", Body::none, false},
    {"POST / HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", "/", Body::length,
     true},
    {"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "*", Body::none, true},
    {"OPTIONS /t/a HTTP/1.1\r\nHost: a\r\nOrigin: http://b\r\n"
     "Access-Control-Request-Method: POST\r\n\r\n",
     "/t/a", Body::none, true},
    {"DELETE /v1/topics/a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "/v1/topics/a",
     Body::none, true},
    {"GET http://hub.example/t/a HTTP/1.1\r\nHost: hub.example\r\n\r\n", "/t/a", Body::none, true},
    {"GET /a%20b?c=%2F HTTP/1.1\r\nHost: a\r\n\r\n", "/a%20b?c=%2F", Body::none, true},
    {"GET /?a|b{c} HTTP/1.1\r\nHost: a\r\n\r\n", "/?a|b{c}", Body::none, true},
    {"GET / HTTP/1.1\r\nhost:a\r\nx-empty:\r\nx-tab:\ta\t\r\n\r\n", "/", Body::none, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nX-Latin: \xe4\xf6\r\n\r\n", "/", Body::none, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nX-Colons: a:b:c\r\n\r\n", "/", Body::none, true},
    {"GET / HTTP/1.1\r\nHost: a\r\n!#$%&'*+-.^_`|~09: x\r\n\r\n", "/", Body::none, true},
    {"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b; c=\"d\"\r\nCookie: e=f\r\n\r\n", "/", Body::none,
     true},
    {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "/", Body::none, true},
    {"PURGE / HTTP/1.1\r\nHost: a\r\n\r\n", "/", Body::none, true},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \t chunked \t\r\n\r\n", "/", Body::chunked,
     true},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \t5 \r\n\r\nhello", "/", Body::length, true},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 00005\r\n\r\nhello", "/", Body::length, true},
    // TE says what the client takes, not what it sends.
    {"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers, deflate;q=0.5\r\n\r\n", "/", Body::none, true},
};

constexpr Refused kAttacks[] = {
    // Length against coding: CL.TE, TE.CL and TE.TE.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: "
     "chunked\r\n\r\n0\r\n\r\nG",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: "
     "3\r\n\r\n1\r\nA",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-encoding: cow\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n\r\n",
     501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\n Transfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nX: x\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nX: x\rTransfer-Encoding: chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0c"
     "chunked\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\x0b\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \xa0"
     "chunked\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: 'chunked'\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunk\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunkedchunked\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity, chunked\r\n\r\n", 501},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: "
     "1\r\n\r\n",
     400},
    {"POST / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nContent-Length: x\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n", 400},
    // Lengths that readers read differently.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 0\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 6\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5,\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ,5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5e0\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5.\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5 hello\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1_000\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \xef\xbc\x95\r\n\r\nhello", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4294967296000000000000\r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\n\r\n", 400},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello", 400},
    // Lines that end in other ways.
    {"GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
    {"GET / HTTP/1.1\rHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n", 400},
    {"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    // Names and values.
    {"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\n\"quoted\": a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX[0]: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX/Y: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x07\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: \x7f\r\n\r\n", 400},
    // Whom it is for.
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: \r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: http://a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a?b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a#b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: u:p@a\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a:80:90\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: [::g]\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nHost: a\xff\r\n\r\n", 400},
    {"GET http://b/ HTTP/1.1\r\n\r\n", 400},
    {"GET http://u@b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET http:/b HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET file:///etc/passwd HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET ws://b/ HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET b HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET * HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET ?a HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET \\a HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET /a#b HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET /\x80 HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"GET /\t HTTP/1.1\r\nHost: b\r\n\r\n", 400},
    {"CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", 501},
    {"CONNECT / HTTP/1.1\r\nHost: b\r\n\r\n", 501},
    // The request line and its version.
    {"GET /\r\n\r\n", 400},
    {"GET\r\n\r\n", 400},
    {"GET / \r\nHost: a\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1.\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/1,1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTPS/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / ICY/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / Http/1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/+1.1\r\nHost: a\r\n\r\n", 400},
    {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", 505},
    {"GET / HTTP/1.9\r\nHost: a\r\n\r\n", 505},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"\x16\x03\x01\x02\r\n\r\n", 400},
    {"GET(/) / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"\"GET\" / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    // What is expected of us.
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 200-ok\r\n\r\nx", 417},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect:\r\n\r\nx", 417},
    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue, x\r\n\r\nx", 417},
};

// The bytes up to the end that a reader of the connection would find, or all of them.
std::string_view head_of(std::string_view request) {
  return request.substr(0, find_head_end(request, 0));
}

TEST(HttpHeadCorpus, RequestsOfOrdinaryClientsAreAccepted) {
  for (const auto& [request, target, body, keep_alive] : kOrdinary) {
    const auto head = parse_request_head(head_of(request));
    ASSERT_TRUE(head) << request << head.error().detail;
    const auto framing = framing_of(*head);
    ASSERT_TRUE(framing) << request << framing.error().detail;
    EXPECT_EQ(head->target, target) << request;
    EXPECT_EQ(framing->body, body) << request;
    EXPECT_EQ(framing->keep_alive, keep_alive) << request;
  }
}

TEST(HttpHeadCorpus, RequestsOfAttackersAreRefused) {
  for (const auto& [request, status] : kAttacks) {
    const auto head = parse_request_head(head_of(request));
    ASSERT_FALSE(head) << request;
    EXPECT_EQ(head.error().status, status) << request << head.error().detail;
    EXPECT_FALSE(head.error().fix.empty()) << request;
  }
}

}  // namespace
}  // namespace carillon
