// Content negotiation by `Accept` (RFC 9110 section 12.5.1).
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace carillon {

// Which of `offers` (lower-case media types, the preferred first) the client likes best: by
// quality, then by how exactly it named it, then by our order. Nothing when it accepts none. An
// absent field accepts everything.
std::optional<size_t> choose_media_type(std::string_view accept,
                                        std::span<const std::string_view> offers);

}  // namespace carillon
