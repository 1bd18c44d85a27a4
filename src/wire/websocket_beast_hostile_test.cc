// Hostile frames are taken or refused by us as by Boost.Beast's server, but for a table of
// differences, each with the section that we follow.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "testing/websocket_beast.h"
#include "wire/websocket.h"
#include "wire/websocket_deflate.h"

namespace carillon {
namespace {

// Nothing is sent without a mask, so that both meet an end behind what came before.
constexpr size_t kEndBytes = 130;
constexpr size_t kSmallBytesMax = 4096;

constexpr WebSocketMask kMask = {'\x1f', '\x8b', '\x00', '\xfe'};

std::string frame(const ClientFrame& frame, std::string_view payload) {
  std::string out;
  append_client_frame(out, frame, payload);
  return out;
}

std::string deflated(std::string_view message) {
  std::string out;
  Deflater(kDeflateBitsMax).append(out, message);
  return out;
}

// Where two that heard the same bytes part, and what either made of it. Empty: nowhere.
struct Parting {
  std::string ours;
  std::string beasts;
  friend bool operator==(const Parting&, const Parting&) = default;
};

// Why is told where only one refuses.
Parting parting(const Heard& ours, const Heard& beasts) {
  const auto parted = std::ranges::mismatch(ours.items, beasts.items);
  const auto step = [](const Heard& heard, auto at) {
    if (at != heard.items.end() || heard.refused == 0) return std::string("goes on");
    return fmt::format("{} {}", heard.refused, heard.why);
  };
  const Parting steps{step(ours, parted.in1), step(beasts, parted.in2)};
  if (parted.in1 != ours.items.end() && parted.in2 != beasts.items.end())
    return {*parted.in1, *parted.in2};
  if (steps.ours == "goes on" || steps.beasts == "goes on") {
    const bool both_wait = parted.in1 == ours.items.end() && parted.in2 == beasts.items.end();
    return both_wait && steps.ours == steps.beasts ? Parting{} : steps;
  }
  if (ours.refused == beasts.refused) return {};
  return {std::to_string(ours.refused), std::to_string(beasts.refused)};
}

// Both hear a client's `frames`, and bytes behind them that no client sends.
Parting parting_over(boost::asio::io_context& context, const std::string& frames, bool deflate,
                     Random& chance, Heard& ours) {
  const std::string bytes = frames + std::string(kEndBytes, '\0');
  BeastEnd beast_end(context, {.server_enable = deflate});
  beast_end.stream().read_message_max(kSmallBytesMax);
  beast_end.accept(deflate ? DeflateAgreement().text() : "");
  beast_end.give(bytes);
  ours = hear_ours(bytes, {.message_bytes_max = kSmallBytesMax, .deflate = deflate}, chance);
  return parting(ours, beast_end.hear(chance));
}

struct Difference {
  std::string_view section;  // that we follow
  std::string frames;
  bool deflate = false;
  Parting parting;
};

// All that are known, for whatever frames: what is not here must not be.
std::vector<Difference> differences() {
  const ClientFrame close{.opcode = WebSocketOpcode::close, .mask = kMask};
  const ClientFrame first{.fin = false, .mask = kMask};
  const ClientFrame last{.opcode = WebSocketOpcode::continuation, .mask = kMask};
  const ClientFrame deflated_text{.compressed = Compressed::yes, .mask = kMask};
  const ClientFrame deflated_binary{
      .opcode = WebSocketOpcode::binary, .compressed = Compressed::yes, .mask = kMask};
  return {
      {"RFC 6455 5.2: the top bit of a length is 0",
       std::string("\x82\xFF\x80\0\0\0\0\0\0\0mask", 14),
       false,
       {"1002", "1009"}},
      {"RFC 6455 5.2: of a compressed message, too",
       std::string("\xC2\xFF\x80\0\0\0\0\0\0\0mask", 14),
       true,
       {"1002", "1006"}},
      {"RFC 6455 7.4.2: a close code is smaller than 5000",
       frame(close, "\x13\x88"),
       false,
       {"1002 a close frame with a code that must not be sent", "goes on"}},
      {"RFC 6455 11.7: IANA has given 1014 a meaning since",
       frame(close, "\x03\xF6"),
       false,
       {"goes on", "1002 The WebSocket close frame reason code was invalid"}},
      {"RFC 6455 8.1: a reason that is not UTF-8 is bad data",
       frame(close, "\x03\xE8\xFF"),
       false,
       {"1007", "1002"}},
      {"RFC 6455 8.1: a message is UTF-8 as a whole, also when its last fragment is empty",
       frame(first, "\xE2\x82") + frame(last, ""),
       false,
       {"1007 a text message ends inside a character", "goes on"}},
      {"RFC 6455 7.1.7: who fails a connection says why",
       frame(deflated_text, "\xff\xff\xff\xff"),
       true,
       {"1007", "1006"}},
      {"RFC 7692 7.2.3.4: a final block does not end a message",
       frame(deflated_text, std::string_view("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8)),
       true,
       {"goes on", "1006 unexpected end of deflate stream"}},
      // (Beast puts the tail back again and again, until it yields nothing.)
      {"RFC 7692 7.2.2: behind the tail a block ends, or the stream was cut short",
       frame(deflated_text, deflated("€€").substr(0, 7)),
       true,
       {"1007 broken compressed data", "goes on"}},
      {"RFC 7692 7.2.2: likewise",
       frame(deflated_binary, deflated("Hello").substr(0, 5)),
       true,
       {"1007", "1009"}},
  };
}

TEST(WebSocketBesideBeast, C_C2_4_AndC_C3_3_AndC_C3_5_PartsFromUsWhereTheTableSaysSo) {
  boost::asio::io_context context;
  for (const Difference& row : differences()) {
    SeededRandom chance(1);
    Heard ours;

    const Parting parted = parting_over(context, row.frames, row.deflate, chance, ours);

    EXPECT_EQ(parted.ours, row.parting.ours) << row.section;
    EXPECT_EQ(parted.beasts, row.parting.beasts) << row.section;
  }
}

std::string random_payload(Random& chance) {
  static constexpr std::array<std::string_view, 10> kPayloads = {
      "",         "x",           "hello hello hello", "a\xE2\x82\xAC\xF0\x9F\x98\x80z",
      "\xC0\xAF", "ab\xE2\x82",  "\xED\xA0\x80",      "\xF4\x90\x80\x80",
      "\x03\xE8", "\x03\xE8 bye"};
  if (chance.below(8) == 0) return random_words(chance, 100 + chance.below(4'500));
  if (chance.below(8) == 0) return random_bytes(chance, chance.below(6));
  return std::string(kPayloads[chance.below(kPayloads.size())]);
}

// A control frame, well-formed but for its payload.
std::string random_control(Random& chance) {
  constexpr std::array<WebSocketOpcode, 5> kOpcodes = {WebSocketOpcode::ping, WebSocketOpcode::ping,
                                                       WebSocketOpcode::pong, WebSocketOpcode::pong,
                                                       WebSocketOpcode::close};
  return frame({.opcode = kOpcodes[chance.below(kOpcodes.size())], .mask = kMask},
               random_payload(chance));
}

// A message in fragments, with control frames between them.
std::string random_message(Random& chance, bool deflate) {
  // A final block, a stored one, and what is no block.
  static constexpr std::array<std::string_view, 3> kStreams = {
      std::string_view("\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8),
      std::string_view("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11),
      std::string_view("\xff\xff\xff\xff")};
  ClientFrame next{.opcode = chance.below(3) > 0 ? WebSocketOpcode::text : WebSocketOpcode::binary,
                   .fin = false,
                   .compressed = deflate && chance.below(3) > 0 ? Compressed::yes : Compressed::no,
                   .mask = kMask};
  std::string payload = random_payload(chance);
  if (next.compressed == Compressed::yes) {
    payload = chance.below(5) > 0 ? deflated(payload)
                                  : std::string(kStreams[chance.below(kStreams.size())]);
  }
  std::string out;
  while (!next.fin) {
    next.fin = chance.below(2) == 0;
    const size_t cut = next.fin ? payload.size() : chance.below(payload.size() + 1);
    out += frame(next, std::string_view(payload).substr(0, cut));
    payload.erase(0, cut);
    next.opcode = WebSocketOpcode::continuation;
    next.compressed = Compressed::no;
    if (chance.below(6) == 0) out += random_control(chance);
  }
  return out;
}

void mutate(std::string& bytes, Random& chance) {
  constexpr std::string_view kEdges("\x00\x7E\x7F\x80\x81\x88\xC1\xFD\xFE\xFF", 10);
  if (bytes.empty()) return;
  // Mostly at the front, where headers are.
  const size_t at =
      chance.below(chance.below(2) == 0 ? std::min<size_t>(bytes.size(), 8) : bytes.size());
  switch (chance.below(4)) {
    case 0: bytes[at] = static_cast<char>(bytes[at] ^ (1 << chance.below(8))); break;
    case 1: bytes[at] = kEdges[chance.below(kEdges.size())]; break;
    case 2: bytes.erase(at, 1 + chance.below(4)); break;
    default: bytes.insert(at, bytes.substr(chance.below(bytes.size()), 1 + chance.below(16)));
  }
}

TEST(WebSocketBesideBeast, C_C2_AndC_C3_AndC_C4_MutatedFramesAreTakenOrRefusedByBothOrByTheTable) {
  boost::asio::io_context context;
  const auto known = differences();
  int refused = 0;
  int taken = 0;
  for (uint64_t seed = 0; seed < 4'000; ++seed) {
    SeededRandom chance(seed);
    const bool deflate = chance.below(2) == 0;
    std::string frames;
    for (uint64_t left = 1 + chance.below(3); left > 0; --left)
      frames += chance.below(4) == 0 ? random_control(chance) : random_message(chance, deflate);
    for (uint64_t left = chance.below(3); left > 0; --left) mutate(frames, chance);
    Heard ours;

    const Parting parted = parting_over(context, frames, deflate, chance, ours);

    ++(ours.items.empty() ? refused : taken);
    const bool told = parted == Parting{} || std::ranges::any_of(known, [&](const Difference& row) {
                        return row.deflate <= deflate && row.parting == parted;
                      });
    EXPECT_TRUE(told) << seed << ": we: " << parted.ours << "; Beast: " << parted.beasts;
  }
  EXPECT_GT(refused, 500);
  EXPECT_GT(taken, 500);
}

}  // namespace
}  // namespace carillon
