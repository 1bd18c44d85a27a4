#include "wire/http_head.h"

#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/result.h"
#include "base/text.h"
#include "wire/http_token.h"

namespace carillon {

namespace {

namespace http = boost::beast::http;

constexpr std::string_view kLineEnd = "\r\n";
// What a peer wrote is shown in a refusal no longer than this.
constexpr size_t kShownBytesMax = 80;
constexpr size_t kFieldsUsual = 16;  // a browser's request, without the vector growing
constexpr uint32_t kPortMax = 65'535;

using Refused = std::unexpected<HttpRefusal>;

Refused refuse(int status, std::string detail, std::string fix) {
  return Refused(HttpRefusal{status, std::move(detail), std::move(fix)});
}

Refused bad(std::string detail, std::string fix) {
  return refuse(400, std::move(detail), std::move(fix));
}

// Quotes what a peer wrote: printable ASCII only, cut.
std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, kShownBytesMax)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out + "'";
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Calls visit(item) for each non-empty item of a comma-separated list, trimmed.
template <typename Visit>
void for_each_item(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    const auto item = trim(list.substr(0, comma));
    if (!item.empty()) visit(item);
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
}

// --- The request line

std::expected<int, HttpRefusal> minor_of(std::string_view version) {
  if (version == "HTTP/1.1") return 1;
  if (version == "HTTP/1.0") return 0;
  const bool well_formed = version.size() == 8 && version.starts_with("HTTP/") &&
                           is_digit(version[5]) && version[6] == '.' && is_digit(version[7]);
  if (well_formed) {
    return refuse(505, "the request is in " + std::string(version),
                  "speak HTTP/1.1, or HTTP/2 where the hub offers it");
  }
  return bad(shown(version) + " is no HTTP version", "end the request line with HTTP/1.1");
}

bool is_reg_name(std::string_view name) {
  constexpr std::string_view kSigns = "-._~%!$&'()*+,;=";  // RFC 3986 section 3.2.2
  return !name.empty() && std::ranges::all_of(name, [&](char c) {
    return is_digit(c) || is_letter(c) || kSigns.find(c) != std::string_view::npos;
  });
}

bool is_bracketed_address(std::string_view name) {
  if (name.size() < 4 || name.front() != '[' || name.back() != ']') return false;
  return std::ranges::all_of(name.substr(1, name.size() - 2), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
  });
}

// uri-host [ ":" port ], as in Host and in an absolute-form target. No userinfo.
bool is_authority(std::string_view text) {
  const size_t bracket = text.rfind(']');
  const size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const auto name = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    const auto port = text.substr(colon + 1);
    // An empty port is allowed by the grammar.
    if (!port.empty() && parse_decimal(port).value_or(kPortMax + 1) > kPortMax) return false;
  }
  return is_reg_name(name) || is_bracketed_address(name);
}

struct ParsedTarget {
  std::string target;
  std::optional<std::string> authority;  // of an absolute-form target
};

std::expected<ParsedTarget, HttpRefusal> take_absolute_form(std::string_view target,
                                                            std::string_view method) {
  const size_t scheme_end = target.find("://");
  const auto scheme = target.substr(0, std::min(scheme_end, target.size()));
  const bool known = equals_ignoring_case(scheme, "http") || equals_ignoring_case(scheme, "https");
  if (scheme_end == std::string_view::npos || !known) {
    return bad("the request target " + shown(target) + " is neither a path nor an http URL",
               "ask for a path that begins with /");
  }
  const auto rest = target.substr(scheme_end + 3);
  const size_t path = std::min(rest.find_first_of("/?"), rest.size());
  const auto authority = rest.substr(0, path);
  if (!is_authority(authority)) {
    return bad("the request target names the host " + shown(authority),
               "use a host name or address with an optional port, without user information");
  }
  ParsedTarget parsed{.target = std::string(rest.substr(path)),
                      .authority = std::string(authority)};
  // RFC 9112 section 3.2.4: the asterisk of a proxy's last hop.
  if (parsed.target.empty()) parsed.target = method == "OPTIONS" ? "*" : "/";
  if (parsed.target.front() == '?') parsed.target.insert(0, "/");
  return parsed;
}

std::expected<ParsedTarget, HttpRefusal> check_target(std::string_view target,
                                                      std::string_view method) {
  if (target.size() > kTargetBytesMax) {
    return refuse(414, fmt::format("the request target has {} bytes", target.size()),
                  fmt::format("use at most {}", kTargetBytesMax));
  }
  // `#` never travels (RFC 9110 section 4.2.5), and what is not ASCII is percent-encoded.
  const auto wrong = [](char c) { return c <= 0x20 || c >= 0x7f || c == '#'; };
  if (target.empty() || std::ranges::any_of(target, wrong)) {
    return bad("the request target " + shown(target) + " holds what no URL holds",
               "percent-encode everything outside ASCII, and leave the fragment out");
  }
  if (method == "CONNECT") {
    return refuse(501, "CONNECT asks for a proxy", "the hub is none; ask for a path");
  }
  if (target.front() == '/') return ParsedTarget{.target = std::string(target), .authority = {}};
  if (target == "*" && method == "OPTIONS") return ParsedTarget{.target = "*", .authority = {}};
  return take_absolute_form(target, method);
}

std::expected<ParsedTarget, HttpRefusal> take_request_line(std::string_view line,
                                                           RequestHead& head) {
  // Exactly two spaces: how many a lenient peer would skip is what two parsers disagree about.
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  const bool three_words = first != std::string_view::npos && first != last &&
                           line.find(' ', first + 1) == last && line.find('\t') == line.npos;
  if (!three_words) {
    return bad("the request line " + shown(line) + " is not three words with one space between",
               "write METHOD TARGET HTTP/1.1");
  }
  head.method = line.substr(0, first);
  if (!is_token(head.method)) return bad("the method is no token", "use letters, as in POST");
  const auto version = line.substr(last + 1);
  TRY(head.minor, minor_of(version));
  return check_target(line.substr(first + 1, last - first - 1), head.method);
}

// --- The fields

std::expected<HeaderField, HttpRefusal> parse_field(std::string_view line) {
  if (line.front() == ' ' || line.front() == '\t') {
    return bad("a header field is folded over two lines", "write each field on one line");
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) {
    return bad("the header line " + shown(line) + " has no colon", "write name: value");
  }
  const auto name = line.substr(0, colon);
  if (!is_token(name)) {
    return bad("the header field name " + shown(name) + " is no token",
               "use letters, digits and hyphens, with the colon right behind");
  }
  return HeaderField{.name = to_lower(name), .value = std::string(trim(line.substr(colon + 1)))};
}

std::expected<void, HttpRefusal> take_fields(std::string_view lines, RequestHead& head) {
  head.fields.reserve(kFieldsUsual);
  while (!lines.empty()) {
    const size_t end = lines.find(kLineEnd);
    if (head.fields.size() == kHeaderFieldsMax) {
      return refuse(431, "the request has too many header fields",
                    fmt::format("send at most {}", kHeaderFieldsMax));
    }
    TRY(auto field, parse_field(lines.substr(0, end)));
    head.fields.push_back(std::move(field));
    lines.remove_prefix(end + kLineEnd.size());
  }
  return {};
}

std::expected<void, HttpRefusal> check_host(const RequestHead& head) {
  const auto hosts = head.all("host");
  if (hosts.size() > 1) {
    return bad("the request has more than one Host field", "send exactly one");
  }
  if (hosts.empty()) {
    if (head.minor == 0) return {};
    return bad("the request has no Host field", "HTTP/1.1 demands one: Host: name[:port]");
  }
  if (!is_authority(hosts.front())) {
    return bad("the Host " + shown(hosts.front()) + " is not valid", "write Host: name[:port]");
  }
  return {};
}

// --- The raw bytes

// Every line ends in CRLF, and no control character stands elsewhere.
std::expected<void, HttpRefusal> check_bytes(std::string_view head) {
  for (size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\r' && i + 1 < head.size() && head[i + 1] == '\n') {
      ++i;
      continue;
    }
    if (head[i] == '\n' || head[i] == '\r') {
      return bad("a line of the request head does not end in CRLF", "end each line with CR LF");
    }
    if (is_header_control(head[i])) {
      return bad("the request head holds a control character", "remove it");
    }
  }
  return {};
}

// Beast's opinion of the same bytes; keeps nothing.
class BeastParser : public http::basic_parser<true> {
 public:
  BeastParser() {
    header_limit(static_cast<uint32_t>(kHeadBytesMax) + 1);
    body_limit(boost::none);
  }

 private:
  using Text = boost::beast::string_view;
  using Code = boost::beast::error_code;
  void on_request_impl(http::verb, Text, Text, int, Code&) override {}
  void on_response_impl(int, Text, int, Code&) override {}
  void on_field_impl(http::field, Text, Text, Code&) override {}
  void on_header_impl(Code&) override {}
  void on_body_init_impl(const boost::optional<uint64_t>&, Code&) override {}
  size_t on_body_impl(Text body, Code&) override { return body.size(); }
  void on_chunk_header_impl(uint64_t, Text, Code&) override {}
  size_t on_chunk_body_impl(uint64_t, Text body, Code&) override { return body.size(); }
  void on_finish_impl(Code&) override {}
};

std::expected<void, HttpRefusal> check_with_beast(std::string_view head) {
  BeastParser parser;
  boost::beast::error_code error;
  const size_t taken = parser.put(boost::asio::buffer(head.data(), head.size()), error);
  if (error || taken != head.size() || !parser.is_header_done()) {
    return bad("the request head is not well-formed: " + error.message(),
               "compare it with RFC 9112");
  }
  return {};
}

// --- Framing

std::expected<void, HttpRefusal> check_transfer_coding(const RequestHead& head) {
  if (head.has("content-length")) {
    return bad("the request has both Transfer-Encoding and Content-Length", "send one of them");
  }
  if (head.minor == 0) {
    return bad("Transfer-Encoding in an HTTP/1.0 request", "speak HTTP/1.1, or send a length");
  }
  std::vector<std::string_view> codings;
  for (const auto value : head.all("transfer-encoding")) {
    for_each_item(value, [&](std::string_view item) { codings.push_back(item); });
  }
  if (codings.empty() || !equals_ignoring_case(codings.back(), "chunked")) {
    return bad("the last transfer coding is not chunked", "send Transfer-Encoding: chunked");
  }
  if (codings.size() == 1) return {};
  const auto first = codings.front();
  if (equals_ignoring_case(first, "chunked")) {
    return bad("the body is chunked more than once", "send Transfer-Encoding: chunked");
  }
  return refuse(501, "the transfer coding " + shown(first) + " is not spoken here",
                "send Transfer-Encoding: chunked alone");
}

std::expected<uint64_t, HttpRefusal> content_length_of(const RequestHead& head) {
  const auto lengths = head.all("content-length");
  if (lengths.size() > 1) {
    return bad("Content-Length is given more than once", "send it once");
  }
  const auto length = parse_decimal(lengths.front());
  if (!length) {
    return bad("Content-Length " + shown(lengths.front()) + " is not a number of bytes",
               "send decimal digits only");
  }
  return *length;
}

bool keeps_alive(const RequestHead& head) {
  if (head.list_contains("connection", "close")) return false;
  return head.minor == 1 || head.list_contains("connection", "keep-alive");
}

}  // namespace

std::string_view RequestHead::field(std::string_view name) const {
  for (const auto& given : fields) {
    if (given.name == name) return given.value;
  }
  return {};
}

bool RequestHead::has(std::string_view name) const {
  return std::ranges::any_of(fields, [&](const HeaderField& given) { return given.name == name; });
}

std::vector<std::string_view> RequestHead::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& given : fields) {
    if (given.name == name) values.push_back(given.value);
  }
  return values;
}

bool RequestHead::list_contains(std::string_view name, std::string_view token) const {
  bool found = false;
  for (const auto& given : fields) {
    if (given.name != name) continue;
    for_each_item(given.value, [&](std::string_view item) {
      found = found || equals_ignoring_case(item, token);
    });
  }
  return found;
}

size_t find_head_end(std::string_view bytes, size_t searched) {
  constexpr size_t kEmptyLineBytes = 3;  // LF CR LF
  size_t at = bytes.find('\n', searched < kEmptyLineBytes ? 0 : searched - kEmptyLineBytes);
  while (at != std::string_view::npos) {
    const auto behind = bytes.substr(at + 1);
    if (behind.starts_with('\n')) return at + 2;
    if (behind.starts_with(kLineEnd)) return at + 3;
    at = bytes.find('\n', at + 1);
  }
  return std::string_view::npos;
}

std::expected<RequestHead, HttpRefusal> parse_request_head(std::string_view head) {
  if (head.size() > kHeadBytesMax) {
    return refuse(431, "the request head is too large",
                  fmt::format("send at most {} bytes", kHeadBytesMax));
  }
  if (head.starts_with(kLineEnd)) head.remove_prefix(kLineEnd.size());
  TRY(check_bytes(head));
  const size_t end = head.find("\r\n\r\n");
  if (end == std::string_view::npos || end + 4 != head.size()) {
    return bad("the request head has no empty line at its end", "end it with CR LF CR LF");
  }
  RequestHead parsed;
  const size_t line_end = head.find(kLineEnd);
  TRY(auto target, take_request_line(head.substr(0, line_end), parsed));
  const size_t fields = line_end + kLineEnd.size();
  TRY(take_fields(head.substr(fields, head.size() - fields - kLineEnd.size()), parsed));
  TRY(check_host(parsed));
  // Before Beast, which refuses some of the same without saying why.
  TRY([[maybe_unused]] auto framing, framing_of(parsed));
  TRY(check_with_beast(head));
  parsed.target = std::move(target.target);
  if (target.authority) {
    std::erase_if(parsed.fields, [](const HeaderField& given) { return given.name == "host"; });
    parsed.fields.push_back({.name = "host", .value = std::move(*target.authority)});
  }
  return parsed;
}

std::expected<RequestFraming, HttpRefusal> framing_of(const RequestHead& head) {
  RequestFraming framing{.keep_alive = keeps_alive(head)};
  if (head.has("transfer-encoding")) {
    TRY(check_transfer_coding(head));
    framing.body = RequestFraming::Body::chunked;
  } else if (head.has("content-length")) {
    TRY(framing.length, content_length_of(head));
    framing.body = framing.length > 0 ? RequestFraming::Body::length : RequestFraming::Body::none;
  }
  if (head.minor == 1 && head.has("expect")) {
    const auto expectations = head.all("expect");
    if (expectations.size() > 1 || !equals_ignoring_case(expectations.front(), "100-continue")) {
      return refuse(417, "the request expects " + shown(expectations.front()),
                    "expect nothing, or 100-continue");
    }
    framing.expect_continue = framing.body != RequestFraming::Body::none;
  }
  return framing;
}

}  // namespace carillon
