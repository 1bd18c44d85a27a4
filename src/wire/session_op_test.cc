#include "wire/session_op.h"

#include <gmock/gmock.h>

#include "base/limits.h"

namespace carillon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

SessionOp parsed(std::string_view text) {
  auto op = parse_session_op(text);
  EXPECT_TRUE(op) << (op ? "" : op.error().problem.detail);
  return op ? *op : SessionOp{};
}

TEST(SessionOp, SubscribeHasTopicsOptionsAndCredit) {
  const auto op = parsed(R"({"op":"subscribe","id":"s1","topics":["a.*","b"],"after":"first",)"
                         R"("type":"t*","conflate":"key","rate":1.5,"credit":256,"unknown":[1]})");

  EXPECT_EQ(op.kind, SessionOp::Kind::subscribe);
  EXPECT_EQ(op.id, "s1");
  EXPECT_THAT(op.topics, ElementsAre("a.*", "b"));
  EXPECT_THAT(op.options, ElementsAre(Pair("after", "first"), Pair("type", "t*"),
                                      Pair("rate", "1.5"), Pair("conflate", "key")));
  EXPECT_EQ(op.credit, 256U);
}

TEST(SessionOp, PublishKeepsTheDataAsItWasWritten) {
  const auto op = parsed(R"({"op":"publish","id":"p","topic":"t","data":{"n":1.10},"key":"k"})");

  EXPECT_EQ(op.topic, "t");
  EXPECT_EQ(op.event.event.data, R"({"n":1.10})");
  EXPECT_EQ(op.event.event.data_content_type, "application/json");
  EXPECT_EQ(op.event.event.key, "k");
  EXPECT_FALSE(op.event.id_given) << "the op's id is not the event's";
}

TEST(SessionOp, PublishTakesAWholeEvent) {
  const auto op = parsed(R"({"op":"publish","id":"p","topic":"t","event":{"specversion":"1.0",)"
                         R"("id":"e","source":"/s","type":"x","data_base64":"AAE="}})");

  EXPECT_EQ(op.event.event.id, "e");
  EXPECT_EQ(op.event.event.data, std::string("\0\1", 2));
}

TEST(SessionOp, PresenceHasItsStateAsJson) {
  EXPECT_EQ(parsed(R"({"op":"presence","id":"1","topic":"t","state":{"a": 1}})").state,
            R"({"a": 1})");
  EXPECT_EQ(parsed(R"({"op":"presence","id":"1","topic":"t"})").state, "null");
}

TEST(SessionOp, OfWhateverMistakeTheIdComesBackWhenItCouldBeRead) {
  for (const char* text :
       {R"({"op":"dance","id":"x"})", R"({"id":"x"})", R"({"op":"ack","id":"x"})",
        R"({"op":"auth","id":"x","token":1})", R"({"op":"subscribe","id":"x","topics":"a"})",
        R"({"op":"subscribe","id":"x","topics":[1]})"}) {
    const auto op = parse_session_op(text);
    ASSERT_FALSE(op) << text;
    EXPECT_EQ(op.error().id, "x") << text;
  }
  for (const char* text : {"", "x", "[]", "{}", R"({"op":"ping"})", R"({"op":"ping","id":""})"}) {
    const auto op = parse_session_op(text);
    ASSERT_FALSE(op) << text;
    EXPECT_EQ(op.error().id, "") << text;
    EXPECT_EQ(op.error().problem.status, 400) << text;
  }
  EXPECT_FALSE(
      parse_session_op(R"({"op":"ping","id":")" + std::string(kOpIdBytesMax + 1, 'i') + R"("})"));
}

TEST(SessionOp, AnswersAreOpsToo) {
  EXPECT_EQ(ok_op("a\"b"), R"({"op":"ok","id":"a\"b"})");
  EXPECT_EQ(ok_op("a", R"("sub":1)"), R"({"op":"ok","id":"a","sub":1})");
  EXPECT_THAT(error_op("", make_problem(kBadJson, "d", "f")),
              HasSubstr(R"({"op":"error","id":null,"problem":{"type":"/problems/bad-json")"));
}

}  // namespace
}  // namespace carillon
