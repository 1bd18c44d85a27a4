#include "crowd.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sockets.h"
#include "web_socket.h"

namespace carillon {

namespace {

// More at once would overflow an accept queue, and a SYN sent again costs a second.
constexpr size_t kConnectedAtOnce = 200;
constexpr size_t kReadyMax = 4096;
constexpr size_t kScratchBytes = 256 * 1024;
constexpr int kStalledReceiveBytes = 4096;
constexpr uint64_t kConnectTimeout = 30'000'000'000;

}  // namespace

Reading reading_of(Options& options) {
  Reading reading{.form = stream_form(options.text("form", "sse")),
                  .path = options.text("get"),
                  .topic = {},
                  .subscriptions = 0};
  if (reading.form != StreamForm::session) return reading;
  reading.topic = options.text("topic");
  reading.subscriptions = options.number("subscriptions");
  return reading;
}

Crowd::Crowd(uint16_t port, Reading reading, size_t event_bytes)
    : port_(port),
      reading_(std::move(reading)),
      request_(stream_request(reading_.form, reading_.path)),
      event_bytes_(event_bytes),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      ready_(kReadyMax),
      scratch_(kScratchBytes, '\0') {
  for (size_t i = 0; i < reading_.subscriptions; ++i)
    append_subscribe_op(ops_, reading_.topic + '.' + std::to_string(i));
  append_client_frame(pong_, FrameKind::pong, {});
}

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
      StreamParser parser(reading_.form, event_bytes_, &inflater_);
      readers_.push_back(std::make_unique<Reader>(fd, std::move(parser), reading_.lanes()));
      epoll_event wanted{.events = EPOLLIN, .data = {.ptr = readers_.back().get()}};
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted);
      send_all(fd, request_);
    }
    count -= readers_.size() - begin;
    const auto subscribed = [&](const auto& reader) { return is_subscribed(*reader); };
    const auto first = readers_.begin() + static_cast<ptrdiff_t>(begin);
    while (!std::all_of(first, readers_.end(), subscribed)) {
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
  if (is_websocket(reading_.form)) speak(reader);
}

bool Crowd::is_subscribed(const Reader& reader) const {
  return reader.parser.body_began() && reader.parser.answers() >= reading_.subscriptions;
}

// What a WebSocket owes its server.
void Crowd::speak(Reader& reader) {
  if (!reader.asked && reader.parser.body_began()) {
    reader.asked = true;
    send_all(reader.fd, ops_);
  }
  for (uint64_t i = reader.parser.take_pings(); i > 0; --i) send_all(reader.fd, pong_);
}

void Crowd::note(Reader& reader, const BenchEvent& event, uint64_t now) {
  ++tally_.received;
  if (event.lane >= reader.tracks.size()) return void(++tally_.damaged);
  Track& track = reader.tracks[event.lane];
  const uint64_t before = track.next();
  if (!track.note(event.number, tally_)) return;
  if (lateness_ != nullptr)
    lateness_->push_back(static_cast<uint32_t>((now - event.sent_at) / 1000));
  const bool was_behind = reader.heard < expected_;
  reader.heard += track.next() - before;
  if (was_behind && reader.heard >= expected_ && behind_ > 0) --behind_;
}

void Crowd::expect(uint64_t published) {
  expected_ = published;
  behind_ = static_cast<size_t>(std::count_if(readers_.begin(), readers_.end(),
                                              [&](const auto& r) { return r->heard < published; }));
}

void Crowd::count_lost() {
  for (const auto& reader : readers_) {
    if (reader->heard < expected_) tally_.missing += expected_ - reader->heard;
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
