// The floor of a synced publish: read what all connections sent, write it once into a zero-filled,
// recycled file, sync once, answer. One thread: while it syncs, the next group gathers in the
// sockets.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>
#include <vector>

#include "floor.h"
#include "sockets.h"

namespace carillon {

namespace {

constexpr size_t kReadyMax = 512;
constexpr size_t kScratchBytes = 256 * 1024;
constexpr size_t kPage = 4096;  // groups begin on a page, as the hub's frames do
constexpr uint64_t kFileBytes = 64UL * 1024 * 1024;

struct Connection {
  int fd;
  size_t owed = 0;  // answers, after the sync
  std::string in;
};

class PublishFloor {
 public:
  explicit PublishFloor(Options& options) : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    open_file(options.text("file"));
    listener_ = listen_on(static_cast<uint16_t>(options.number("port", 0)));
    options.check_all_used();
    watch(listener_, nullptr);
    scratch_.resize(kScratchBytes);
    say_listening(port_of(listener_));
  }

  [[noreturn]] void run() {
    epoll_event ready[kReadyMax];
    while (true) {
      const int count = ::epoll_wait(epoll_, ready, kReadyMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(ready[i].data.ptr);
        connection == nullptr ? accept_all() : read(*connection);
      }
      if (!group_.empty()) commit();
    }
  }

 private:
  void open_file(const std::string& name) {
    file_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file_ < 0) give_up("cannot make " + name);
    const std::string zeros(1UL << 20, '\0');
    for (uint64_t at = 0; at < kFileBytes; at += zeros.size()) write_group(zeros, at);
    if (::fdatasync(file_) != 0) give_up("sync failed");
  }

  void write_group(std::string_view bytes, uint64_t at) const {
    if (::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(bytes.size())) {
      give_up("write failed");
    }
  }

  void watch(int fd, Connection* connection) const {
    epoll_event wanted{.events = EPOLLIN, .data = {.ptr = connection}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted);
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd, new Connection{fd, 0, {}});
    }
  }

  void read(Connection& connection) {
    const ssize_t count = ::recv(connection.fd, scratch_.data(), scratch_.size(), 0);
    if (count <= 0) {
      ::close(connection.fd);
      delete &connection;  // allowed: new-delete: a floor owns nothing but what epoll points to
      return;
    }
    std::string_view bytes(scratch_.data(), static_cast<size_t>(count));
    if (!connection.in.empty()) {
      connection.in.append(bytes);
      bytes = connection.in;
    }
    if (connection.owed == 0) waiting_.push_back(&connection);
    while (true) {
      const FloorRequest request = parse_floor_request(bytes);
      if (request.bytes == 0) break;
      const auto length = static_cast<uint32_t>(request.body.size());
      group_.append(reinterpret_cast<const char*>(&length), sizeof length).append(request.body);
      ++connection.owed;
      bytes.remove_prefix(request.bytes);
    }
    connection.in = std::string(bytes);
  }

  void commit() {
    group_.resize((group_.size() + kPage - 1) / kPage * kPage);
    if (at_ + group_.size() > kFileBytes) at_ = 0;
    write_group(group_, at_);
    if (::fdatasync(file_) != 0) give_up("sync failed");
    at_ += group_.size();
    group_.clear();
    for (Connection* connection : waiting_) {
      answers_.clear();
      for (; connection->owed > 0; --connection->owed) answers_ += kFloorAnswer;
      if (!answers_.empty()) send_all(connection->fd, answers_);
    }
    waiting_.clear();
  }

  int epoll_;
  int listener_ = -1;
  int file_ = -1;
  uint64_t at_ = 0;
  std::string scratch_;
  std::string group_;
  std::string answers_;
  std::vector<Connection*> waiting_;
};

}  // namespace

void run_publish_floor(Options& options) { PublishFloor(options).run(); }

}  // namespace carillon
