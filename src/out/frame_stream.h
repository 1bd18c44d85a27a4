// The encoded frames of one subscription class, one behind the other: what its readers share.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <deque>
#include <span>
#include <string>

#include "event/cursor.h"

namespace carillon {

// An append-only run of bytes with offsets that never fall; its front is let go of. A reader that
// is caught up is an offset into it and nothing else: what it owes is one gathered write from there
// to the end, and a frame cut by a full socket needs no state of its own.
//
// Owned by a subscription class on one loop. (Not a queue a connection, nor a reference count a
// frame: 10,000 readers share these bytes.)
class FrameStream {
 public:
  // Everything at or before `base` is not here.
  explicit FrameStream(Position base) : base_(base) {}

  // Frames go in position order: open, append bytes to what it returns, close.
  std::string& open();
  void close(Position position);

  uint64_t begin() const { return begin_; }
  uint64_t end() const { return end_; }
  bool empty() const { return begin_ == end_; }
  // Frames for every position behind this one are here, or will be.
  Position base() const { return base_; }

  // The bytes from `offset` on, in as few pieces as they lie in; how many pieces of `out` were
  // filled.
  size_t gather(uint64_t offset, std::span<iovec> out) const;
  // Where the first frame behind `position` begins. `position` must not lie before base().
  uint64_t offset_behind(Position position) const;
  // The position of the last frame that ends at or before `offset`, base() when there is none.
  Position position_at(uint64_t offset) const;
  // `offset` lies inside a frame: the rest of that frame, and its position. Empty at a frame's end.
  struct Cut {
    std::string rest;
    Position position;
  };
  Cut cut_frame_at(uint64_t offset) const;

  // Where the first whole frame begins from which on at most `bytes_max` lie: what trim_to would
  // keep.
  uint64_t begin_within(uint64_t bytes_max) const;
  // Lets go of the frames before `begin`, where a frame begins.
  void trim_to(uint64_t begin);
  // Lets go of everything; positions up to `base` will not come.
  void clear(Position base);

 private:
  struct Frame {
    Position position;
    uint64_t end = 0;
  };
  struct Chunk {
    std::string bytes;
    uint64_t start = 0;
  };
  size_t frame_at(uint64_t offset) const;
  void drop_chunks();

  std::deque<Chunk> chunks_;
  std::deque<Frame> frames_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  Position base_;
};

}  // namespace carillon
