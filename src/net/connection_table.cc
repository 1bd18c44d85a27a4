#include "net/connection_table.h"

#include "base/limits.h"

namespace carillon {

namespace {

// What /v1/connections shows of the past; older endings are in the logger.
constexpr size_t kEndedKept = 100;

}  // namespace

Connection::Connection(Loop& loop, ConnectionTable& table, std::string peer, bool loopback)
    : loop_(loop),
      table_(table),
      id_(table.next_id()),
      peer_(std::move(peer)),
      loopback_(loopback),
      since_(loop.now()) {}

ConnectionTable::ConnectionTable(Loop& loop) : loop_(loop) {
  loop.add_turn_end(*this);
  loop.add_sweep(*this);
}

void ConnectionTable::add(std::shared_ptr<Connection> connection) {
  const uint64_t id = connection->id();
  connections_.emplace(id, std::move(connection));
}

void ConnectionTable::remove(Connection& connection, std::string_view reason) {
  ++end_reasons_[std::string(reason)];
  ended_.push_back(
      {connection.id(), connection.peer(), connection.describe(), std::string(reason),
       std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now())});
  if (hear_ended_) hear_ended_(ended_.back());
  if (ended_.size() > kEndedKept) ended_.pop_front();
  connections_.erase(connection.id());
}

bool ConnectionTable::take_room(size_t bytes) {
  if (gathered_bytes_ + bytes > kGatheredBytesMax) return false;
  gathered_bytes_ += bytes;
  return true;
}

bool ConnectionTable::on_turn_end() {
  if (dirty_.empty()) return false;
  // A flush may start a stream, which makes others dirty: those wait for the next turn.
  std::vector<std::shared_ptr<Connection>> dirty;
  dirty.swap(dirty_);
  for (const auto& connection : dirty) connection->flush();
  return !dirty_.empty();
}

void ConnectionTable::on_sweep(MonotonicTime now) {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->sweep(now);
}

void ConnectionTable::close_all() {
  while (!connections_.empty()) {
    const auto connection = connections_.begin()->second;
    connection->close("shut down");
  }
  dirty_.clear();
}

void ConnectionTable::drain() {
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(connections_.size());
  for (const auto& [id, connection] : connections_) all.push_back(connection);
  for (const auto& connection : all) connection->drain();
}

}  // namespace carillon
