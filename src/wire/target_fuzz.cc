#include "wire/target.h"

#include "base/check.h"
#include "base/text.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

void check_path(std::string_view path) {
  CHECK(path == "*" || path.starts_with('/'));
  CHECK(path.find('\0') == std::string_view::npos && is_utf8(path));
  CHECK(path.find("//") == std::string_view::npos);
  const auto closed = std::string(path) + "/";
  CHECK(closed.find("/./") == std::string::npos && closed.find("/../") == std::string::npos);
}

void check_query(const Query& query) {
  std::string again;
  for (const auto& [name, value] : query.options()) {
    CHECK(is_utf8(name) && is_utf8(value));
    again += percent_encode(name) + "=" + percent_encode(value) + "&";
  }
  const auto parsed = Query::parse(again);
  CHECK(parsed.has_value() && parsed->options() == query.options());
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  if (const auto target = parse_target(text)) {
    check_path(target->path);
    check_query(target->query);
  }
  CHECK(percent_decode(percent_encode(text), Plus::space).value() == text);
  return 0;
}
