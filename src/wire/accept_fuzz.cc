#include "wire/accept.h"

#include <array>

#include "base/check.h"
#include "testing/pieces.h"

namespace carillon {
namespace {

constexpr std::array<std::string_view, 4> kOffers = {"application/json", "text/event-stream",
                                                     "text/html", "text/plain"};

// The choice is one that the client would take by itself; without one it takes none.
void check_choice(std::string_view accept) {
  const auto chosen = choose_media_type(accept, kOffers);
  CHECK(!chosen || *chosen < kOffers.size());
  bool any = false;
  for (size_t i = 0; i < kOffers.size(); ++i) {
    const bool taken = choose_media_type(accept, std::span(kOffers).subspan(i, 1)).has_value();
    any = any || taken;
    CHECK(taken || chosen != i);
  }
  CHECK(chosen.has_value() == any);
  CHECK(!choose_media_type(accept, {}));
}

}  // namespace
}  // namespace carillon

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace carillon;
  const auto text = fuzzed_text(data, size);
  check_choice(text);
  // Whatever else a client writes, a type that it names first and without a quality is taken.
  CHECK(choose_media_type("text/html," + std::string(text), kOffers).has_value());
  return 0;
}
