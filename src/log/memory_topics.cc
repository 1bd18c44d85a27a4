#include "log/memory_topics.h"

#include <algorithm>

namespace carillon {

Position MemoryTopic::add(Position position, std::string_view record, std::string_view key,
                          Limits limits) {
  records_.emplace(position, record);
  bytes_ += record.size();
  if (key.empty()) {
    superseded_.insert(position);
  } else {
    const auto [found, inserted] = last_of_key_.try_emplace(std::string(key), position);
    if (!inserted) {
      superseded_.insert(found->second);
      key_of_.erase(found->second);
      found->second = position;
    }
    key_of_.emplace(position, key);
  }
  Position removed;
  while (records_.size() > 1 && (records_.size() > limits.events || bytes_ > limits.bytes)) {
    const Position oldest = superseded_.empty() ? records_.begin()->first : *superseded_.begin();
    removed = std::max(removed, oldest);
    remove(oldest);
  }
  return removed;
}

void MemoryTopic::remove_until(Position mark) {
  while (!records_.empty() && records_.begin()->first <= mark) remove(records_.begin()->first);
}

void MemoryTopic::remove(Position position) {
  const auto found = records_.find(position);
  bytes_ -= found->second.size();
  records_.erase(found);
  superseded_.erase(position);
  if (const auto key = key_of_.find(position); key != key_of_.end()) {
    last_of_key_.erase(key->second);
    key_of_.erase(key);
  }
}

}  // namespace carillon
