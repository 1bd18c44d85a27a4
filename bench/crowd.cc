#include "crowd.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "options.h"
#include "sockets.h"

namespace carillon {

namespace {

// More at once would overflow an accept queue, and a SYN sent again costs a second.
constexpr size_t kConnectedAtOnce = 200;
constexpr size_t kReadyMax = 4096;
constexpr size_t kScratchBytes = 256 * 1024;
constexpr int kStalledReceiveBytes = 4096;
constexpr uint64_t kConnectTimeout = 30'000'000'000;

}  // namespace

Crowd::Crowd(uint16_t port, std::string path, size_t event_bytes)
    : port_(port),
      request_("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"),
      event_bytes_(event_bytes),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      ready_(kReadyMax),
      scratch_(kScratchBytes, '\0') {}

Crowd::~Crowd() {
  for (const auto& reader : readers_) ::close(reader->fd);
  for (const int fd : stalled_) ::close(fd);
  ::close(epoll_);
}

void Crowd::connect(size_t count) {
  const uint64_t end = steady_nanoseconds() + kConnectTimeout;
  while (count > 0) {
    const size_t begin = readers_.size();
    for (size_t i = 0; i < std::min(count, kConnectedAtOnce); ++i) {
      const int fd = connect_to(port_, Blocking::no, readers_.size(), 0);
      readers_.push_back(std::make_unique<Reader>(fd, event_bytes_));
      epoll_event wanted{.events = EPOLLIN, .data = {.ptr = readers_.back().get()}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted);
      send_all(fd, request_);
    }
    count -= readers_.size() - begin;
    const auto began = [](const auto& reader) { return reader->parser.body_began(); };
    while (!std::all_of(readers_.begin() + static_cast<ptrdiff_t>(begin), readers_.end(), began)) {
      if (steady_nanoseconds() > end || tally_.faults() > 0)
        give_up("the server does not begin its streams");
      sleep_microseconds(200);
      look();
    }
  }
}

void Crowd::connect_stalled(size_t count) {
  for (size_t i = 0; i < count; ++i) {
    stalled_.push_back(connect_to(port_, Blocking::no, 0, kStalledReceiveBytes));
    send_all(stalled_.back(), request_);
    // Its stream must have begun before anything is published, or it owes nothing.
    char byte = 0;
    while (::recv(stalled_.back(), &byte, 1, MSG_PEEK) <= 0) sleep_microseconds(50);
  }
}

void Crowd::look() {
  while (true) {
    const int count = ::epoll_wait(epoll_, ready_.data(), static_cast<int>(ready_.size()), 0);
    const uint64_t now = steady_nanoseconds();
    for (int i = 0; i < count; ++i)
      drain(*static_cast<Reader*>(ready_[static_cast<size_t>(i)].data.ptr), now);
    if (count < static_cast<int>(ready_.size())) return;
  }
}

void Crowd::drain(Reader& reader, uint64_t now) {
  const ssize_t count = ::recv(reader.fd, scratch_.data(), scratch_.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    ::epoll_ctl(epoll_, EPOLL_CTL_DEL, reader.fd, nullptr);
    reader.open = false;
    ++tally_.closed;
    return;
  }
  bytes_ += static_cast<uint64_t>(count);
  reader.parser.feed({scratch_.data(), static_cast<size_t>(count)}, tally_,
                     [&](const BenchEvent& event) { note(reader, event, now); });
}

void Crowd::note(Reader& reader, const BenchEvent& event, uint64_t now) {
  const uint64_t before = reader.track.next();
  ++tally_.received;
  if (!reader.track.note(event.number, tally_)) return;
  if (lateness_ != nullptr)
    lateness_->push_back(static_cast<uint32_t>((now - event.sent_at) / 1000));
  if (before <= last_ && reader.track.next() > last_ && behind_ > 0) --behind_;
}

void Crowd::expect(uint64_t last) {
  last_ = last;
  behind_ = static_cast<size_t>(std::count_if(
      readers_.begin(), readers_.end(), [&](const auto& r) { return r->track.next() <= last; }));
}

void Crowd::count_lost() {
  for (const auto& reader : readers_) {
    if (reader->track.next() <= last_) tally_.missing += last_ + 1 - reader->track.next();
  }
}

void Crowd::set_event_bytes(size_t bytes) {
  event_bytes_ = bytes;
  for (const auto& reader : readers_) reader->parser.set_event_bytes(bytes);
}

uint64_t Crowd::stalled_bytes() const {
  uint64_t sum = 0;
  for (const int fd : stalled_) {
    int waiting = 0;
    ::ioctl(fd, FIONREAD, &waiting);
    sum += static_cast<uint64_t>(waiting);
  }
  return sum;
}

}  // namespace carillon
