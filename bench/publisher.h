// One keep-alive connection that publishes by HTTP POST and counts the answers.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "bench_event.h"

namespace carillon {

// The bytes of a POST of `body`.
void append_post(std::string& out, std::string_view path, std::string_view content_type,
                 std::string_view body);

// Answers in any pieces, each with content-length or without a body.
class AnswerParser {
 public:
  // The status of each whole answer at the front of `bytes`, in order.
  void feed(std::string_view bytes, std::vector<int>& statuses);
  bool odd() const { return odd_; }  // something that is no answer came

 private:
  bool take_head(std::vector<int>& statuses);

  std::string head_;
  uint64_t body_left_ = 0;
  int status_ = 0;
  bool odd_ = false;
};

// Owns its socket. Answers are counted by read_answers(), which never blocks.
class Publisher {
 public:
  Publisher(uint16_t port, std::string path, size_t event_bytes, uint32_t lane);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  // `count` POSTs in one write, pipelined, with the next numbers of the lane.
  void publish(size_t count);
  void read_answers(Tally& tally);
  void set_event_bytes(size_t bytes) { event_bytes_ = bytes; }
  // From now on events go to `path`.0, `path`.1, … in turn, each a lane of its own; 0 is to `path`.
  void spread_over(size_t topics) { topics_ = topics; }

  int fd() const { return fd_; }
  uint64_t published() const { return published_; }
  uint64_t answered() const { return answered_; }
  uint64_t refused() const { return refused_; }
  uint64_t bytes() const { return bytes_; }
  // Microseconds from write to answer, while set.
  void collect_latencies(std::vector<uint32_t>* into) { latencies_ = into; }

 private:
  void append_next(uint64_t now);

  std::string path_;
  size_t event_bytes_;
  uint32_t lane_;
  size_t topics_ = 0;
  int fd_;
  uint64_t published_ = 0;
  uint64_t answered_ = 0;
  uint64_t refused_ = 0;
  uint64_t bytes_ = 0;
  AnswerParser parser_;
  std::vector<int> statuses_;
  std::deque<uint64_t> sent_at_;
  std::vector<uint32_t>* latencies_ = nullptr;
  std::string out_;
  std::string body_;
};

}  // namespace carillon
