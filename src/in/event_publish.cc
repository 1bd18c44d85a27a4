#include "in/event_publish.h"

#include <utility>

#include "in/publish_answers.h"
#include "in/publish_builder.h"
#include "net/answers.h"

namespace carillon {

void EventPublish::publish(const std::string& topic, GivenEvent event, Done done) {
  PublishBuilder builder(topic, clock_, random_);
  if (auto added = builder.add(std::move(event)); !added)
    return done(std::unexpected(bad_event_problem(added.error())));
  hub_.publish(builder.take(), [id = builder.id(), epoch = hub_.epoch(),
                                done = std::move(done)](Result<Appended> result) mutable {
    if (!result) return done(std::unexpected(log_error_problem(result.error())));
    done(StoredEvent{.id = result->id.empty() ? std::move(id) : result->id,
                     .cursor = {epoch, result->last},
                     .repeat = result->repeat});
  });
}

}  // namespace carillon
