#include "server_cost.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "options.h"

namespace carillon {

ServerCost::ServerCost(const std::string& ids) {
  std::stringstream list(ids);
  for (std::string id; std::getline(list, id, ',');) ids_.push_back(id);
  if (ids_.empty()) give_up("--pid names no process");
}

uint64_t ServerCost::cpu_nanoseconds() const {
  uint64_t sum = 0;
  for (const std::string& id : ids_) {
    std::error_code error;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + id + "/task", error)) {
      std::ifstream file(task.path() / "schedstat");
      uint64_t on_core = 0;
      file >> on_core;
      sum += on_core;
    }
    if (error) give_up("process " + id + " is gone");
  }
  return sum;
}

MemoryUse ServerCost::memory() const {
  MemoryUse use;
  for (const std::string& id : ids_) {
    std::ifstream file("/proc/" + id + "/smaps_rollup");
    if (!file) give_up("process " + id + " is gone");
    for (std::string line; std::getline(file, line);) {
      std::stringstream words(line);
      std::string name;
      uint64_t kib = 0;
      words >> name >> kib;
      if (name == "Rss:") use.resident_kib += kib;
      if (name == "Private_Dirty:") use.private_dirty_kib += kib;
    }
  }
  return use;
}

}  // namespace carillon
