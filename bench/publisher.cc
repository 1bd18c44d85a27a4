#include "publisher.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "sockets.h"

namespace carillon {

void append_post(std::string& out, std::string_view path, std::string_view content_type,
                 std::string_view body) {
  out += "POST ";
  out += path;
  out += " HTTP/1.1\r\nHost: localhost\r\nContent-Type: ";
  out += content_type;
  out += "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  out += body;
}

void AnswerParser::feed(std::string_view bytes, std::vector<int>& statuses) {
  while (!bytes.empty()) {
    if (body_left_ > 0) {
      const size_t count = std::min<uint64_t>(body_left_, bytes.size());
      bytes.remove_prefix(count);
      body_left_ -= count;
      if (body_left_ == 0) statuses.push_back(status_);
      continue;
    }
    const size_t before = head_.size();
    head_.append(bytes);
    const size_t end = head_.find("\r\n\r\n", before < 3 ? 0 : before - 3);
    if (end == std::string::npos) return;
    bytes.remove_prefix(end + 4 - before);
    head_.resize(end + 2);
    odd_ = odd_ || !take_head(statuses);
    head_.clear();
  }
}

bool AnswerParser::take_head(std::vector<int>& statuses) {
  if (!head_.starts_with("HTTP/1.1 ")) return false;
  status_ = std::atoi(head_.c_str() + 9);
  const char* length = ::strcasestr(head_.c_str(), "\r\ncontent-length:");
  body_left_ = length == nullptr ? 0 : std::strtoull(length + 17, nullptr, 10);
  if (::strcasestr(head_.c_str(), "\r\ntransfer-encoding:") != nullptr) return false;
  if (body_left_ == 0) statuses.push_back(status_);
  return true;
}

Publisher::Publisher(uint16_t port, std::string path, size_t event_bytes, uint32_t lane)
    : path_(std::move(path)),
      event_bytes_(event_bytes),
      lane_(lane),
      fd_(connect_to(port, Blocking::no, 0, 0)) {}

Publisher::~Publisher() { ::close(fd_); }

void Publisher::publish(size_t count) {
  out_.clear();
  const uint64_t now = steady_nanoseconds();
  for (size_t i = 0; i < count; ++i) {
    append_next(now);
    sent_at_.push_back(now);
  }
  bytes_ += out_.size();
  send_all(fd_, out_);
}

void Publisher::append_next(uint64_t now) {
  BenchEvent event{.lane = lane_, .number = published_++, .sent_at = now, .intact = true};
  std::string path = path_;
  if (topics_ > 0) {
    event.lane = static_cast<uint32_t>(event.number % topics_);
    event.number /= topics_;
    path += '.' + std::to_string(event.lane);
  }
  body_.clear();
  append_bench_event(body_, event, event_bytes_);
  append_post(out_, path, "text/plain", body_);
}

void Publisher::read_answers(Tally& tally) {
  char buffer[16 * 1024];
  while (true) {
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) break;
    if (count <= 0) {
      ++tally.closed;
      break;
    }
    bytes_ += static_cast<uint64_t>(count);
    parser_.feed({buffer, static_cast<size_t>(count)}, statuses_);
    if (static_cast<size_t>(count) < sizeof buffer) break;
  }
  const uint64_t now = statuses_.empty() ? 0 : steady_nanoseconds();
  for (const int status : statuses_) {
    ++answered_;
    if (status / 100 != 2) ++refused_;
    if (latencies_ != nullptr && !sent_at_.empty())
      latencies_->push_back(static_cast<uint32_t>((now - sent_at_.front()) / 1000));
    if (!sent_at_.empty()) sent_at_.pop_front();
  }
  statuses_.clear();
  if (parser_.odd()) ++tally.damaged;
}

}  // namespace carillon
