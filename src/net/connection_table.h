// The connections of one loop: who there is, what must be written at the end of this turn, and who
// ended and why.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/loop.h"

namespace carillon {

class ConnectionTable;

// One peer. Owned by its table; lives on the table's loop.
class Connection {
 public:
  Connection(Loop& loop, ConnectionTable& table, std::string peer, bool loopback);
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // About once a second: time-outs.
  virtual void sweep(MonotonicTime now) = 0;
  // At the end of a turn in which want_flush was called.
  virtual void flush() = 0;
  // Finish what was begun, then close.
  virtual void drain() = 0;
  virtual void close(std::string_view reason) = 0;
  // JSON members for /v1/connections, without braces.
  virtual std::string describe() const = 0;

  Loop& loop() { return loop_; }
  uint64_t id() const { return id_; }
  const std::string& peer() const { return peer_; }
  bool loopback() const { return loopback_; }
  MonotonicTime since() const { return since_; }

 protected:
  Loop& loop_;
  ConnectionTable& table_;

 private:
  uint64_t id_;
  std::string peer_;
  bool loopback_;
  MonotonicTime since_;
};

struct EndedConnection {
  uint64_t id = 0;
  std::string peer;
  std::string what;  // describe() at the end
  std::string reason;
  WallTime at{};
};

class ConnectionTable : public TurnEnd, public Sweep {
 public:
  explicit ConnectionTable(Loop& loop);

  void add(std::shared_ptr<Connection> connection);
  // Takes it out and remembers why it ended.
  void remove(Connection& connection, std::string_view reason);
  void want_flush(std::shared_ptr<Connection> connection) {
    dirty_.push_back(std::move(connection));
  }
  // Unique over all loops, of which there are at most 256.
  uint64_t next_id() { return ++last_id_ * 256 + loop_.index(); }

  // Room for bytes of a body that is gathered whole (kGatheredBytesMax); false when there is none.
  bool take_room(size_t bytes);
  void give_room_back(size_t bytes) { gathered_bytes_ -= bytes; }

  // Called with each that ends, on the loop's thread.
  void on_ended(std::function<void(const EndedConnection&)> hear) { hear_ended_ = std::move(hear); }

  bool on_turn_end() override;
  void on_sweep(MonotonicTime now) override;
  void drain();
  // The loop is about to end.
  void close_all();

  size_t size() const { return connections_.size(); }
  uint64_t accepted() const { return last_id_; }
  const std::unordered_map<uint64_t, std::shared_ptr<Connection>>& connections() const {
    return connections_;
  }
  const std::deque<EndedConnection>& ended() const { return ended_; }
  // How many ended for each reason, since start.
  const std::unordered_map<std::string, uint64_t>& end_reasons() const { return end_reasons_; }

 private:
  Loop& loop_;
  uint64_t last_id_ = 0;
  size_t gathered_bytes_ = 0;
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections_;
  std::vector<std::shared_ptr<Connection>> dirty_;
  std::deque<EndedConnection> ended_;
  std::function<void(const EndedConnection&)> hear_ended_;
  std::unordered_map<std::string, uint64_t> end_reasons_;
};

}  // namespace carillon
