#include "hub/config.h"

#include "base/check.h"
#include "testing/pieces.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  if (const auto duration = parse_duration(text)) CHECK(duration->count() >= 0);
  parse_bytes(text);
  Config config;
  const auto applied = apply_toml(config, text, "fuzzed");
  if (!applied) {
    CHECK(applied.error().code == Errc::bad_input && !applied.error().detail.empty());
    return 0;
  }
  check_config(config);
  config.settings_for("a.b");
  CHECK(!show_config(config).empty());
  return 0;
}
