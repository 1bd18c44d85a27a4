// Whether bytes are JSON, and where they stop being it.
#pragma once

#include <string_view>

#include "base/result.h"

namespace carillon {

// How the detail of every error of check_json begins, so that a door can answer `bad-json`.
inline constexpr std::string_view kBrokenJson = "broken JSON at ";

// One JSON value in UTF-8 (RFC 8259), nested at most kJsonDepthMax deep, no lone surrogates.
// Numbers may be of any size: they are kept as written. The error says `line L, column C (byte B)`,
// all from 1, columns in characters.
//
// Our own engine, a loop without a stack of its own. (Not simdjson: it refuses numbers beyond 64
// bits and says nothing of the place, so a second engine would have to find it, and two engines
// disagree; it also wants padding, which costs a copy of every payload. Tests hold this one to
// simdjson and Boost.JSON.)
Result<> check_json(std::string_view bytes);

}  // namespace carillon
