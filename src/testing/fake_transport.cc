#include "testing/fake_transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>

namespace carillon {

WriteResult FakeTransport::write(std::span<const iovec> run) {
  ++writes_;
  if (closed_) return {0, WriteState::closed};
  if (descriptor_ >= 0 && room_ == SIZE_MAX) return send_run(descriptor_, run);
  size_t offered = 0;
  for (const iovec& piece : run) offered += piece.iov_len;
  size_t took = 0;
  for (const iovec& piece : run) {
    const size_t bytes = take({static_cast<const char*>(piece.iov_base), piece.iov_len});
    took += bytes;
    if (bytes < piece.iov_len) break;
  }
  return {took, took == offered ? WriteState::open : WriteState::blocked};
}

size_t FakeTransport::take(std::string_view bytes) {
  bytes = bytes.substr(0, room_);
  if (descriptor_ < 0) {
    taken_ += bytes;
  } else {
    const ssize_t sent = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    bytes = bytes.substr(0, sent < 0 ? 0 : static_cast<size_t>(sent));
  }
  if (room_ != SIZE_MAX) room_ -= bytes.size();
  return bytes.size();
}

bool FakeTransport::blocked() const {
  if (descriptor_ < 0 || room_ == 0) return room_ == 0;
  pollfd asked{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  return ::poll(&asked, 1, 0) != 1;
}

void FakeStreamHandle::make_writable(size_t bytes) {
  bytes == SIZE_MAX ? socket_.open_up() : socket_.give_room(bytes);
  tell_writable();
}

bool FakeStreamHandle::tell_writable() {
  if (!waits_ || owner_ == nullptr || socket_.blocked()) return false;
  waits_ = false;
  owner_->on_writable();
  return true;
}

void FakeStreamHandle::lose_peer() {
  socket_.close();
  const auto owner = std::move(owner_);
  if (owner != nullptr) owner->on_gone();
}

void FakeStreamHandle::end(std::string pending, std::string_view reason) {
  ended_owner_ = std::move(owner_);
  last_ = std::move(pending);
  reason_ = reason;
  ended_ = true;
}

void FakeStreamHandle::cut(std::string_view reason) {
  ended_owner_ = std::move(owner_);
  reason_ = reason;
  cut_ = true;
}

std::function<void(std::move_only_function<void()>)> PlayedMail::post() {
  return [this](std::move_only_function<void()> task) {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  };
}

bool PlayedMail::run_one() {
  std::move_only_function<void()> task;
  {
    const std::scoped_lock lock(mutex_);
    if (tasks_.empty()) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task();
  return true;
}

void PlayedMail::run_all() {
  while (run_one()) {
  }
}

size_t PlayedMail::waiting() const {
  const std::scoped_lock lock(mutex_);
  return tasks_.size();
}

HeldPool::HeldPool() {
  pool_.run([this] { released_.acquire(); });
}

HeldPool::~HeldPool() { released_.release(); }

void HeldPool::run_all() {
  // The next hold stands behind everything that was asked for.
  pool_.run([this] {
    reached_.release();
    released_.acquire();
  });
  released_.release();
  reached_.acquire();
}

}  // namespace carillon
