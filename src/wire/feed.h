// A topic as a feed: Atom (RFC 4287) and JSON Feed 1.1.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "event/cursor.h"
#include "event/record.h"

namespace carillon {

// What a feed is made of. Borrows everything for the one call.
struct Feed {
  std::string_view topic;
  std::string_view origin;    // `https://hub.example`, no slash at the end
  std::string_view self_url;  // of this feed
  std::string_view hub_url;   // of the WebSub hub; empty for none
  Epoch epoch;
  std::span<const EventView> events;  // newest first
};

// Text and JSON are the entry's content as text; other data is left out, with a link to it. An
// entry's id is `urn:uuid:` with the event's id when that is a UUID, else with one made from its
// place in the log.
void append_atom_feed(std::string& out, const Feed& feed);
void append_json_feed(std::string& out, const Feed& feed);

inline constexpr std::string_view kAtomContentType = "application/atom+xml";
inline constexpr std::string_view kJsonFeedContentType = "application/feed+json";

// Appends `text`, which is UTF-8, for XML 1.0, between tags or quotes. What XML cannot hold
// becomes U+FFFD.
void append_xml_text(std::string& out, std::string_view text);

}  // namespace carillon
