#include "wire/http_head.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "base/limits.h"

namespace carillon {
namespace {

constexpr int kAccepted = 200;

// The status that the head is refused with, by either of its parsers.
int status_of(std::string_view head) {
  const auto parsed = parse_request_head(head);
  return parsed ? kAccepted : parsed.error().status;
}

// A request whose head is otherwise in order.
std::string with_line(std::string_view line) {
  return "POST /t/a HTTP/1.1\r\nHost: hub\r\n" + std::string(line) + "\r\n\r\n";
}

std::string with_target(std::string_view method, std::string_view target) {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: hub\r\n\r\n";
}

RequestHead parsed(std::string_view head) {
  auto result = parse_request_head(head);
  EXPECT_TRUE(result) << (result ? "" : result.error().detail);
  return result.value_or(RequestHead{});
}

RequestFraming framing(std::string_view head) {
  auto result = framing_of(parsed(head));
  EXPECT_TRUE(result) << (result ? "" : result.error().detail);
  return result.value_or(RequestFraming{});
}

TEST(HttpHead, ACurlRequestIsReadAsItWasMeant) {
  const auto head = parsed(
      "POST /t/news?after=first HTTP/1.1\r\nHost: localhost:8080\r\nUser-Agent: curl/7.88.1\r\n"
      "Accept: */*\r\nContent-Length: 5\r\n\r\n");

  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/t/news?after=first");
  EXPECT_EQ(head.minor, 1);
  EXPECT_EQ(head.field("host"), "localhost:8080");
  EXPECT_EQ(head.field("accept"), "*/*");
  EXPECT_EQ(head.field("absent"), "");
  EXPECT_FALSE(head.has("absent"));
}

TEST(HttpHead, NamesAreLowerCasedAndBlanksAroundValuesDropped) {
  const auto head = parsed(with_line("X-Some-Name: \t a  b \t"));

  EXPECT_EQ(head.field("x-some-name"), "a  b");
}

TEST(HttpHead, RepeatedFieldsKeepTheirOrder) {
  const auto head = parsed(with_line("X-A: 1\r\nX-B: 2\r\nx-a: 3"));

  EXPECT_EQ(head.all("x-a"), (std::vector<std::string_view>{"1", "3"}));
  EXPECT_EQ(head.field("x-a"), "1");
}

TEST(HttpHead, AListIsReadOverAllFieldsOfItsNameWithoutRegardToCase) {
  const auto head =
      parsed(with_line("Upgrade: , h2c\r\nConnection: Upgrade ,keep-alive\r\nConnection: x"));

  EXPECT_TRUE(head.list_contains("connection", "upgrade"));
  EXPECT_TRUE(head.list_contains("connection", "x"));
  EXPECT_FALSE(head.list_contains("connection", "up"));
  EXPECT_FALSE(head.list_contains("connection", ""));
}

TEST(HttpHead, OneEmptyLineBeforeTheRequestLineIsPassedOver) {
  EXPECT_EQ(status_of("\r\nGET / HTTP/1.1\r\nHost: hub\r\n\r\n"), kAccepted);
  EXPECT_EQ(status_of("\r\n\r\n"), 400);
}

// --- C:F1.5 to F1.9 and F1.13: each line here has been the first half of a smuggling attack

struct Smuggled {
  std::string_view what;
  std::string head;
};

TEST(HttpHead, WhatTwoParsersCouldReadDifferentlyIsRefusedWith400) {
  using namespace std::string_literals;
  const std::vector<Smuggled> table = {
      {"F1.5 space before the colon", with_line("X-A : 1")},
      {"F1.5 tab before the colon", with_line("X-A\t: 1")},
      {"F1.6 folded line", with_line("X-A: 1\r\n 2")},
      {"F1.6 folded by a tab", with_line("X-A: 1\r\n\t2")},
      {"F1.6 first field folded", "GET / HTTP/1.1\r\n Host: hub\r\n\r\n"},
      {"F1.7 bare CR in a value", with_line("X-A: 1\r2")},
      {"F1.7 bare CR before CRLF", with_line("X-A: 1\r")},
      {"F1.7 bare LF as line end", with_line("X-A: 1\nX-B: 2")},
      {"F1.7 bare LF throughout", "GET / HTTP/1.1\nHost: hub\n\n"},
      {"F1.7 bare LF as last line end", "GET / HTTP/1.1\r\nHost: hub\r\n\n"},
      {"F1.7 bare CR in the request line", "GET /\r HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.8 NUL in a value", with_line("X-A: 1\0"s)},
      {"F1.8 NUL in a name", with_line("X\0A: 1"s)},
      {"F1.8 control character", with_line("X-A: \x01")},
      {"F1.8 delete character", with_line("X-A: \x7f")},
      {"F1.8 escape character", with_line("X-A: \x1b[31m")},
      {"F1.8 no name", with_line(": 1")},
      {"F1.8 no colon", with_line("X-A")},
      {"F1.8 name is no token", with_line("X(A): 1")},
      {"F1.8 name with a space", with_line("X A: 1")},
      {"F1.8 name outside ASCII", with_line("X-\xc3\xa4: 1")},
      {"F1.9 no Host", "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"},
      {"F1.9 two Hosts", with_line("Host: other")},
      {"F1.9 the same Host twice", with_line("Host: hub")},
      {"F1.9 empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n"},
      {"F1.9 Host with user information", "GET / HTTP/1.1\r\nHost: a@hub\r\n\r\n"},
      {"F1.9 Host with a path", "GET / HTTP/1.1\r\nHost: hub/a\r\n\r\n"},
      {"F1.9 Host with a space", "GET / HTTP/1.1\r\nHost: hub hub\r\n\r\n"},
      {"F1.9 list of Hosts", "GET / HTTP/1.1\r\nHost: a, b/\r\n\r\n"},
      {"F1.9 Host with a wrong port", "GET / HTTP/1.1\r\nHost: hub:65536\r\n\r\n"},
      {"F1.9 Host with a signed port", "GET / HTTP/1.1\r\nHost: hub:+80\r\n\r\n"},
      {"F1.9 Host with two ports", "GET / HTTP/1.1\r\nHost: hub:80:80\r\n\r\n"},
      {"F1.9 Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {"F1.9 invalid Host in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"},
      {"F1.13 two spaces", "GET  / HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 two spaces before the version", "GET /  HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 space at the front", " GET / HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 space at the end", "GET / HTTP/1.1 \r\nHost: hub\r\n\r\n"},
      {"F1.13 tab as separator", "GET\t/ HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 space in the target", "GET /a b HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 no version (HTTP/0.9)", "GET /\r\n\r\n"},
      {"F1.13 empty method", " / HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 method is no token", "G@T / HTTP/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 version in lower case", "GET / http/1.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 version with a zero", "GET / HTTP/01.1\r\nHost: hub\r\n\r\n"},
      {"F1.13 version with two digits", "GET / HTTP/1.10\r\nHost: hub\r\n\r\n"},
      {"target outside ASCII", with_target("GET", "/\xc3\xa4")},
      {"target with a fragment", with_target("GET", "/a#b")},
      {"target without a slash", with_target("GET", "a")},
      {"asterisk for GET", with_target("GET", "*")},
      {"authority for GET", with_target("GET", "hub:80")},
      {"another scheme", with_target("GET", "ftp://hub/")},
      {"user information", with_target("GET", "http://a@hub/")},
      {"no host", with_target("GET", "http:///a")},
      {"only the empty line", "\r\n\r\n"},
      {"no empty line", "GET / HTTP/1.1\r\nHost: hub\r\n"},
      {"bytes behind the empty line", with_line("X-A: 1") + "G"},
      {"nothing", ""},
  };

  for (const auto& [what, head] : table) EXPECT_EQ(status_of(head), 400) << what;
}

TEST(HttpHead, OtherVersionsOfHttpAreRefusedWith505) {
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: hub\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.2\r\nHost: hub\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/0.9\r\n\r\n"), 505);
}

TEST(HttpHead, AnUnknownMethodIsAnyTokenAndJudgedByTheRouter) {
  EXPECT_EQ(parsed(with_target("BREW", "/")).method, "BREW");
  EXPECT_EQ(parsed(with_target("get", "/")).method, "get");
}

TEST(HttpHead, ConnectIsRefusedSinceTheHubIsNoProxy) {
  EXPECT_EQ(status_of(with_target("CONNECT", "other:443")), 501);
}

TEST(HttpHead, AHostMayBeANameAnAddressOrABracketedAddressWithAPort) {
  for (const std::string_view host :
       {"hub", "hub:8080", "hub:", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080", "a_b.c"}) {
    const auto head = "GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n";
    EXPECT_EQ(parsed(head).field("host"), host);
  }
}

TEST(HttpHead, AnHttp10RequestNeedsNoHost) { EXPECT_EQ(parsed("GET / HTTP/1.0\r\n\r\n").minor, 0); }

TEST(HttpHead, AnAbsoluteTargetOverridesTheHost) {
  const auto head = parsed(with_target("GET", "HTTP://other.example:81/t/a?b=c"));

  EXPECT_EQ(head.target, "/t/a?b=c");
  EXPECT_EQ(head.all("host"), (std::vector<std::string_view>{"other.example:81"}));
}

TEST(HttpHead, AnAbsoluteTargetWithoutAPathMeansTheRoot) {
  EXPECT_EQ(parsed(with_target("GET", "http://other")).target, "/");
  EXPECT_EQ(parsed(with_target("GET", "http://other?a=b")).target, "/?a=b");
  EXPECT_EQ(parsed(with_target("OPTIONS", "http://other")).target, "*");
  EXPECT_EQ(parsed(with_target("OPTIONS", "*")).target, "*");
}

TEST(HttpHead, ATargetOverItsLimitIsRefusedWith414) {
  EXPECT_EQ(status_of(with_target("GET", "/" + std::string(kTargetBytesMax - 1, 'a'))), kAccepted);
  EXPECT_EQ(status_of(with_target("GET", "/" + std::string(kTargetBytesMax, 'a'))), 414);
}

TEST(HttpHead, TooManyFieldsOrBytesAreRefusedWith431) {
  std::string fields = "X: 1";
  for (size_t i = 2; i < kHeaderFieldsMax; ++i) fields += "\r\nX: 1";

  EXPECT_EQ(status_of(with_line(fields)), kAccepted);
  EXPECT_EQ(status_of(with_line(fields + "\r\nX: 1")), 431);
  EXPECT_EQ(status_of(with_line("X: " + std::string(kHeadBytesMax, 'a'))), 431);
  const size_t other_bytes = with_line("X: ").size();
  EXPECT_EQ(status_of(with_line("X: " + std::string(kHeadBytesMax - other_bytes, 'a'))), kAccepted);
}

TEST(HttpHead, ARefusalShowsWhatAPeerSentCutAndWithoutControlCharacters) {
  const auto result = parse_request_head(with_line("X(\xff" + std::string(500, 'x') + "): 1"));

  ASSERT_FALSE(result);
  EXPECT_LT(result.error().detail.size(), 200);
  EXPECT_NE(result.error().detail.find("'X(?xxx"), std::string::npos);
  EXPECT_FALSE(result.error().fix.empty());
}

// --- Framing

TEST(HttpFraming, ARequestWithoutLengthOrCodingHasNoBody) {
  const auto got = framing(with_line("X: 1"));

  EXPECT_EQ(got.body, RequestFraming::Body::none);
  EXPECT_TRUE(got.keep_alive);
  EXPECT_FALSE(got.expect_continue);
}

TEST(HttpFraming, ALengthIsRead) {
  const auto got = framing(with_line("Content-Length: 18446744073709551615"));

  EXPECT_EQ(got.body, RequestFraming::Body::length);
  EXPECT_EQ(got.length, UINT64_MAX);
  EXPECT_EQ(framing(with_line("Content-Length: 0")).body, RequestFraming::Body::none);
}

TEST(HttpFraming, ChunkedIsReadWhateverItsCase) {
  EXPECT_EQ(framing(with_line("Transfer-Encoding: Chunked")).body, RequestFraming::Body::chunked);
}

TEST(HttpFraming, AnyDoubtAboutTheBodysEndIsRefused) {
  struct Case {
    std::string_view what;
    std::string_view line;
    int status;
  };
  const std::vector<Case> table = {
      {"F1.1 both", "Transfer-Encoding: chunked\r\nContent-Length: 5", 400},
      {"F1.1 both, other order", "Content-Length: 5\r\nTransfer-Encoding: chunked", 400},
      {"F1.1 both, length of zero", "Content-Length: 0\r\nTransfer-Encoding: chunked", 400},
      {"F1.2 not chunked at all", "Transfer-Encoding: gzip", 400},
      {"F1.2 chunked is not last", "Transfer-Encoding: chunked, gzip", 400},
      {"F1.2 identity", "Transfer-Encoding: identity", 400},
      {"F1.2 chunked, then identity", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
       400},
      {"F1.2 unknown coding", "Transfer-Encoding: gzip, chunked", 501},
      {"F1.2 unknown coding in two fields", "Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
       501},
      {"F1.2 chunked twice", "Transfer-Encoding: chunked, chunked", 400},
      {"F1.2 chunked twice in two fields",
       "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400},
      {"F1.2 quoted", "Transfer-Encoding: \"chunked\"", 400},
      {"F1.2 parameter", "Transfer-Encoding: chunked;a=b", 400},
      {"F1.2 almost", "Transfer-Encoding: xchunked", 400},
      {"F1.2 empty", "Transfer-Encoding:", 400},
      {"F1.4 repeated", "Content-Length: 5\r\nContent-Length: 5", 400},
      {"F1.4 conflicting", "Content-Length: 5\r\nContent-Length: 6", 400},
      {"F1.4 list", "Content-Length: 5, 5", 400},
      {"F1.4 plus", "Content-Length: +5", 400},
      {"F1.4 minus", "Content-Length: -5", 400},
      {"F1.4 space inside", "Content-Length: 5 5", 400},
      {"F1.4 hexadecimal", "Content-Length: 0x5", 400},
      {"F1.4 hexadecimal digit", "Content-Length: a", 400},
      {"F1.4 fraction", "Content-Length: 5.0", 400},
      {"F1.4 empty", "Content-Length:", 400},
      {"F1.4 overflow", "Content-Length: 18446744073709551616", 400},
      {"F1.17 other expectation", "Expect: 200-ok", 417},
      {"F1.17 two expectations", "Expect: 100-continue\r\nExpect: 100-continue", 417},
  };

  for (const auto& [what, line, status] : table)
    EXPECT_EQ(status_of(with_line(line)), status) << what;
}

TEST(HttpFraming, TransferEncodingInHttp10IsRefusedAsF13Says) {
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(HttpFraming, AHeadThatNobodyParsedIsJudgedTheSame) {
  const RequestHead head{.method = "POST",
                         .target = "/",
                         .fields = {{"content-length", "5"}, {"transfer-encoding", "chunked"}}};

  const auto framing = framing_of(head);

  ASSERT_FALSE(framing);
  EXPECT_EQ(framing.error().status, 400);
}

TEST(HttpFraming, AContinueIsExpectedOnlyWithABodyAndInHttp11) {
  EXPECT_TRUE(framing(with_line("Content-Length: 5\r\nExpect: 100-Continue")).expect_continue);
  EXPECT_FALSE(framing(with_line("Expect: 100-continue")).expect_continue);
  EXPECT_FALSE(framing("POST / HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
                   .expect_continue);
}

TEST(HttpFraming, TheConnectionIsKeptAsItsVersionAndConnectionFieldSay) {
  EXPECT_TRUE(framing(with_line("X: 1")).keep_alive);
  EXPECT_FALSE(framing(with_line("Connection: close")).keep_alive);
  EXPECT_FALSE(framing(with_line("Connection: keep-alive, Close")).keep_alive);
  EXPECT_FALSE(framing("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(framing("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

// --- Where a head ends

TEST(HttpHeadEnd, IsJustPastTheEmptyLine) {
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\n\r\nbody\r\n\r\n", 0), 18);
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\nHost: hub\r\n", 0), std::string_view::npos);
  EXPECT_EQ(find_head_end("", 0), std::string_view::npos);
}

TEST(HttpHeadEnd, IsFoundWithBareLineFeedsTooSoThatTheyAreRefusedAtOnce) {
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\n\nrest", 0), 16);
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\r\n\nrest", 0), 17);
  EXPECT_EQ(find_head_end("GET / HTTP/1.1\n\r\nrest", 0), 17);
}

TEST(HttpHeadEnd, ALeadingEmptyLineIsNotTheEnd) {
  const std::string_view bytes = "\r\nGET / HTTP/1.1\r\nHost: hub\r\n\r\n";

  EXPECT_EQ(find_head_end(bytes, 0), bytes.size());
}

RC_GTEST_PROP(HttpHeadEnd, IsFoundWhereverTheReadsCutTheHead, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::element('a', '\r', '\n'));
  const size_t whole = find_head_end(text, 0);

  size_t searched = 0;
  size_t found = std::string::npos;
  while (found == std::string::npos && searched < text.size()) {
    const size_t more = *rc::gen::inRange<size_t>(1, text.size() - searched + 1);
    found = find_head_end(std::string_view(text).substr(0, searched + more), searched);
    searched += more;
  }

  RC_ASSERT(found == whole);
}

RC_GTEST_PROP(HttpHead, FieldsComeBackAsTheyWereSent, ()) {
  const auto words = *rc::gen::container<std::vector<std::string>>(
      rc::gen::container<std::string>(rc::gen::inRange('!', '\x7f')));
  RC_PRE(words.size() + 2 <= kHeaderFieldsMax);
  std::string lines = "X-Last: 1";
  for (const auto& word : words) lines += "\r\nX-Word: " + word;

  const auto head = parse_request_head(with_line(lines));

  RC_ASSERT(head.has_value());
  RC_ASSERT(head->all("x-word") == (std::vector<std::string_view>(words.begin(), words.end())));
}

}  // namespace
}  // namespace carillon
