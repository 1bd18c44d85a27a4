#include "base/result.h"

namespace carillon {

std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::bad_input: return "bad input";
    case Errc::not_found: return "not found";
    case Errc::conflict: return "conflict";
    case Errc::too_large: return "too large";
    case Errc::too_many: return "too many";
    case Errc::denied: return "denied";
    case Errc::unavailable: return "unavailable";
    case Errc::full: return "full";
    case Errc::corrupt: return "corrupt";
    case Errc::io: return "io";
    case Errc::busy: return "busy";
  }
  return "unknown";
}

}  // namespace carillon
