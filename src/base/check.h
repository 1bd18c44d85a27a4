// CHECK: an invariant whose failure is a bug. On in release: a hub that goes on with broken state
// loses events.
#pragma once

namespace carillon {

[[noreturn]] void check_failed(const char* file, int line, const char* expression);

}  // namespace carillon

#define CHECK(expression)                                        \
  do {                                                           \
    if (!(expression)) [[unlikely]] {                            \
      ::carillon::check_failed(__FILE__, __LINE__, #expression); \
    }                                                            \
  } while (false)
