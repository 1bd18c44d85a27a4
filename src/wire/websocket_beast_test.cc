// Boost.Beast speaks with us: it shares no line of code with us, and has met more peers. What it
// says we must read, and what we say it must read.
//
// Beast draws its keys and masks from the system; all else comes from seeds.
#include "testing/websocket_beast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/beast/websocket.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "wire/websocket_deflate.h"
#include "wire/websocket_handshake.h"
#include "wire/websocket_parser.h"

namespace carillon {
namespace {

constexpr size_t kMessageBytesMax = 256 * 1024;

// (Not EXPECT_EQ: it would print megabytes.)
testing::AssertionResult same(const std::vector<std::string>& heard,
                              const std::vector<std::string>& said) {
  for (size_t i = 0; i < std::max(heard.size(), said.size()); ++i) {
    const std::string ours = i < said.size() ? said[i] : "nothing";
    const std::string theirs = i < heard.size() ? heard[i] : "nothing";
    if (ours != theirs) {
      return testing::AssertionFailure()
             << "item " << i << ": said " << ours.substr(0, 60) << " (" << ours.size()
             << " bytes), heard " << theirs.substr(0, 60) << " (" << theirs.size() << " bytes)";
    }
  }
  return testing::AssertionSuccess();
}

// --- what is said --------------------------------------------------------------------------------

size_t random_size(Random& chance) {
  constexpr std::array<size_t, 8> kEdges = {0, 1, 125, 126, 127, 65'535, 65'536, 200 * 1024};
  if (chance.below(3) == 0) return kEdges[chance.below(kEdges.size())];
  return chance.below(chance.below(4) == 0 ? 100'000 : 2'000);
}

WebSocketItem random_item(Random& chance) {
  using Kind = WebSocketItem::Kind;
  constexpr std::array<Kind, 6> kKinds = {Kind::text,   Kind::text, Kind::binary,
                                          Kind::binary, Kind::ping, Kind::pong};
  const Kind kind = kKinds[chance.below(kKinds.size())];
  if (kind == Kind::ping || kind == Kind::pong)
    return {.kind = kind, .data = random_bytes(chance, chance.below(kControlBytesMax + 1))};
  const size_t bytes = random_size(chance);
  const bool words = kind == Kind::text || chance.below(2) == 0;
  return {.kind = kind, .data = words ? random_words(chance, bytes) : random_bytes(chance, bytes)};
}

std::string random_reason(Random& chance) {
  return random_words(chance, chance.below(kControlBytesMax - 1));
}

constexpr std::array<uint16_t, 14> kCloseCodes = {1000, 1001, 1002, 1003, 1007, 1008, 1009,
                                                  1010, 1011, 1012, 1013, 3000, 4408, 4999};

// Says it in frames of Beast's choice. A ping may go between two fragments, and arrives first.
void say(BeastEnd::Stream& stream, const WebSocketItem& item, Random& chance,
         std::vector<std::string>& said) {
  const auto control = [](std::string_view data) {
    return websocket::ping_data(data.data(), data.size());
  };
  if (item.kind == WebSocketItem::Kind::ping) stream.ping(control(item.data));
  if (item.kind == WebSocketItem::Kind::pong) stream.pong(control(item.data));
  if (item.kind == WebSocketItem::Kind::text || item.kind == WebSocketItem::Kind::binary) {
    stream.text(item.kind == WebSocketItem::Kind::text);
    stream.auto_fragment(chance.below(2) == 0);
    stream.compress(chance.below(3) > 0);
    stream.write_buffer_bytes(item.data.size() < 2'000 ? 8 + chance.below(200)
                                                       : 1'000 + chance.below(60'000));
    const size_t cut = chance.below(3) == 0 ? chance.below(item.data.size() + 1) : 0;
    if (cut > 0) {
      stream.write_some(false, boost::asio::buffer(item.data.data(), cut));
      stream.ping("between");
      said.emplace_back("ping between");
    }
    stream.write_some(true, boost::asio::buffer(item.data) + cut);
  }
  said.push_back(text_of(item));
}

// As the hub sends it; `deflater` is null when nothing was agreed on.
void append_item(std::string& out, const WebSocketItem& item, Deflater* deflater) {
  constexpr std::array<WebSocketOpcode, 4> kOpcodes = {
      WebSocketOpcode::text, WebSocketOpcode::binary, WebSocketOpcode::ping, WebSocketOpcode::pong};
  const auto opcode = kOpcodes[static_cast<size_t>(item.kind)];
  if (deflater == nullptr || opcode >= WebSocketOpcode::ping)
    return append_websocket_frame(out, opcode, item.data);
  const size_t from = open_websocket_frame(out);
  deflater->append(out, item.data);
  close_websocket_frame(out, from, opcode, Compressed::yes);
}

websocket::permessage_deflate random_offer(Random& chance) {
  websocket::permessage_deflate offer;
  offer.client_enable = chance.below(4) > 0;
  offer.server_max_window_bits = static_cast<int>(9 + chance.below(7));
  offer.client_max_window_bits = static_cast<int>(9 + chance.below(7));
  offer.server_no_context_takeover = chance.below(2) == 0;
  offer.client_no_context_takeover = chance.below(2) == 0;
  offer.memLevel = static_cast<int>(1 + chance.below(9));
  offer.compLevel = static_cast<int>(chance.below(10));
  return offer;
}

// --- both ways -----------------------------------------------------------------------------------

TEST(WebSocketBesideBeast, C_C4_2_AndC_C4_4_WhateverBeastOffersItTakesTheAnswer) {
  boost::asio::io_context context;
  for (int hub_bits = 9; hub_bits <= 15; ++hub_bits) {
    for (const int client_bits : {9, 12, 15}) {
      for (const bool reset : {false, true}) {
        BeastEnd beast_end(context, {.client_enable = true,
                                     .server_max_window_bits = hub_bits,
                                     .client_max_window_bits = client_bits,
                                     .server_no_context_takeover = reset,
                                     .client_no_context_takeover = !reset});

        const auto opening = beast_end.open();

        ASSERT_TRUE(opening && opening->deflate);
        EXPECT_EQ(opening->deflate->hub_bits, hub_bits);
      }
    }
  }
}

TEST(WebSocketBesideBeast, C_C4_1_AndC_C4_5_OffersThatBeastHasNoOptionForEndInPlainOrInDeflate) {
  struct Row {
    std::string_view offer;
    bool agreed;
  };
  constexpr Row kRows[] = {
      {"", false},
      {"permessage-deflate", true},
      {"permessage-deflate; client_max_window_bits", true},
      {"permessage-deflate; client_max_window_bits=8", true},
      {"permessage-deflate; server_max_window_bits=8", false},
      {"permessage-deflate; server_max_window_bits=8, permessage-deflate", true},
      {"x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=\"10\"", true},
      {"permessage-bzip2", false},
  };
  for (const Row& row : kRows) {
    SeededRandom chance(row.offer.size());
    boost::asio::io_context context;
    BeastEnd beast_end(context, {.client_enable = true});
    beast_end.stream().set_option(
        websocket::stream_base::decorator([&](websocket::request_type& request) {
          request.set(beast::http::field::sec_websocket_extensions, row.offer);
        }));
    const auto opening = beast_end.open();
    ASSERT_TRUE(opening) << row.offer;
    const std::string words = random_words(chance, 50'000);

    beast_end.stream().write(boost::asio::buffer(words));
    const auto heard = hear_ours(
        beast_end.take_written(),
        {.message_bytes_max = kMessageBytesMax, .deflate = opening->deflate.has_value()}, chance);

    EXPECT_EQ(opening->deflate.has_value(), row.agreed) << row.offer;
    EXPECT_EQ(heard.refused, 0) << row.offer << ": " << heard.why;
    EXPECT_TRUE(same(heard.items, {"text " + words})) << row.offer;
  }
}

TEST(WebSocketBesideBeast, C_C2_6_AndC_C4_9_WhatBeastSaysIsReadWholeAndInOrder) {
  for (uint64_t seed = 0; seed < 28; ++seed) {
    SeededRandom chance(seed);
    boost::asio::io_context context;
    BeastEnd beast_end(context, random_offer(chance));
    const auto opening = beast_end.open();
    ASSERT_TRUE(opening) << seed;
    std::vector<std::string> said;

    for (int i = 0; i < 10; ++i) say(beast_end.stream(), random_item(chance), chance, said);
    const uint16_t code = kCloseCodes[seed % kCloseCodes.size()];
    const auto reason = random_reason(chance);
    std::string answer;
    append_close_frame(answer, code, "");
    beast_end.give(answer);
    beast_end.stream().close({static_cast<websocket::close_code>(code), reason});
    said.push_back("close " + std::to_string(code) + " " + reason);
    const auto heard = hear_ours(
        beast_end.take_written(),
        {.message_bytes_max = kMessageBytesMax, .deflate = opening->deflate.has_value()}, chance);

    EXPECT_EQ(heard.refused, 0) << seed << ": " << heard.why;
    EXPECT_TRUE(same(heard.items, said)) << seed;
  }
}

TEST(WebSocketBesideBeast, C_C2_9_AndC_C4_7_BeastReadsWhatTheHubSaysWholeAndInOrder) {
  for (uint64_t seed = 0; seed < 28; ++seed) {
    SeededRandom chance(seed);
    boost::asio::io_context context;
    BeastEnd beast_end(context, random_offer(chance));
    const auto opening = beast_end.open();
    ASSERT_TRUE(opening) << seed;
    std::optional<Deflater> deflater;
    if (opening->deflate) deflater.emplace(opening->deflate->hub_bits);
    std::vector<std::string> said;
    std::vector<std::string> answers;
    std::string frames;
    for (int i = 0; i < 10; ++i) {
      const auto item = random_item(chance);
      append_item(frames, item, deflater && chance.below(4) > 0 ? &*deflater : nullptr);
      said.push_back(text_of(item));
      if (item.kind == WebSocketItem::Kind::ping) answers.push_back("pong " + item.data);
    }
    const std::string code = std::to_string(kCloseCodes[seed % kCloseCodes.size()]);
    const auto reason = random_reason(chance);
    append_close_frame(frames, kCloseCodes[seed % kCloseCodes.size()], reason);
    said.push_back("close " + code + " " + reason);
    answers.push_back("close " + code + " ");

    beast_end.give(frames);
    const auto heard = beast_end.hear(chance);
    const auto answered = hear_ours(beast_end.take_written(), {}, chance);

    EXPECT_EQ(heard.refused, 0) << seed << ": " << heard.why;
    EXPECT_TRUE(same(heard.items, said)) << seed;
    EXPECT_TRUE(same(answered.items, answers)) << seed;
  }
}

}  // namespace
}  // namespace carillon
