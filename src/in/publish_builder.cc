#include "in/publish_builder.h"

#include <fmt/format.h>

#include "base/limits.h"

namespace carillon {

namespace {

// What a repeat by source and id must have equal: data and content type (DESIGN 4, "Publishing").
RepeatKey repeat_by_id(std::string_view topic, const Event& event) {
  return {.key = Digester().add("id").add(topic).add(event.source).add(event.id).finish(),
          .body = Digester().add(event.data_content_type).add(event.data).finish()};
}

}  // namespace

PublishBuilder::PublishBuilder(std::string topic, const Clock& clock, Random& random)
    : topic_(std::move(topic)), clock_(clock), random_(random) {}

Result<> PublishBuilder::add(GivenEvent given) {
  Event& event = given.event;
  if (given.topic && *given.topic != topic_) {
    return fail(
        Errc::bad_input,
        "the event's topic is '{}', the URL's '{}': make them equal or leave the attribute out",
        *given.topic, topic_);
  }
  if (event.data.size() > kEventBytesMax) {
    return fail(Errc::too_large, "the event's data has {} bytes; at most {} are taken",
                event.data.size(), kEventBytesMax);
  }
  if (event.source.empty()) event.source = default_source(topic_);
  if (event.type.empty()) event.type = kDefaultType;
  id_made_ = event.id.empty();
  if (id_made_) event.id = make_uuid_v7(clock_.wall_now(), random_);
  AppendItem item{.topic = topic_,
                  .offset = static_cast<uint32_t>(append_.records.size()),
                  .repeat = {},
                  .given = {}};
  if (!id_made_) item.repeat = repeat_by_id(topic_, event);
  append_event_record(append_.records, event, TopicId{}, topic_);
  append_.items.push_back(std::move(item));
  id_ = std::move(event.id);
  return {};
}

void PublishBuilder::set_idempotency_key(std::string_view key, std::string_view content_type,
                                         std::string_view body) {
  append_.repeat = RepeatKey{.key = Digester().add("key").add(topic_).add(key).finish(),
                             .body = Digester().add(content_type).add(body).finish()};
}

Append PublishBuilder::take() {
  if (append_.items.size() == 1 && id_made_) append_.made_id = id_;
  return std::move(append_);
}

}  // namespace carillon
