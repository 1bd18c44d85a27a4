// Publishing line by line: a body of any length in bounded memory.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "hub/local_hub.h"
#include "net/exchange.h"

namespace carillon {

// Owned by its exchange. Lines gather to a batch of bounded size; while one is being synced, no
// more of the body is read. A bad line ends it: what stands before is stored, and the answer says
// how many and how far. An unfinished last line is dropped.
class NdjsonPublish : public BodySink {
 public:
  struct Options {
    std::string topic;
    bool structured = false;  // each line an event, not its data
    const Clock& clock;
    Random& random;
  };

  static void start(const std::shared_ptr<Exchange>& exchange, LocalHub& hub, Options options);

  bool on_body(std::string_view bytes) override;
  void on_body_end() override;
  void on_body_gone() override;

 private:
  // Outlives the sink while a batch is on its way to the disk.
  struct State;

  explicit NdjsonPublish(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace carillon
