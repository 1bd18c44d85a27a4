// Expected failure as a value: Result<T>, Error, Errc, and the TRY macros that hand an error
// onwards.
#pragma once

#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace carillon {

// What the caller can do about a failure. The human reads Error::detail.
enum class Errc {
  bad_input,    // the request is wrong; the same request will fail again
  not_found,    // the thing named does not exist
  conflict,     // the state forbids it
  too_large,    // larger than a named limit
  too_many,     // more than a named limit; fewer may pass
  denied,       // no right to do it
  unavailable,  // not now; try again later
  full,         // no space; try again when there is some
  corrupt,      // stored bytes are damaged
  io,           // the disk or network failed
  busy,         // somebody else holds it
};

std::string_view name_of(Errc code);

struct Error {
  Errc code;
  std::string detail;  // what, which, how to mend it
};

template <typename T = void>
using Result = std::expected<T, Error>;

// fail(Errc::corrupt, "journal {} holds no frame", id) is what a function returns.
template <typename... Args>
[[nodiscard]] std::unexpected<Error> fail(Errc code, fmt::format_string<Args...> text,
                                          Args&&... args) {
  return std::unexpected(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

}  // namespace carillon

// TRY(auto file, disk.open(name)); declares `file`, or returns the error. TRY_VOID(expr) for
// Result<>.
#define CARILLON_CONCAT_INNER(a, b) a##b
#define CARILLON_CONCAT(a, b) CARILLON_CONCAT_INNER(a, b)
#define CARILLON_TRY_1(expression)                                           \
  do {                                                                       \
    if (auto carillon_result = (expression); !carillon_result.has_value()) { \
      return std::unexpected(std::move(carillon_result).error());            \
    }                                                                        \
  } while (false)
#define CARILLON_TRY_2_NAMED(name, declaration, ...)                      \
  auto name = (__VA_ARGS__);                                              \
  if (!name.has_value()) return std::unexpected(std::move(name).error()); \
  declaration = std::move(*name)
#define CARILLON_TRY_2(declaration, ...) \
  CARILLON_TRY_2_NAMED(CARILLON_CONCAT(carillon_result_, __LINE__), declaration, __VA_ARGS__)
#define CARILLON_TRY_PICK(_1, _2, _3, _4, _5, name, ...) name
#define TRY(...)                                                                                 \
  CARILLON_TRY_PICK(__VA_ARGS__, CARILLON_TRY_2, CARILLON_TRY_2, CARILLON_TRY_2, CARILLON_TRY_2, \
                    CARILLON_TRY_1)                                                              \
  (__VA_ARGS__)
