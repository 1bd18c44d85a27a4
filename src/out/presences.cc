#include "out/presences.h"

#include <fmt/format.h>

#include <utility>

#include "base/text.h"

namespace carillon {

namespace {

// A log that refuses so many is in such trouble that some ghosts are the least of it.
constexpr size_t kRefusedMax = 10'000;

std::string presence_topic(std::string_view topic) {
  return fmt::format("$sys.presence.{}", topic);
}

}  // namespace

void Presences::tell(const std::string& topic, std::string_view member, std::string_view change,
                     std::string_view state, EventDoor::Done done) {
  std::erase_if(refused_,
                [&](const Leave& leave) { return leave.topic == topic && leave.member == member; });
  publish(topic, member, change, state, std::move(done));
}

void Presences::leave(const std::string& topic, std::string_view member, std::string_view state,
                      EventDoor::Done done) {
  tell_leave({topic, std::string(member), std::string(state)}, std::move(done));
}

// One event each time, its key the member: the last of each key is who is there.
void Presences::publish(const std::string& topic, std::string_view member, std::string_view change,
                        std::string_view state, EventDoor::Done done) {
  GivenEvent given;
  given.event.type = fmt::format("carillon.presence.{}", change);
  given.event.key = member;
  given.event.data_content_type = "application/json";
  given.event.form = DataForm::json;
  given.event.data = fmt::format(R"({{"member":{},"state":{}}})", json_string(member), state);
  door_.publish(presence_topic(topic), std::move(given), std::move(done));
}

void Presences::tell_leave(Leave leave, EventDoor::Done done) {
  // (Copied: the leave itself goes to whoever hears the answer.)
  const Leave told = leave;
  publish(told.topic, told.member, "leave", told.state,
          [this, leave = std::move(leave),
           done = std::move(done)](std::expected<StoredEvent, Problem> answer) mutable {
            if (!answer && refused_.size() < kRefusedMax) refused_.push_back(std::move(leave));
            if (done) done(std::move(answer));
          });
}

void Presences::on_sweep(MonotonicTime) {
  for (Leave& leave : std::exchange(refused_, {})) tell_leave(std::move(leave), nullptr);
}

}  // namespace carillon
