#include "log/topic_table.h"

#include <algorithm>

#include "base/check.h"

namespace carillon {

namespace {

template <typename T>
T& at_growing(std::vector<T>& values, size_t index) {
  if (values.size() <= index) values.resize(index + 1);
  return values[index];
}

size_t number_of(TopicId id) { return id.value & ~kMemoryTopicBit; }

}  // namespace

TopicRow* TopicTable::find(std::string_view name) {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : found->second;
}

TopicRow* TopicTable::find(TopicId id) {
  const auto& rows = is_memory_topic(id) ? memory_rows_ : disk_rows_;
  return number_of(id) < rows.size() ? rows[number_of(id)] : nullptr;
}

TopicRow& TopicTable::add(std::string_view name, TopicSettings settings, TopicId id) {
  CHECK(find(name) == nullptr);
  const bool memory = settings.durability == Durability::memory;
  auto& by_number = memory ? memory_rows_ : disk_rows_;
  if (id.value == 0) {
    const auto next = static_cast<uint32_t>(std::max<size_t>(by_number.size(), 1));
    id = TopicId{memory ? next | kMemoryTopicBit : next};
  }
  TopicRow& row = rows_.emplace_back();
  row.id = id;
  row.name = name;
  row.settings = settings;
  CHECK(at_growing(by_number, number_of(id)) == nullptr);
  by_number[number_of(id)] = &row;
  index_.emplace(row.name, &row);
  by_name_.emplace(row.name, &row);
  return row;
}

void TopicTable::skip_number(TopicId id) {
  CHECK(!is_memory_topic(id));
  at_growing(disk_rows_, number_of(id));
}

void TopicTable::set_listed(TopicRow& row, bool listed) {
  if (row.listed == listed) return;
  row.listed = listed;
  listed_ = listed ? listed_ + 1 : listed_ - 1;
}

bool TopicTable::raise_mark(TopicRow& row, Position mark, MarkReason reason) {
  if (mark <= row.mark) return false;
  row.mark = mark;
  row.mark_reason = reason;
  row.mark_number = ++mark_number_;
  return true;
}

TopicSelection::TopicSelection(std::vector<TopicPattern> patterns)
    : patterns_(std::move(patterns)) {}

const std::string* TopicSelection::single() const {
  return patterns_.size() == 1 && patterns_.front().is_exact() ? &patterns_.front().text()
                                                               : nullptr;
}

void TopicSelection::refresh(TopicTable& table) {
  if (const std::string* name = single()) {
    if (!rows_.empty()) return;
    TopicRow* row = table.find(*name);
    if (row == nullptr) return;
    rows_.push_back(row);
    has_memory_ = is_memory_topic(row->id);
    choose(row->id);
    return;
  }
  auto& rows = table.rows();
  for (; seen_ < rows.size(); ++seen_) {
    TopicRow& row = rows[seen_];
    if (!any_matches(patterns_, row.name)) continue;
    const bool memory = is_memory_topic(row.id);
    has_memory_ = has_memory_ || memory;
    choose(row.id);
    rows_.push_back(&row);
  }
}

void TopicSelection::choose(TopicId id) {
  auto& chosen = is_memory_topic(id) ? memory_ : disk_;
  if (chosen.size() <= number_of(id)) chosen.resize(number_of(id) + 1);
  chosen[number_of(id)] = true;
}

bool TopicSelection::contains(TopicId id) const {
  const auto& chosen = is_memory_topic(id) ? memory_ : disk_;
  return number_of(id) < chosen.size() && chosen[number_of(id)];
}

}  // namespace carillon
