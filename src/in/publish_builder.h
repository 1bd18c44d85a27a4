// From events as they were given to an append of the log.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "log/log.h"
#include "wire/cloudevents.h"

namespace carillon {

// Gathers the events of one publish to one topic: fills in what was not given, encodes, and notes
// what a repeat of it would be recognised by.
class PublishBuilder {
 public:
  PublishBuilder(std::string topic, const Clock& clock, Random& random);

  // Errc::bad_input when the event names another topic; Errc::too_large when it is larger than an
  // event may be.
  Result<> add(GivenEvent given);
  // Covers the whole; `content_type` and `body` are what a true repeat has equal.
  void set_idempotency_key(std::string_view key, std::string_view content_type,
                           std::string_view body);

  size_t size() const { return append_.items.size(); }
  // The id of the only event.
  const std::string& id() const { return id_; }
  Append take();

 private:
  std::string topic_;
  const Clock& clock_;
  Random& random_;
  Append append_;
  std::string id_;
  bool id_made_ = false;
};

}  // namespace carillon
