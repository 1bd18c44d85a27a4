// A socket, the stream behind it and the loop around it, all played by a test.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <semaphore>
#include <string>
#include <string_view>
#include <vector>

#include "log/read_pool.h"
#include "net/exchange.h"

namespace carillon {

// Takes as many bytes as the test gives it room for, and remembers them all. Like a socket it says
// `blocked` when it took less than it was offered, and `closed` once the peer is gone.
class FakeTransport : public Transport {
 public:
  // Takes everything: how it begins.
  void open_up() { room_ = SIZE_MAX; }
  // Takes no more than it has.
  void block() { room_ = 0; }
  // Takes `bytes` more, then blocks.
  void give_room(size_t bytes) { room_ = bytes; }
  void close() { closed_ = true; }
  // Is a real socket of the test's from now on, to which others may write around this. Its room is
  // what comes through this alone may take.
  void go_through(int descriptor) { descriptor_ = descriptor; }

  const std::string& taken() const { return taken_; }
  size_t writes() const { return writes_; }
  bool blocked() const;

  // Transport
  WriteResult write(std::span<const iovec> run) override;
  int plain_descriptor() const override { return descriptor_; }

 private:
  size_t take(std::string_view bytes);

  size_t room_ = SIZE_MAX;
  size_t writes_ = 0;
  bool closed_ = false;
  int descriptor_ = -1;
  std::string taken_;
};

// The writing side of an endless answer without a connection. As with a connection its owner may be
// the caller of end() and cut(), and goes some time behind them.
class FakeStreamHandle : public StreamHandle {
 public:
  explicit FakeStreamHandle(Loop& loop, uint64_t id = 1) : loop_(loop), id_(id) {}

  void own(std::unique_ptr<StreamOwner> owner) { owner_ = std::move(owner); }
  StreamOwner* owner() { return owner_.get(); }

  // The socket takes `bytes` more; the owner hears of it when it waits.
  void make_writable(size_t bytes = SIZE_MAX);
  // Tells the owner, when it waits and the socket has room. True when it was told.
  bool tell_writable();
  // The peer goes away.
  void lose_peer();

  FakeTransport& socket() { return socket_; }
  // All that the peer got, with what the end sent behind it.
  std::string received() const { return socket_.taken() + last_; }
  bool waits() const { return waits_; }
  bool ended() const { return ended_; }
  bool was_cut() const { return cut_; }
  const std::string& reason() const { return reason_; }

  // StreamHandle
  Transport& transport() override { return socket_; }
  StreamFraming framing() const override { return StreamFraming::plain; }
  Loop& loop() override { return loop_; }
  bool is_clear() const override { return true; }
  void wait_writable() override { waits_ = true; }
  void end(std::string pending, std::string_view reason) override;
  void cut(std::string_view reason) override;
  uint64_t id() const override { return id_; }
  std::string peer() const override { return "127.0.0.1"; }

 private:
  Loop& loop_;
  uint64_t id_;
  FakeTransport socket_;
  std::unique_ptr<StreamOwner> owner_;
  std::unique_ptr<StreamOwner> ended_owner_;
  std::string last_;
  std::string reason_;
  bool waits_ = false;
  bool ended_ = false;
  bool cut_ = false;
};

// What waits for a loop that the test plays: tasks from any thread, run when the test says.
class PlayedMail {
 public:
  std::function<void(std::move_only_function<void()>)> post();
  // The oldest task; false when there is none.
  bool run_one();
  void run_all();
  size_t waiting() const;

 private:
  mutable std::mutex mutex_;  // guards tasks_
  std::deque<std::move_only_function<void()>> tasks_;
};

// The read pool with its one thread held: what it is asked for waits until run_all(), and is done
// when that returns. So no read runs beside the test, and each happens at a step that the test
// chose.
class HeldPool {
 public:
  HeldPool();
  // What still waits is dropped or done, whichever comes first: run_all() before what it touches
  // goes.
  ~HeldPool();
  HeldPool(const HeldPool&) = delete;
  HeldPool& operator=(const HeldPool&) = delete;

  ReadPool& pool() { return pool_; }
  void run_all();

 private:
  std::counting_semaphore<> released_{0};
  std::counting_semaphore<> reached_{0};
  ReadPool pool_{1};
};

}  // namespace carillon
