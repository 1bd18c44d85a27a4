#include "out/frame_stream.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/random.h"

namespace carillon {
namespace {

void append(FrameStream& stream, uint64_t position, std::string_view bytes) {
  stream.open() += bytes;
  stream.close(Position{position});
}

std::string gathered(const FrameStream& stream, uint64_t offset, size_t pieces = 64) {
  std::vector<iovec> out(pieces);
  const size_t count = stream.gather(offset, out);
  std::string bytes;
  for (size_t i = 0; i < count; ++i)
    bytes.append(static_cast<const char*>(out[i].iov_base), out[i].iov_len);
  return bytes;
}

TEST(FrameStream, WhatIsGatheredFromAnOffsetIsEverythingBehindIt) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  append(stream, 13, "two,");
  append(stream, 14, "three");

  EXPECT_EQ(gathered(stream, stream.begin()), "one,two,three");
  EXPECT_EQ(gathered(stream, stream.begin() + 4), "two,three");
  EXPECT_EQ(gathered(stream, stream.begin() + 6), "o,three");
  EXPECT_EQ(gathered(stream, stream.end()), "");
}

TEST(FrameStream, AReaderJoinsBehindTheLastFrameThatItHas) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  append(stream, 13, "two,");

  EXPECT_EQ(stream.offset_behind(Position{10}), stream.begin());
  EXPECT_EQ(stream.offset_behind(Position{11}), stream.begin() + 4);
  EXPECT_EQ(stream.offset_behind(Position{12}), stream.begin() + 4);
  EXPECT_EQ(stream.offset_behind(Position{13}), stream.end());
  EXPECT_EQ(stream.offset_behind(Position{99}), stream.end());
}

TEST(FrameStream, AFrameCutByAFullSocketIsGivenBackWithItsRestAndItsPosition) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  append(stream, 13, "two,");

  const auto inside = stream.cut_frame_at(stream.begin() + 5);
  EXPECT_EQ(inside.rest, "wo,");
  EXPECT_EQ(inside.position, Position{13});

  const auto at_end = stream.cut_frame_at(stream.begin() + 4);
  EXPECT_EQ(at_end.rest, "");
  EXPECT_EQ(at_end.position, Position{11});

  const auto at_begin = stream.cut_frame_at(stream.begin());
  EXPECT_EQ(at_begin.rest, "");
  EXPECT_EQ(at_begin.position, Position{10});
}

TEST(FrameStream, AFrameOfNoBytesLeavesNoTrace) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  append(stream, 12, "");

  EXPECT_EQ(stream.position_at(stream.end()), Position{11});
  EXPECT_EQ(stream.end(), 4);
}

TEST(FrameStream, TrimmingTakesWholeFramesFromTheFrontAndKeepsOffsets) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  append(stream, 13, "two,");
  append(stream, 14, "three");

  stream.trim_to(stream.begin_within(9));

  EXPECT_EQ(stream.begin(), 4);
  EXPECT_EQ(stream.end(), 13);
  EXPECT_EQ(stream.base(), Position{11});
  EXPECT_EQ(gathered(stream, 4), "two,three");
  EXPECT_EQ(stream.position_at(4), Position{11});

  stream.trim_to(stream.begin_within(8));
  EXPECT_EQ(stream.base(), Position{13});
  EXPECT_EQ(gathered(stream, 8), "three");
}

TEST(FrameStream, WhatFitsIsWholeFramesAndAllOfThemWhenTheyFit) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  append(stream, 13, "two,");

  EXPECT_EQ(stream.begin_within(8), stream.begin());
  EXPECT_EQ(stream.begin_within(100), stream.begin());
  EXPECT_EQ(stream.begin_within(7), 4);
  EXPECT_EQ(stream.begin_within(3), stream.end());
  EXPECT_EQ(stream.begin_within(0), stream.end());
}

TEST(FrameStream, AfterAClearNothingIsOwedAndTheOffsetsGoOn) {
  FrameStream stream(Position{10});
  append(stream, 11, "one,");
  stream.clear(Position{20});

  EXPECT_TRUE(stream.empty());
  EXPECT_EQ(stream.base(), Position{20});
  EXPECT_EQ(stream.position_at(stream.end()), Position{20});
  EXPECT_EQ(gathered(stream, stream.end()), "");

  append(stream, 21, "two,");
  EXPECT_EQ(stream.begin(), 4);
  EXPECT_EQ(gathered(stream, stream.offset_behind(Position{20})), "two,");
}

TEST(FrameStream, ABaseNeverFalls) {
  FrameStream stream(Position{10});
  stream.clear(Position{30});
  stream.clear(Position{20});
  EXPECT_EQ(stream.base(), Position{30});
}

TEST(FrameStream, AGatherWithFewPiecesGivesTheFirstBytesAndNoHole) {
  FrameStream stream(Position{0});
  const std::string large(50'000, 'x');
  for (uint64_t i = 1; i <= 8; ++i) append(stream, i, std::to_string(i) + large);

  const auto all = gathered(stream, 0);
  const auto some = gathered(stream, 3, 2);

  ASSERT_EQ(all.size(), stream.end());
  EXPECT_GE(some.size(), 65'536U);
  EXPECT_EQ(some, all.substr(3, some.size()));
}

// The same by a list of frames: what a stream of them means.
class Model {
 public:
  explicit Model(uint64_t base) : base_(base) {}

  void append(uint64_t position, std::string_view bytes) {
    all_ += bytes;
    if (!bytes.empty()) frames_.push_back({position, all_.size()});
  }
  void trim(uint64_t bytes_max) {
    while (!frames_.empty() && all_.size() - begin_ > bytes_max) {
      base_ = std::max(base_, frames_.front().position);
      begin_ = frames_.front().end;
      frames_.erase(frames_.begin());
    }
  }
  void clear(uint64_t base) {
    base_ = std::max(base_, base);
    frames_.clear();
    begin_ = all_.size();
  }
  // The last frame that ends at or before `offset`.
  uint64_t position_at(uint64_t offset) const {
    uint64_t position = base_;
    for (const Frame& frame : frames_) {
      if (frame.end <= offset) position = frame.position;
    }
    return position;
  }
  uint64_t offset_behind(uint64_t position) const {
    uint64_t offset = begin_;
    for (const Frame& frame : frames_) {
      if (frame.position <= position) offset = frame.end;
    }
    return offset;
  }
  FrameStream::Cut cut_at(uint64_t offset) const {
    uint64_t start = begin_;
    for (const Frame& frame : frames_) {
      if (start < offset && offset < frame.end)
        return {all_.substr(offset, frame.end - offset), Position{frame.position}};
      start = frame.end;
    }
    return {{}, Position{position_at(offset)}};
  }
  uint64_t begin() const { return begin_; }
  uint64_t end() const { return all_.size(); }
  uint64_t base() const { return base_; }
  std::string behind(uint64_t offset) const { return all_.substr(offset); }

 private:
  struct Frame {
    uint64_t position;
    uint64_t end;
  };
  std::vector<Frame> frames_;
  std::string all_;
  uint64_t begin_ = 0;
  uint64_t base_;
};

void compare_at(const FrameStream& stream, const Model& model, uint64_t offset) {
  RC_ASSERT(gathered(stream, offset) == model.behind(offset));
  RC_ASSERT(stream.position_at(offset).value == model.position_at(offset));
  const auto cut = stream.cut_frame_at(offset);
  const auto expected = model.cut_at(offset);
  RC_ASSERT(cut.rest == expected.rest);
  RC_ASSERT(cut.position == expected.position);
}

RC_GTEST_PROP(FrameStream, IsItsFramesOneBehindTheOtherWhateverWasTrimmed, (uint64_t seed)) {
  SeededRandom random(seed);
  FrameStream stream(Position{5});
  Model model(5);
  uint64_t position = 5;

  for (int step = 0; step < 120; ++step) {
    switch (random.below(12)) {
      case 0: {
        const uint64_t left = random.below(model.end() - model.begin() + 2);
        stream.trim_to(stream.begin_within(left));
        model.trim(left);
        break;
      }
      case 1:
        if (random.below(4) != 0) break;
        position += random.below(3);
        stream.clear(Position{position});
        model.clear(position);
        break;
      default: {
        position += random.below(3);  // two frames of one position: a heartbeat behind an event
        const size_t size = random.below(8) == 0 ? random.below(40'000) : random.below(30);
        const std::string bytes(size, static_cast<char>('a' + random.below(26)));
        append(stream, position, bytes);
        model.append(position, bytes);
      }
    }
    RC_ASSERT(stream.begin() == model.begin());
    RC_ASSERT(stream.end() == model.end());
    RC_ASSERT(stream.base().value == model.base());
    compare_at(stream, model, model.begin() + random.below(model.end() - model.begin() + 1));
    const uint64_t asked = model.base() + random.below(position + 2 - model.base());
    RC_ASSERT(stream.offset_behind(Position{asked}) == model.offset_behind(asked));
  }
  compare_at(stream, model, model.begin());
  compare_at(stream, model, model.end());
}

RC_GTEST_PROP(FrameStream, ASocketThatTakesAnyNumberOfBytesGetsEveryByteOnce, (uint64_t seed)) {
  SeededRandom random(seed);
  FrameStream stream(Position{0});
  std::string expected;
  std::string sent;
  uint64_t offset = 0;

  for (uint64_t position = 1; position <= 200; ++position) {
    const std::string bytes(1 + random.below(3'000), static_cast<char>('a' + position % 26));
    append(stream, position, bytes);
    expected += bytes;
    std::array<iovec, 3> pieces;
    size_t room = random.below(6'000);
    const size_t count = stream.gather(offset, pieces);
    for (size_t i = 0; i < count && room > 0; ++i) {
      const size_t took = std::min(room, pieces[i].iov_len);
      sent.append(static_cast<const char*>(pieces[i].iov_base), took);
      room -= took;
      offset += took;
    }
    // The rest of a cut frame ends where its frame does.
    const auto cut = stream.cut_frame_at(offset);
    RC_ASSERT(stream.offset_behind(cut.position) - cut.rest.size() == offset);
    stream.trim_to(stream.begin_within(stream.end() - offset + 3'000));
    RC_ASSERT(stream.begin() <= offset);
  }
  sent += gathered(stream, offset, 1'000);

  RC_ASSERT(sent == expected);
}

}  // namespace
}  // namespace carillon
