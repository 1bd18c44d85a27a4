// CloudEvents in binary mode: attributes as HTTP header fields, the body is the data (HTTP binding
// section 3.1).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "event/cursor.h"
#include "event/record.h"
#include "wire/cloudevents.h"
#include "wire/http_head.h"

namespace carillon {

// A raw publish or one in binary mode: any `ce-*` field is taken; the required ones are demanded
// only beside `ce-specversion`. A body of a JSON type must be JSON; a bare curl's is text when it
// can be.
Result<GivenEvent> event_from_binary(const std::vector<HeaderField>& fields, std::string body);

// The fields of a stored event, `content-type` included; names in lower case.
void append_binary_headers(std::vector<HeaderField>& out, const EventView& event, Epoch epoch);

// An attribute's value in a header field (section 3.1.3.2): space, `"`, `%` and all outside
// U+0021-U+007E percent-encoded.
std::string encode_ce_value(std::string_view text);
// Undoes a quoted form first, then one round of percent-encoding. Fails on what is not UTF-8
// afterwards.
Result<std::string> decode_ce_value(std::string_view value);

}  // namespace carillon
