#include "event/cursor.h"

#include "base/check.h"
#include "testing/pieces.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  if (const auto cursor = Cursor::parse(text)) CHECK(cursor->text() == text);
  return 0;
}
