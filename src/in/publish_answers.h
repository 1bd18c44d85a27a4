// What a publisher is answered.
#pragma once

#include <string>
#include <string_view>

#include "event/cursor.h"
#include "log/log.h"
#include "net/exchange.h"

namespace carillon {

// 201 with Location and cursor; 200 with the first answer for a repeat. `id` is the event's, unless
// a repeat remembers the one made for its first storing.
Response published_response(const Appended& appended, std::string_view topic, std::string_view id,
                            Epoch epoch);
// 201 `{"count","first","cursor"}`, and `repeated` when items were left out; 200 when all were.
Response batch_response(const Appended& appended, Epoch epoch);
std::string batch_json(const Appended& appended, Epoch epoch);

// 400, 413: the event as it was given cannot be taken.
Response bad_event_response(const Error& error);
// 409, 429, 503, 507, 500: the log did not take it; nothing was stored.
Response publish_error_response(const Error& error);

}  // namespace carillon
