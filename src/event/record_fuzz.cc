#include "event/record.h"

#include "base/check.h"
#include "base/crc32c.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

// Whatever the bytes, a view stays within its record.
void walk(std::string_view record) {
  const EventView view(record.data(), "a");
  CHECK(view.record_bytes() <= record.size());
  const auto inside = [&](std::string_view part) {
    return part.empty() || part == kDefaultType ||
           (part.data() >= record.data() &&
            part.data() + part.size() <= record.data() + record.size());
  };
  CHECK(inside(view.data()));
  const auto attributes = view.attributes();
  CHECK(inside(attributes.id) && inside(attributes.source) && inside(attributes.type));
  CHECK(inside(attributes.subject) && inside(attributes.data_content_type));
  CHECK(inside(attributes.data_schema) && inside(attributes.time) && inside(attributes.key));
  view.for_each_extension([&](std::string_view name, std::string_view value, ExtensionKind) {
    CHECK(inside(name) && inside(value));
  });
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto bytes = fuzzed_text(data, size);
  RecordHeader header;
  if (parse_record_header(bytes, header)) {
    CHECK(padded(header.length) <= bytes.size());
    walk(bytes.substr(0, padded(header.length)));
    record_intact(bytes, header);
  }
  // The same bytes as a record's attributes and data.
  std::string record;
  append_record(record, {.position = Position{1}}, bytes.substr(0, size / 2),
                bytes.substr(size / 2));
  CHECK(parse_record_header(record, header) && record_intact(record, header));
  walk(record);
  return 0;
}
