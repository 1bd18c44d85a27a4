// The bytes of a segment file around its records. Held to docs/reference/log-format.md by a test.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "log/segment.h"

namespace carillon {

inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kSegmentTrailerBytes = 32;
inline constexpr size_t kOrderEntryBytes = 20;
// A whole block with its checksum.
inline constexpr size_t kOrderBlockBytes = kOrderBlockEntries * kOrderEntryBytes + sizeof(uint32_t);

std::string encode_segment_header(uint64_t id);
bool segment_header_intact(std::string_view bytes, uint64_t id);

std::string encode_order_block(const std::vector<OrderEntry>& entries, size_t from, size_t count);
std::optional<std::vector<OrderEntry>> decode_order_block(std::string_view bytes);

// With its checksum at the end.
std::string encode_segment_footer(const SegmentFooter& footer);
std::optional<SegmentFooter> decode_segment_footer(std::string_view bytes);

struct FooterPlace {
  uint64_t offset = 0;
  uint64_t bytes = 0;
};
std::string encode_segment_trailer(FooterPlace place);
// Nothing when it is damaged. `version` is what it says of itself when it is not.
std::optional<FooterPlace> decode_segment_trailer(std::string_view bytes, uint32_t& version);

inline constexpr uint32_t kSegmentVersion = 1;

}  // namespace carillon
