// The few threads that block on old events for everybody.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace carillon {

// Runs tasks first come, first served. A reader has one read in flight, each read is bounded
// (kReadBytesMax), so many readers far behind take turns and none waits for another's whole way.
class ReadPool {
 public:
  explicit ReadPool(size_t threads);
  // Tasks that have not begun are dropped.
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  // Thread-safe. `task` may block.
  void run(std::move_only_function<void()> task);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace carillon
