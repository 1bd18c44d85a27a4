#include "deflating.h"

#include <zlib.h>

#include <array>

#include "options.h"

namespace carillon {

namespace {

constexpr int kWindowBits = 15;
constexpr int kMemoryLevel = 8;
// What a flush ends with; left out on the wire (RFC 7692 section 7.2.1).
constexpr std::string_view kFlushTail("\x00\x00\xff\xff", 4);
// Of an event and the JSON around it.
constexpr size_t kPlainBytesMax = 2 * kBenchEventBytesMax;
constexpr size_t kKnownMax = 1024;

const Bytef* zlib_bytes(std::string_view bytes) {
  return reinterpret_cast<const Bytef*>(bytes.data());
}

}  // namespace

FrameDeflater::FrameDeflater() : stream_(std::make_unique<z_stream>()) {
  if (::deflateInit2(stream_.get(), Z_DEFAULT_COMPRESSION, Z_DEFLATED, -kWindowBits, kMemoryLevel,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    give_up("zlib does not begin");
  }
}

FrameDeflater::~FrameDeflater() { ::deflateEnd(stream_.get()); }

void FrameDeflater::append(std::string& out, std::string_view plain) {
  std::array<char, 16UL * 1024> block;
  ::deflateReset(stream_.get());
  stream_->next_in = zlib_bytes(plain);
  stream_->avail_in = static_cast<uInt>(plain.size());
  do {
    stream_->next_out = reinterpret_cast<Bytef*>(block.data());
    stream_->avail_out = block.size();
    ::deflate(stream_.get(), Z_SYNC_FLUSH);
    out.append(block.data(), block.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
  out.resize(out.size() - kFlushTail.size());
}

FrameInflater::FrameInflater()
    : stream_(std::make_unique<z_stream>()), plain_(kPlainBytesMax, '\0') {
  if (::inflateInit2(stream_.get(), -kWindowBits) != Z_OK) give_up("zlib does not begin");
}

FrameInflater::~FrameInflater() { ::inflateEnd(stream_.get()); }

std::optional<BenchEvent> FrameInflater::find_event(std::string_view payload, size_t event_bytes) {
  if (const auto found = known_.find(payload); found != known_.end()) return found->second;
  const auto plain = inflate(payload);
  const auto event = plain ? find_bench_event(*plain, event_bytes) : std::nullopt;
  if (!event) return std::nullopt;
  if (known_.size() == kKnownMax) known_.clear();
  known_.emplace(payload, *event);
  return event;
}

std::optional<std::string_view> FrameInflater::inflate(std::string_view payload) {
  ::inflateReset(stream_.get());
  stream_->next_out = reinterpret_cast<Bytef*>(plain_.data());
  stream_->avail_out = static_cast<uInt>(plain_.size());
  for (const std::string_view part : {payload, kFlushTail}) {
    stream_->next_in = zlib_bytes(part);
    stream_->avail_in = static_cast<uInt>(part.size());
    const int result = ::inflate(stream_.get(), Z_SYNC_FLUSH);
    // Z_BUF_ERROR: nothing was left to do.
    if (result != Z_OK && result != Z_BUF_ERROR) return std::nullopt;
    if (stream_->avail_in > 0) return std::nullopt;
  }
  return std::string_view(plain_).substr(0, plain_.size() - stream_->avail_out);
}

}  // namespace carillon
