// The floor of a catch-up: the frames of a stream lie in a file, which is read from its start and
// sent piece by piece. Each frame is as long as the hub's are on average, so that both send the
// same bytes. One reader at a time; the file is written and synced before the first.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>

#include "bench_event.h"
#include "floor.h"
#include "sockets.h"

namespace carillon {

namespace {

constexpr size_t kPieceBytes = 256 * 1024;  // what the hub reads at once
constexpr size_t kWriteBytes = 1024UL * 1024;
constexpr size_t kChunkBytes = 10 + 2;  // `%08zx`, CRLF, and CRLF behind the frame
constexpr size_t kIdDigitsMin = 8;
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

// What stands around the id and the data of an event, which is a JSON string.
struct Form {
  std::string_view before;
  std::string_view between;
  std::string_view after;

  size_t bytes() const { return before.size() + between.size() + after.size(); }
};
constexpr Form kSse{"id: ", "\ndata: \"", "\"\n\n"};
constexpr Form kLines{"{\"cursor\":\"", "\",\"data\":\"", "\"}\n"};

// Appends chunks of exactly `frame_bytes`: the id is padded with zeros.
class FrameMaker {
 public:
  FrameMaker(const Form& form, size_t event_bytes, size_t frame_bytes)
      : form_(form), event_bytes_(event_bytes), payload_bytes_(frame_bytes - kChunkBytes) {
    const size_t least = form.bytes() + event_bytes + kIdDigitsMin;
    if (frame_bytes < kChunkBytes + least)
      give_up("--frame-bytes is at least " + std::to_string(kChunkBytes + least));
    id_digits_ = payload_bytes_ - form.bytes() - event_bytes;
  }

  void append(std::string& out, uint64_t id, const BenchEvent& event) const {
    char size[16];
    const int length = std::snprintf(size, sizeof size, "%08zx\r\n", payload_bytes_);
    const std::string digits = std::to_string(id);
    out.append(size, static_cast<size_t>(length)).append(form_.before);
    out.append(id_digits_ - std::min(id_digits_, digits.size()), '0').append(digits);
    out += form_.between;
    append_bench_event(out, event, event_bytes_);
    out.append(form_.after).append("\r\n");
  }

 private:
  const Form& form_;
  size_t event_bytes_;
  size_t payload_bytes_;
  size_t id_digits_ = 0;
};

class CatchUpFloor {
 public:
  explicit CatchUpFloor(Options& options)
      : file_name_(options.text("file")),
        events_(options.number("events")),
        topics_(options.number("topics", 1)),
        batch_(options.number("batch", 100)),
        // The data is a JSON string: its quotes count.
        maker_(options.text("form", "sse") == "lines" ? kLines : kSse,
               options.number("bytes", 300) - 2, options.number("frame-bytes")),
        piece_(kPieceBytes, '\0') {
    const auto port = static_cast<uint16_t>(options.number("port", 0));
    options.check_all_used();
    if (topics_ == 0 || batch_ == 0 || events_ % topics_ != 0)
      give_up("--events is a multiple of --topics");
    file_ = ::open(file_name_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file_ < 0) give_up("cannot make " + file_name_);
    write_frames();
    if (::fdatasync(file_) != 0) give_up("sync failed");
    listener_ = listen_on(port);
    say_listening(port_of(listener_));
  }

  [[noreturn]] void run() {
    while (true) {
      pollfd wait{.fd = listener_, .events = POLLIN, .revents = 0};
      ::poll(&wait, 1, -1);
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);  // it blocks
      if (fd < 0) continue;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      serve(fd);
      ::close(fd);
    }
  }

 private:
  // Topic by topic, `batch_` events of each, as `prepare` fills the hub.
  void write_frames() {
    const uint64_t of_topic = events_ / topics_;
    std::string out;
    uint64_t id = 0;
    for (uint64_t done = 0; done < of_topic; done += batch_) {
      const uint64_t end = std::min(of_topic, done + batch_);
      for (uint64_t topic = 0; topic < topics_; ++topic) {
        for (uint64_t number = done; number < end; ++number) {
          maker_.append(out, ++id,
                        {.lane = static_cast<uint32_t>(topic),
                         .number = number,
                         .sent_at = 0,
                         .intact = true});
        }
        if (out.size() >= kWriteBytes) write_out(out);
      }
    }
    write_out(out);
  }

  void write_out(std::string& out) const {
    std::string_view rest = out;
    while (!rest.empty()) {
      const ssize_t written = ::write(file_, rest.data(), rest.size());
      if (written <= 0) give_up("write failed");
      rest.remove_prefix(static_cast<size_t>(written));
    }
    out.clear();
  }

  void serve(int fd) {
    std::string request;
    while (parse_floor_request(request).bytes == 0) {
      const ssize_t count = ::recv(fd, piece_.data(), piece_.size(), 0);
      if (count <= 0) return;
      request.append(piece_.data(), static_cast<size_t>(count));
    }
    send_all(fd, kStreamHead);
    for (off_t at = 0;;) {
      const ssize_t count = ::pread(file_, piece_.data(), piece_.size(), at);
      if (count < 0) give_up("read failed");
      if (count == 0) break;
      send_all(fd, {piece_.data(), static_cast<size_t>(count)});
      at += count;
    }
    // An endless stream: it is the reader that goes.
    char byte = 0;
    while (::recv(fd, &byte, 1, 0) > 0) continue;
  }

  std::string file_name_;
  uint64_t events_;
  uint64_t topics_;
  uint64_t batch_;
  FrameMaker maker_;
  std::string piece_;
  int file_ = -1;
  int listener_ = -1;
};

}  // namespace

void run_catch_up_floor(Options& options) { CatchUpFloor(options).run(); }

}  // namespace carillon
