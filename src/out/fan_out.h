// One loop's readers: encodes each event once a class, and sends to each what it owes.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "base/limits.h"
#include "hub/local_hub.h"
#include "net/loop.h"
#include "out/subscription_class.h"

namespace carillon {

// Why a stream ended whose socket broke.
inline constexpr std::string_view kClientReset = "client reset";

// Hears that an event it may want became visible: a long-poll that waits.
class EventWaiter {
 public:
  virtual ~EventWaiter() = default;
  virtual bool wants(const EventView& event) const = 0;
  // Called once; the waiter was taken out before.
  virtual void on_event() = 0;
  virtual MonotonicTime deadline() const = 0;
  virtual void on_deadline() = 0;
};

// Owned by carillon.cc, one a loop, used on its thread alone. One walk at the end of a turn sends
// everything from each reader's offset to the head: coalescing sets in when the load needs it, and
// at low load nothing waits. Walks are sliced, so that ten thousand readers never keep the sockets
// from being read.
//
// (Not a writer coroutine or a queue a connection: 15 to 40 % more CPU a delivery, and neither
// coalesces.)
class FanOut : public CommitListener, public TurnEnd, public Sweep {
 public:
  struct Options {
    std::chrono::milliseconds heartbeat{15'000};
    std::chrono::seconds stall{30};
    size_t pinned_bytes_max = kPinnedBytesMax;
  };

  FanOut(Loop& loop, LocalHub& hub, Options options);
  ~FanOut() override;

  Loop& loop() { return loop_; }
  LocalHub& hub() { return hub_; }

  // The class of these readers, made by the first.
  SubscriptionClass& class_for(const ClassKey& key);
  void release(SubscriptionClass& subscription_class);

  // A reader with everything up to `position` becomes a row, when the class's stream still has what
  // follows.
  bool join(SubscriptionClass& subscription_class, StreamReader& reader, Position position);
  // Takes a row out; what the reader owes stays the reader's.
  void leave(SubscriptionClass& subscription_class, size_t row);
  // The row's socket takes bytes again.
  void unblock(SubscriptionClass& subscription_class, size_t row);

  // Readers that are blocked or catching up: looked at once a second.
  void watch(StreamReader& reader) { watched_.insert(&reader); }
  void unwatch(StreamReader& reader) { watched_.erase(&reader); }
  // Goes on at the next turn, after others had theirs.
  void pump_later(StreamReader& reader) { pumping_.push_back(&reader); }
  void forget(StreamReader& reader);

  // While the hub drains its time is up at once.
  void add_waiter(EventWaiter& waiter);
  void remove_waiter(EventWaiter& waiter) { waiters_.erase(&waiter); }

  // Every stream gets a bye and ends, those that begin from now on too.
  void drain();
  bool draining() const { return draining_; }

  uint64_t deliveries() const { return deliveries_; }
  size_t readers() const { return readers_.size(); }

  void on_commit(const Commit& commit) override;
  bool on_turn_end() override;
  void on_sweep(MonotonicTime now) override;

 private:
  friend class StreamReader;
  struct Budget;

  const std::vector<SubscriptionClass*>& classes_of(std::string_view topic);
  void index(SubscriptionClass& subscription_class);
  void unindex(SubscriptionClass& subscription_class);
  void encode(SubscriptionClass& subscription_class, const EventView& event);
  void mark_dirty(SubscriptionClass& subscription_class);
  bool walk(SubscriptionClass& subscription_class, Budget& budget);
  void send_row(SubscriptionClass& subscription_class, Budget& budget);
  void let_go(SubscriptionClass& subscription_class);
  void cut_to(SubscriptionClass& subscription_class, uint64_t bytes_max);
  void demote_behind(SubscriptionClass& subscription_class, uint64_t offset);
  void take_marks(const Commit& commit);
  void wake_waiters(const Commit& commit);
  void batch(SubscriptionClass& subscription_class);
  void settle_late(SubscriptionClass& subscription_class);
  void arm_batches();
  void bound_pinned(MonotonicTime now);
  void heartbeat(SubscriptionClass& subscription_class, MonotonicTime now);

  Loop& loop_;
  LocalHub& hub_;
  Options options_;
  std::map<ClassKey, std::unique_ptr<SubscriptionClass>> classes_;
  // By name: the classes of one topic alone, and of several or a pattern.
  std::unordered_map<std::string, std::vector<SubscriptionClass*>, StringHash, std::equal_to<>>
      by_topic_;
  std::vector<SubscriptionClass*> other_classes_;
  // What classes_of() answered, until classes come or go that it concerns.
  std::unordered_map<std::string, std::vector<SubscriptionClass*>, StringHash, std::equal_to<>>
      answers_;
  std::deque<SubscriptionClass*> dirty_;
  std::unordered_set<SubscriptionClass*> with_late_;  // without a rate
  std::unordered_set<StreamReader*> readers_;
  std::unordered_set<StreamReader*> watched_;
  std::deque<StreamReader*> pumping_;
  std::vector<StreamReader*> gone_;  // their sockets closed under a walk
  std::unordered_set<EventWaiter*> waiters_;
  boost::asio::steady_timer batch_timer_;
  // Every event up to here was encoded: what the tail ended with before the commit being heard.
  Position heard_;
  MonotonicTime batch_timer_at_ = MonotonicTime::max();  // max: it is not armed
  bool draining_ = false;
  size_t next_number_ = 0;
  uint64_t deliveries_ = 0;
};

}  // namespace carillon
