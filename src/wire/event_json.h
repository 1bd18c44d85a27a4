// A stored event as JSON: what pages, lines, sessions and `as=cloudevents` carry.
#pragma once

#include <string>

#include "event/cursor.h"
#include "event/record.h"

namespace carillon {

enum class DataAs {
  natural,  // JSON as JSON, text as a string, all else as data_base64
  base64,   // always data_base64: the exact bytes
};

// Appends a structured CloudEvent with the extension attributes `topic` and `cursor`, on one line:
// line breaks inside embedded JSON become spaces. Appends only; for text and JSON nothing else is
// allocated. An event without data (binary and empty) has no data member.
void append_event_json(std::string& out, const EventView& event, Epoch epoch, DataAs data_as);

// `2026-01-31T09:30:00Z`, as to_rfc3339 writes it, without its allocations.
void append_rfc3339(std::string& out, WallTime time);

}  // namespace carillon
