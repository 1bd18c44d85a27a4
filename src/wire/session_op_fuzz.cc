#include "wire/session_op.h"

#include "base/check.h"
#include "base/limits.h"
#include "testing/pieces.h"
#include "wire/json_check.h"

// Whatever a client sends: an op, or a problem with its id, and either can be answered as JSON.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  const auto op = parse_session_op(text);
  const auto& id = op ? op->id : op.error().id;
  CHECK(id.size() <= kOpIdBytesMax);
  if (op) {
    CHECK(check_json(text).has_value() && !id.empty());
    CHECK(check_json(ok_op(id)).has_value());
    if (op->kind == SessionOp::Kind::presence) CHECK(check_json(op->state).has_value());
  } else {
    CHECK(check_json(error_op(id, op.error().problem)).has_value());
  }
  return 0;
}
