// The target of a request: a path, and options in its query. Also application/x-www-form-urlencoded
// bodies.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace carillon {

// More options than any request of ours has, 512 topics included; each one is compared with each
// asked for.
inline constexpr size_t kQueryOptionsMax = 600;

enum class Plus { literal, space };

// One round of percent-decoding. Fails on a `%` without two hexadecimal digits behind it.
Result<std::string> percent_decode(std::string_view text, Plus plus);
// Everything but RFC 3986's unreserved characters, with upper-case digits.
std::string percent_encode(std::string_view text);
void append_percent_encoded(std::string& out, std::string_view text);

// Named options in the order given. A value.
class Query {
 public:
  // `text` stands behind the `?`, or is a form. Refuses bad percent sequences, NUL and invalid
  // UTF-8.
  static Result<Query> parse(std::string_view text);
  Query() = default;
  // Options that came otherwise than in a URL.
  explicit Query(std::vector<std::pair<std::string, std::string>> options)
      : options_(std::move(options)) {}

  // The first value of that name.
  std::optional<std::string_view> get(std::string_view name) const;
  std::vector<std::string_view> all(std::string_view name) const;
  // Given more than once, so that an option with one value is ambiguous.
  bool repeated(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& options() const { return options_; }

 private:
  std::vector<std::pair<std::string, std::string>> options_;
};

struct Target {
  std::string path;  // decoded, no dot segments, no empty ones but a last one
  Query query;
};

// `text` is in origin-form or `*`. Decoded once and never again: what is compared with routes and
// rights is what everybody else sees. Ambiguous paths (dot segments, `//`, an encoded slash or NUL)
// are refused, not cleaned up.
Result<Target> parse_target(std::string_view text);

}  // namespace carillon
