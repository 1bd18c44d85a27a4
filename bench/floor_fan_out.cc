// The floor of a fan-out: encode once, then one send() per delivery (`--mode send`) or one for all
// that a reader is owed at the end of a turn (`--mode coalesce`). `--form` says what is encoded: as
// many bytes as the hub sends. `--fault` makes it a wrong server, which the load tool must find.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "deflating.h"
#include "floor.h"
#include "sockets.h"
#include "stream_form.h"
#include "web_socket.h"

namespace carillon {

namespace {

constexpr size_t kReadyMax = 512;
constexpr size_t kScratchBytes = 256 * 1024;
constexpr size_t kTailBytes = 16UL * 1024 * 1024;
constexpr std::string_view kStreamHead =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    "0000000d\r\nretry: 2000\n\n\r\n";
// A fault happens to this reader's delivery of this event, once.
constexpr size_t kFaultyReader = 3;
constexpr uint64_t kFaultyEvent = 20;

// An event in a session, as long as the hub's.
constexpr std::string_view kOpBegin =
    R"({"op":"event","sub":1,"event":{"specversion":"1.0",)"
    R"("id":"01935e2a-7c7b-7c3e-9d4f-2b1a6f0c8e57","source":"/t/mem.bench.0",)"
    R"("type":"carillon.event","time":"2026-01-01T00:00:00.000001Z",)"
    R"("datacontenttype":"text/plain","topic":"mem.bench.0","cursor":"b4q2o1-)";
constexpr std::string_view kOpData = R"(","data":")";
constexpr std::string_view kOpEnd = R"("}})";

// What a stream begins with. A floor does not listen to its readers: a session's subscriptions are
// answered before it asks for them.
std::string stream_head(StreamForm form, size_t subscriptions) {
  if (!is_websocket(form)) return std::string(kStreamHead);
  std::string head =
      "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n";
  head.append("sec-websocket-accept: ").append(kSocketAccept).append("\r\n");
  if (form == StreamForm::deflate)
    head.append("sec-websocket-extensions: ").append(kDeflateExtension).append("\r\n");
  if (form == StreamForm::session)
    head.append("sec-websocket-protocol: ").append(kSessionSubprotocol).append("\r\n");
  head += "\r\n";
  for (size_t i = 0; i < subscriptions; ++i)
    append_server_frame(head, FrameKind::text, R"({"op":"ok","id":"s"})");
  return head;
}

enum class Fault { none, drop, doubled, swap, damage, close, split };

struct Connection {
  explicit Connection(int socket) : fd(socket) {}
  int fd;
  bool reads = false;    // a stream
  bool blocked = false;  // waits for writability
  size_t row = 0;
  std::string in;  // an unfinished request
};

// A reader in the dense table that a fan-out walks.
struct Row {
  int fd;
  bool blocked;
  uint64_t offset;  // of the next byte it is owed, counted from the first ever
  Connection* connection;
};

class FanOutFloor {
 public:
  explicit FanOutFloor(Options& options)
      : coalesce_(options.text("mode") == "coalesce"),
        form_(stream_form(options.text("form", "sse"))),
        head_(stream_head(form_, options.number("subscriptions", 0))),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    const std::string fault = options.text("fault", "none");
    constexpr std::string_view kNames[] = {"none",   "drop",  "double", "swap",
                                           "damage", "close", "split"};
    const auto* found = std::find(std::begin(kNames), std::end(kNames), fault);
    if (found == std::end(kNames)) give_up("unknown fault " + fault);
    fault_ = static_cast<Fault>(found - std::begin(kNames));
    listener_ = listen_on(static_cast<uint16_t>(options.number("port", 0)));
    options.check_all_used();
    raise_open_files(1024);
    watch(listener_, nullptr, EPOLLIN, EPOLL_CTL_ADD);
    scratch_.resize(kScratchBytes);
    say_listening(port_of(listener_));
  }

  [[noreturn]] void run() {
    epoll_event ready[kReadyMax];
    while (true) {
      const int count = ::epoll_wait(epoll_, ready, kReadyMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(ready[i].data.ptr);
        if (connection == nullptr) {
          accept_all();
        } else if ((ready[i].events & EPOLLOUT) != 0 && connection->blocked) {
          unblock(*connection);
        } else {
          read(*connection);
        }
      }
      if (coalesce_) sweep();
    }
  }

 private:
  void watch(int fd, Connection* connection, uint32_t events, int operation) const {
    epoll_event wanted{.events = events, .data = {.ptr = connection}};
    ::epoll_ctl(epoll_, operation, fd, &wanted);
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd, new Connection(fd), EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void end(Connection& connection) {
    if (connection.reads) {
      rows_[connection.row] = rows_.back();
      rows_[connection.row].connection->row = connection.row;
      rows_.pop_back();
    }
    ::close(connection.fd);
    delete &connection;  // allowed: new-delete: a floor owns nothing but what epoll points to
  }

  void read(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, scratch_.data(), scratch_.size(), 0);
    if (count <= 0) return end(connection);
    if (connection.reads) return;  // a WebSocket says something: it is not listened to
    std::string_view bytes(scratch_.data(), static_cast<size_t>(count));
    if (!connection.in.empty()) {
      connection.in.append(bytes);
      bytes = connection.in;
    }
    answers_.clear();
    while (true) {
      const FloorRequest request = parse_floor_request(bytes);
      if (request.bytes == 0) break;
      request.post ? publish(request.body) : begin_stream(connection);
      bytes.remove_prefix(request.bytes);
    }
    connection.in = std::string(bytes);
    if (!answers_.empty()) send_all(connection.fd, answers_);
  }

  void begin_stream(Connection& connection) {
    connection.reads = true;
    connection.row = rows_.size();
    rows_.push_back({connection.fd, false, tail_begin_ + tail_.size(), &connection});
    send_all(connection.fd, head_);
  }

  void publish(std::string_view body) {
    if (tail_.size() > kTailBytes && !any_behind()) {
      tail_begin_ += tail_.size();
      tail_.clear();
    }
    const size_t begin = tail_.size();
    append_frame(body, std::to_string(++events_));
    answers_ += kFloorAnswer;
    if (coalesce_) return;
    if (fault_ != Fault::none) inject(tail_.substr(begin));
    sweep();
  }

  void append_frame(std::string_view body, const std::string& id) {
    switch (form_) {
      case StreamForm::sse:
      case StreamForm::json_lines: append_chunk(body, id); break;
      case StreamForm::websocket: append_server_frame(tail_, FrameKind::text, body); break;
      case StreamForm::deflate:
        made_.clear();
        deflater_.append(made_, body);
        append_server_frame(tail_, FrameKind::text, made_, Compressed::yes);
        break;
      case StreamForm::session:
        made_.assign(kOpBegin).append(id).append(kOpData).append(body).append(kOpEnd);
        append_server_frame(tail_, FrameKind::text, made_);
        break;
    }
  }

  void append_chunk(std::string_view body, const std::string& id) {
    char head[64];
    const size_t event_bytes = 4 + 7 + id.size() + 1 + 6 + body.size() + 2;
    const int length =
        std::snprintf(head, sizeof head, "%08zx\r\nid: b4q2o1-%s\ndata: ", event_bytes, id.c_str());
    tail_.append(head, static_cast<size_t>(length)).append(body).append("\n\n\r\n");
  }

  bool any_behind() const {
    const uint64_t head = tail_begin_ + tail_.size();
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const Row& row) { return row.offset < head; });
  }

  void sweep() {
    const uint64_t head = tail_begin_ + tail_.size();
    for (Row& row : rows_) {
      if (!row.blocked && row.offset < head) send_owed(row);
    }
  }

  void send_owed(Row& row) {
    const char* from = tail_.data() + (row.offset - tail_begin_);
    const size_t owed = tail_begin_ + tail_.size() - row.offset;
    const ssize_t sent = ::send(row.fd, from, owed, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) row.offset += static_cast<uint64_t>(sent);
    if (sent == static_cast<ssize_t>(owed)) return;
    row.blocked = true;
    row.connection->blocked = true;
    watch(row.fd, row.connection, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
  }

  void unblock(Connection& connection) {
    connection.blocked = false;
    watch(connection.fd, &connection, EPOLLIN, EPOLL_CTL_MOD);
    Row& row = rows_[connection.row];
    row.blocked = false;
    if (row.offset < tail_begin_ + tail_.size()) send_owed(row);
  }

  // Does the wrong thing to one reader and takes this event off what it is owed.
  void inject(const std::string& frame) {
    if (rows_.size() <= kFaultyReader) return;
    Row& row = rows_[kFaultyReader];
    const uint64_t head = tail_begin_ + tail_.size();
    const bool now = events_ == kFaultyEvent;
    if (fault_ == Fault::split) return send_split(row, frame, head);
    if (fault_ == Fault::swap && events_ == kFaultyEvent + 1) {
      send_all(row.fd, frame + held_);
      row.offset = head;
    }
    if (!now) return;
    if (fault_ == Fault::doubled) return send_all(row.fd, frame);
    if (fault_ == Fault::close) return void(::shutdown(row.fd, SHUT_RDWR));
    if (fault_ == Fault::damage) {
      std::string bad = frame;
      // In what fills the event; compressed, that is its last few bytes.
      bad[bad.size() - (form_ == StreamForm::deflate ? 3 : 8)] ^= 1;
      send_all(row.fd, bad);
    }
    held_ = frame;
    row.offset = head;  // drop, swap, damage: the true frame does not go out now
  }

  // Right, but in other chunks and pieces than any server would choose.
  void send_split(Row& row, const std::string& frame, uint64_t head) const {
    row.offset = head;
    if (is_websocket(form_)) return send_bytewise(row, frame);
    const std::string_view event = std::string_view(frame).substr(10, frame.size() - 12);
    for (size_t at = 0, step = 1; at < event.size(); at += step, step = step * 5 % 23 + 1) {
      const std::string_view piece = event.substr(at, step);
      char size[16];
      std::snprintf(size, sizeof size, "%zX;x=y\r\n", piece.size());
      send_bytewise(row, size + std::string(piece) + "\r\n");
    }
  }

  static void send_bytewise(const Row& row, std::string_view bytes) {
    for (const char& byte : bytes) send_all(row.fd, {&byte, 1});
  }

  bool coalesce_;
  StreamForm form_;
  std::string head_;
  FrameDeflater deflater_;
  std::string made_;  // a payload
  Fault fault_ = Fault::none;
  int epoll_;
  int listener_ = -1;
  std::string scratch_;
  std::string answers_;
  std::string tail_;  // frames, one after the other
  uint64_t tail_begin_ = 0;
  uint64_t events_ = 0;
  std::vector<Row> rows_;
  std::string held_;
};

}  // namespace

void run_fan_out_floor(Options& options) { FanOutFloor(options).run(); }

}  // namespace carillon
