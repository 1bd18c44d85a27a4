#include "base/hash.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>
#include <unordered_set>

namespace carillon {
namespace {

Digest digest_of(const std::vector<std::string>& parts) {
  Digester digester;
  for (const auto& part : parts) digester.add(part);
  return digester.finish();
}

TEST(Digester, PartsThatJoinToTheSameTextDifferAsT7Wants) {
  const std::set<Digest> digests = {digest_of({"a_b", "c"}),    digest_of({"a", "b_c"}),
                                    digest_of({"a_bc"}),        digest_of({"a_bc", ""}),
                                    digest_of({"", "a_bc"}),    digest_of({"a", "_", "bc"}),
                                    digest_of({"a_b", "", "c"})};

  EXPECT_EQ(digests.size(), 7U);
}

TEST(Digester, NoPartAndOneEmptyPartDiffer) { EXPECT_NE(digest_of({}), digest_of({""})); }

TEST(Digester, APartThatLooksLikeALengthForgesNoBoundary) {
  const std::string length_of_one("\1\0\0\0\0\0\0\0", 8);

  EXPECT_NE(digest_of({"a", "b"}), digest_of({"a" + length_of_one + "b"}));
  EXPECT_NE(digest_of({"", "a"}), digest_of({length_of_one + "a"}));
}

RC_GTEST_PROP(Digester, EqualPartsHaveEqualDigestsAndOthersHaveOthers,
              (const std::vector<std::string>& a, const std::vector<std::string>& b)) {
  RC_ASSERT(digest_of(a) == digest_of(std::vector(a)));
  RC_ASSERT((digest_of(a) == digest_of(b)) == (a == b));
}

RC_GTEST_PROP(Digester, MovingABoundaryChangesTheDigest, ()) {
  const auto text = *rc::gen::nonEmpty<std::string>();
  const auto first = *rc::gen::inRange<size_t>(0, text.size() + 1);
  const auto second = *rc::gen::inRange<size_t>(0, text.size() + 1);
  RC_PRE(first != second);

  RC_ASSERT(digest_of({text.substr(0, first), text.substr(first)}) !=
            digest_of({text.substr(0, second), text.substr(second)}));
}

TEST(DigestHash, SpreadsDigestsOverTheTable) {
  std::unordered_set<size_t> hashes;
  for (int i = 0; i < 1'000; ++i) hashes.insert(DigestHash()(digest_of({std::to_string(i)})));

  EXPECT_EQ(hashes.size(), 1'000U);
}

TEST(StringHash, AViewAndAStringOfTheSameTextHashAlike) {
  const std::string text = "orders.eu";

  EXPECT_EQ(StringHash()(text), StringHash()(std::string_view("orders.eu")));
}

}  // namespace
}  // namespace carillon
