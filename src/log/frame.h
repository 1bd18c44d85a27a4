// A frame: one group commit in a journal. Format: docs/reference/log-format.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "event/cursor.h"

namespace carillon {

struct FrameHeader {
  uint32_t bytes = 0;     // header and records, without padding
  uint32_t records = 0;   // of every kind
  uint64_t journal = 0;   // the journal it was written to: recycled content never passes
  uint64_t sequence = 0;  // +1 each frame of the log
  Position last;          // the durable end once this frame is synced
  WallTime stored_at{};
};

inline constexpr size_t kFrameHeaderBytes = 64;

// Starts a frame in `out` by room for its header; records are appended behind it.
void begin_frame(std::string& out);
// Fills in the header (`header.bytes` is set from out.size()) and the checksum, and pads with zeros
// to a page. `nonce` is the journal's: without it nobody can forge a frame inside the data of
// another.
void finish_frame(std::string& out, FrameHeader header, uint64_t nonce);

enum class FrameState { whole, damaged, none };

// Reads the header at the front of `bytes`. none: no frame begins here; damaged: something like one
// does, but it cannot be trusted. Lengths only; the checksum is frame_intact's work.
FrameState parse_frame_header(std::string_view bytes, FrameHeader& header);
// `bytes` begins with the whole frame of `header`, and its checksum is right.
bool frame_intact(std::string_view bytes, const FrameHeader& header, uint64_t nonce);

// Bytes from one frame's start to the next one's.
uint64_t frame_stride(const FrameHeader& header);

}  // namespace carillon
