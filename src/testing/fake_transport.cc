#include "testing/fake_transport.h"

#include <algorithm>

namespace carillon {

WriteResult FakeTransport::write(std::span<const iovec> run) {
  ++writes_;
  if (closed_) return {0, WriteState::closed};
  size_t offered = 0;
  size_t took = 0;
  for (const iovec& piece : run) {
    offered += piece.iov_len;
    const size_t bytes = std::min(room_, piece.iov_len);
    taken_.append(static_cast<const char*>(piece.iov_base), bytes);
    if (room_ != SIZE_MAX) room_ -= bytes;
    took += bytes;
  }
  return {took, took == offered ? WriteState::open : WriteState::blocked};
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
