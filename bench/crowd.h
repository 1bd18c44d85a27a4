// Thousands of SSE readers in one thread, with as little work as checking allows.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bench_event.h"
#include "stream_parser.h"

namespace carillon {

// Owns its sockets. All readers read one topic with one publisher (lane 0). They never write, and
// the caller sleeps between calls of look(), so that no server pays for waking the tool.
class Crowd {
 public:
  Crowd(uint16_t port, std::string path, size_t event_bytes);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Connects `count` readers, some at a time, and waits until each has the first bytes of its
  // stream.
  void connect(size_t count);
  // Connects `count` readers with small buffers that never read.
  void connect_stalled(size_t count);
  // Drains whoever has something.
  void look();
  // From now on behind() counts readers that have not got number `last`.
  void expect(uint64_t last);
  size_t behind() const { return behind_; }
  // Readers that got less than they were to: what is lost at the end.
  void count_lost();

  size_t size() const { return readers_.size(); }
  uint64_t bytes() const { return bytes_; }
  Tally& tally() { return tally_; }
  void set_event_bytes(size_t bytes);
  // Microseconds from publishing to look(), while set.
  void collect_lateness(std::vector<uint32_t>* into) { lateness_ = into; }
  // Bytes waiting in the stalled readers' own sockets.
  uint64_t stalled_bytes() const;

 private:
  struct Reader {
    Reader(int socket, size_t event_bytes) : fd(socket), parser(StreamForm::sse, event_bytes) {}
    int fd;
    bool open = true;
    StreamParser parser;
    Track track;
  };

  void drain(Reader& reader, uint64_t now);
  void note(Reader& reader, const BenchEvent& event, uint64_t now);

  uint16_t port_;
  std::string request_;
  size_t event_bytes_;
  int epoll_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<int> stalled_;
  std::vector<epoll_event> ready_;
  std::string scratch_;
  uint64_t last_ = 0;
  size_t behind_ = 0;
  uint64_t bytes_ = 0;
  Tally tally_;
  std::vector<uint32_t>* lateness_ = nullptr;
};

}  // namespace carillon
