#include "base/bytes.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace carillon {
namespace {

TEST(Bytes, NumbersLieLittleEndian) {
  std::string out;
  ByteWriter writer(out);

  writer.put(uint8_t{0x01});
  writer.put(uint16_t{0x0203});
  writer.put(uint32_t{0x04050607});
  writer.put(uint64_t{0x08090a0b0c0d0e0f});

  EXPECT_EQ(out, "\x01\x03\x02\x07\x06\x05\x04\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08");
}

TEST(Bytes, AStringCarriesItsLengthAndMayHoldAnything) {
  std::string out;
  ByteWriter(out).put_string(std::string_view("a\0b", 3));

  EXPECT_EQ(out, std::string("\3\0\0\0a\0b", 7));
}

TEST(Bytes, WhatWasPutIsTaken) {
  std::string out;
  ByteWriter writer(out);
  writer.put(int64_t{-2});
  writer.put_string("two");
  writer.put_bytes("rest");

  ByteReader reader(out);

  EXPECT_EQ(reader.take<int64_t>(), -2);
  EXPECT_EQ(reader.take_string(), "two");
  EXPECT_EQ(reader.left(), 4U);
  EXPECT_EQ(reader.take_bytes(4), "rest");
  EXPECT_TRUE(reader.ok());
  EXPECT_TRUE(reader.empty());
}

TEST(Bytes, TakingNothingFromNothingIsFine) {
  ByteReader reader("");

  EXPECT_EQ(reader.take_bytes(0), "");
  EXPECT_TRUE(reader.ok());
}

TEST(Bytes, OnceSomethingIsMissingEveryTakeYieldsZeros) {
  ByteReader reader(std::string_view("\x01\x02\x03", 3));

  EXPECT_EQ(reader.take<uint32_t>(), 0U);

  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.take<uint8_t>(), 0U);
  EXPECT_EQ(reader.take_bytes(1), "");
  EXPECT_EQ(reader.take_string(), "");
  EXPECT_EQ(reader.left(), 0U);
  EXPECT_FALSE(reader.ok());
}

TEST(Bytes, ALengthBeyondTheEndIsNotBelieved) {
  ByteReader reader(std::string_view("\xff\xff\xff\xff...", 7));

  EXPECT_EQ(reader.take_string(), "");
  EXPECT_FALSE(reader.ok());
}

RC_GTEST_PROP(Bytes, StringsComeBackInOrder, (const std::vector<std::string>& texts)) {
  std::string out;
  ByteWriter writer(out);
  for (const auto& text : texts) writer.put_string(text);

  ByteReader reader(out);

  for (const auto& text : texts) RC_ASSERT(reader.take_string() == text);
  RC_ASSERT((reader.ok() && reader.empty()));
}

RC_GTEST_PROP(Bytes, AnythingCutShortIsNoticed, ()) {
  std::string out;
  ByteWriter writer(out);
  writer.put(uint64_t{1});
  writer.put_string(*rc::gen::arbitrary<std::string>());
  const auto kept = *rc::gen::inRange<size_t>(0, out.size());

  ByteReader reader(std::string_view(out).substr(0, kept));
  reader.take<uint64_t>();
  reader.take_string();

  RC_ASSERT(!reader.ok());
}

RC_GTEST_PROP(Bytes, ANumberStoredInPlaceIsLoadedFromAnyAlignment, (uint64_t value)) {
  char place[16] = {};
  const auto at = *rc::gen::inRange<size_t>(0, 9);

  store_little_endian(place + at, value);

  RC_ASSERT(load_little_endian<uint64_t>(place + at) == value);
}

}  // namespace
}  // namespace carillon
