// What management sees of each loop.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "net/connection_table.h"
#include "net/loop.h"

namespace carillon {

struct LoopCounts {
  uint64_t deliveries = 0;
  uint64_t readers = 0;
};

struct LoopProbe {
  Loop* loop = nullptr;
  ConnectionTable* connections = nullptr;
  std::function<LoopCounts()> counts;  // on the loop
};

// Runs `look` on each loop's thread, then `then` with all results on the asking loop.
template <typename T, typename Look, typename Then>
void ask_all_loops(const std::vector<LoopProbe>& probes, Loop& asking, Look look, Then then) {
  struct Gathered {
    std::mutex mutex;
    std::vector<T> results;
  };
  auto gathered = std::make_shared<Gathered>();
  auto finish = std::make_shared<Then>(std::move(then));
  for (const LoopProbe& probe : probes) {
    probe.loop->post([&probe, &asking, gathered, finish, look, expected = probes.size()] {
      T result = look(probe);
      bool last = false;
      {
        const std::scoped_lock lock(gathered->mutex);
        gathered->results.push_back(std::move(result));
        last = gathered->results.size() == expected;
      }
      if (last) asking.post([gathered, finish] { (*finish)(std::move(gathered->results)); });
    });
  }
}

}  // namespace carillon
