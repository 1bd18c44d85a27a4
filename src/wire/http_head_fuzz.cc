#include "wire/http_head.h"

#include "base/check.h"
#include "base/limits.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

// The end is where it is however the bytes came.
void check_end(std::string_view bytes) {
  Pieces pieces(bytes);
  size_t searched = 0;
  size_t found = std::string_view::npos;
  while (const auto piece = pieces.next()) {
    const size_t have = searched + piece->size();
    found = find_head_end(bytes.substr(0, have), searched);
    if (found != std::string_view::npos) break;
    searched = have;
  }
  CHECK(found == find_head_end(bytes, 0));
}

void check_head(const RequestHead& head) {
  CHECK(!head.method.empty());
  CHECK(head.target == "*" || head.target.starts_with('/'));
  CHECK(head.target.size() <= kTargetBytesMax);
  CHECK(head.minor == 0 || head.has("host"));
  CHECK(head.all("host").size() <= 1);
  for (const auto& field : head.fields) {
    CHECK(!field.name.empty());
    CHECK(field.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  }
  const auto framing = framing_of(head);
  CHECK(framing.has_value());
  CHECK(!head.has("transfer-encoding") || framing->body == RequestFraming::Body::chunked);
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto bytes = fuzzed_text(data, size);
  check_end(bytes);
  const auto head = parse_request_head(bytes);
  if (head) {
    check_head(*head);
  } else {
    CHECK(head.error().status >= 400 && !head.error().detail.empty());
  }
  return 0;
}
