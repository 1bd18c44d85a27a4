// Walks over JSON that check_json has accepted, without building a tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace carillon {

// All of these take text that check_json has accepted, and what they hand out are views of it.

enum class JsonKind { null, boolean, number, string, array, object };
JsonKind json_kind(std::string_view value);

// The text of a string, its escapes undone.
std::string json_text(std::string_view string);

// The members of an object in their order; the value is exactly the bytes between the blanks around
// it.
class JsonMembers {
 public:
  struct Member {
    std::string name;
    std::string_view value;
  };
  explicit JsonMembers(std::string_view object);
  std::optional<Member> next();

 private:
  std::string_view rest_;
};

// The items of an array.
class JsonItems {
 public:
  explicit JsonItems(std::string_view array);
  std::optional<std::string_view> next();

 private:
  std::string_view rest_;
};

}  // namespace carillon
