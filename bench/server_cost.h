// What a server has used: CPU time and memory of its processes, read from /proc.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace carillon {

struct MemoryUse {
  uint64_t resident_kib = 0;
  uint64_t private_dirty_kib = 0;
};

// The processes of one server. A value.
class ServerCost {
 public:
  // Process ids with commas between.
  explicit ServerCost(const std::string& ids);

  // Nanoseconds on a core of all threads alive (schedstat, so free of the 10 ms steps of utime; on
  // loopback the receiving half of TCP is in it, equal for all). A thread that ended takes its time
  // with it: servers keep theirs.
  uint64_t cpu_nanoseconds() const;
  MemoryUse memory() const;

 private:
  std::vector<std::string> ids_;
};

}  // namespace carillon
