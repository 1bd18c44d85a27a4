// Thousands of readers in one thread, with as little work as checking allows.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench_event.h"
#include "deflating.h"
#include "options.h"
#include "stream_form.h"
#include "stream_parser.h"

namespace carillon {

// What each reader of a crowd asks for.
struct Reading {
  StreamForm form = StreamForm::sse;
  std::string path;
  // Of a session: so many subscriptions, to `topic`.0, `topic`.1, … Each topic is a lane.
  std::string topic;
  size_t subscriptions = 0;

  size_t lanes() const { return std::max<size_t>(subscriptions, 1); }
};
// By --get, --form, and of sessions --topic and --subscriptions.
Reading reading_of(Options& options);

// Owns its sockets. All readers read the same, from one publisher. They never write but to begin
// and to answer pings, and the caller sleeps between calls of look(), so that no server pays for
// waking the tool.
class Crowd {
 public:
  Crowd(uint16_t port, Reading reading, size_t event_bytes);
  ~Crowd();
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  // Connects `count` readers, some at a time, and waits until each is subscribed.
  void connect(size_t count);
  // Connects `count` readers with small buffers that never read.
  void connect_stalled(size_t count);
  // Drains whoever has something.
  void look();
  // From now on behind() counts readers that have not got all of the first `published` events.
  void expect(uint64_t published);
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
    Reader(int socket, StreamParser empty, size_t lanes)
        : fd(socket), parser(std::move(empty)), tracks(lanes) {}
    int fd;
    bool open = true;
    bool asked = false;  // for its subscriptions
    StreamParser parser;
    std::vector<Track> tracks;  // by lane
    uint64_t heard = 0;         // how far it is in all lanes together
  };

  bool is_subscribed(const Reader& reader) const;
  void drain(Reader& reader, uint64_t now);
  void speak(Reader& reader);
  void note(Reader& reader, const BenchEvent& event, uint64_t now);

  uint16_t port_;
  Reading reading_;
  std::string request_;
  std::string ops_;   // what a session asks for when it is open
  std::string pong_;  // a frame
  FrameInflater inflater_;
  size_t event_bytes_;
  int epoll_;
  std::vector<std::unique_ptr<Reader>> readers_;
  std::vector<int> stalled_;
  std::vector<epoll_event> ready_;
  std::string scratch_;
  uint64_t expected_ = 0;
  size_t behind_ = 0;
  uint64_t bytes_ = 0;
  Tally tally_;
  std::vector<uint32_t>* lateness_ = nullptr;
};

}  // namespace carillon
