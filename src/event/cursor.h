// Places in the log: Position, Epoch, Cursor.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace carillon {

// The place of one event in the log. Increases over all topics, with holes: nobody adds 1 or counts
// by subtraction. 0 is before everything.
struct Position {
  uint64_t value = 0;
  friend auto operator<=>(Position, Position) = default;
};

inline constexpr Position kBeforeEverything{0};

// Which life of a log a position belongs to: changes when a log is created anew or restored, so
// that an old cursor is never mistaken for one of today.
struct Epoch {
  uint64_t value = 0;
  friend auto operator<=>(Epoch, Epoch) = default;
};

// A reader's place: the last position it was given or that was passed over for it.
// `<epoch>-<position>`, the epoch in base 36; opaque to clients, equal on every protocol. (Not a
// timestamp: two events may share one, and clocks step back. Not a count: positions have holes.)
struct Cursor {
  Epoch epoch;
  Position after;

  std::string text() const;
  void append_to(std::string& out) const;
  // Nothing when `text` is no cursor at all; whether it is one of this log is the reader's
  // question.
  static std::optional<Cursor> parse(std::string_view text);

  friend bool operator==(const Cursor&, const Cursor&) = default;
};

}  // namespace carillon
