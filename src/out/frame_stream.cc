#include "out/frame_stream.h"

#include <algorithm>

#include "base/check.h"

namespace carillon {

namespace {

// A chunk takes frames until it holds this much; larger ones copy more when they grow, smaller ones
// gather worse.
constexpr size_t kChunkBytes = 64 * 1024;

}  // namespace

std::string& FrameStream::open() {
  if (chunks_.empty() || chunks_.back().bytes.size() >= kChunkBytes) chunks_.push_back({{}, end_});
  return chunks_.back().bytes;
}

void FrameStream::close(Position position) {
  const Chunk& chunk = chunks_.back();
  const uint64_t end = chunk.start + chunk.bytes.size();
  if (end == end_) return;  // a form that does not say this
  CHECK(frames_.empty() || position >= frames_.back().position);
  end_ = end;
  frames_.push_back({position, end});
}

size_t FrameStream::gather(uint64_t offset, std::span<iovec> out) const {
  size_t count = 0;
  auto chunk = std::ranges::upper_bound(chunks_, offset, {}, &Chunk::start);
  if (chunk != chunks_.begin()) --chunk;
  for (; chunk != chunks_.end() && count < out.size(); ++chunk) {
    const uint64_t skip = std::max(offset, chunk->start) - chunk->start;
    if (skip >= chunk->bytes.size()) continue;
    // An iovec is for reading and writing both; these bytes are only sent.
    // tidy: allow const_cast: bytes to be sent
    char* from = const_cast<char*>(chunk->bytes.data()) + skip;
    out[count++] = {from, chunk->bytes.size() - skip};
  }
  return count;
}

size_t FrameStream::frame_at(uint64_t offset) const {
  const auto found = std::ranges::upper_bound(frames_, offset, {}, &Frame::end);
  return static_cast<size_t>(found - frames_.begin());
}

uint64_t FrameStream::offset_behind(Position position) const {
  CHECK(position >= base_);
  const auto found = std::ranges::upper_bound(frames_, position, {}, &Frame::position);
  if (found == frames_.begin()) return begin_;
  return std::prev(found)->end;
}

Position FrameStream::position_at(uint64_t offset) const {
  const size_t next = frame_at(offset);
  return next == 0 ? base_ : frames_[next - 1].position;
}

FrameStream::Cut FrameStream::cut_frame_at(uint64_t offset) const {
  const size_t next = frame_at(offset);
  if (next == frames_.size()) return {{}, position_at(offset)};
  const uint64_t start = next == 0 ? begin_ : frames_[next - 1].end;
  if (offset == start) return {{}, position_at(offset)};
  Cut cut{.rest = {}, .position = frames_[next].position};
  const auto chunk = std::prev(std::ranges::upper_bound(chunks_, offset, {}, &Chunk::start));
  cut.rest = chunk->bytes.substr(offset - chunk->start, frames_[next].end - offset);
  return cut;
}

uint64_t FrameStream::begin_within(uint64_t bytes_max) const {
  if (end_ - begin_ <= bytes_max) return begin_;
  const uint64_t least = end_ - bytes_max;
  const auto found = std::ranges::lower_bound(frames_, least, {}, &Frame::end);
  return found == frames_.end() ? end_ : found->end;
}

void FrameStream::trim_to(uint64_t begin) {
  while (!frames_.empty() && frames_.front().end <= begin) {
    base_ = std::max(base_, frames_.front().position);
    begin_ = frames_.front().end;
    frames_.pop_front();
  }
  drop_chunks();
}

void FrameStream::clear(Position base) {
  begin_ = end_;
  base_ = std::max(base_, base);
  frames_.clear();
  chunks_.clear();
}

void FrameStream::drop_chunks() {
  while (!chunks_.empty() && chunks_.front().start + chunks_.front().bytes.size() <= begin_)
    chunks_.pop_front();
}

}  // namespace carillon
