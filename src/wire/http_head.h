// The head of an HTTP/1.1 request: bytes to fields, and what the fields say of the body (RFC 9112).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace carillon {

struct HeaderField {
  std::string name;  // lower case
  std::string value;
  friend bool operator==(const HeaderField&, const HeaderField&) = default;
};

// Why a request is answered without being looked at further. The connection closes behind the
// answer: after an error in framing nobody knows where the next request begins (RFC 9112
// section 9.6).
struct HttpRefusal {
  int status;
  std::string detail;
  std::string fix;
};

// A value.
struct RequestHead {
  std::string method;
  std::string target;  // origin-form, or `*`
  int minor = 1;       // HTTP/1.minor
  std::vector<HeaderField> fields;

  // Names are given in lower case.
  // The first value, or "".
  std::string_view field(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  // The comma-separated list that the fields of this name form holds `token`, whatever its case.
  bool list_contains(std::string_view name, std::string_view token) const;
};

struct RequestFraming {
  enum class Body { none, length, chunked };
  Body body = Body::none;
  uint64_t length = 0;
  bool keep_alive = true;
  bool expect_continue = false;
};

// Just past the empty line that ends a head, or npos. `searched` bytes were looked at before, in
// vain. Finds an empty line of bare line feeds too, so that parse_request_head refuses it at once
// and the client does not wait for a time-out.
size_t find_head_end(std::string_view bytes, size_t searched);

// `head` is everything up to and including the empty line. An absolute-form target has replaced
// Host, and is in origin-form (RFC 9112 section 3.2.2). One empty line before the request line is
// passed over (section 2.2).
//
// Two parsers must agree: ours, which is strict about every byte, and Boost.Beast's, which has met
// more clients. (Not Beast's alone: it takes bare line feeds, folded lines and odd targets, which
// is what request smuggling is made of.)
std::expected<RequestHead, HttpRefusal> parse_request_head(std::string_view head);

// How the body is delimited and what becomes of the connection. Any doubt is a refusal (RFC 9112
// section 6.3).
std::expected<RequestFraming, HttpRefusal> framing_of(const RequestHead& head);

}  // namespace carillon
