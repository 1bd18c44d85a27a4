// Who may do what: default deny.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "event/topic.h"
#include "hub/config.h"

namespace carillon {

// What a credential allows. A value.
struct Rights {
  std::vector<TopicPattern> publish;
  std::vector<TopicPattern> subscribe;
  bool manage = false;
  bool everything = false;  // a loopback peer of `dev`
  bool anonymous = true;    // no token was given

  bool may_publish(std::string_view topic) const;
  // Every topic that `pattern` can match may be read: wider than the right is refused, never cut to
  // a part.
  bool may_subscribe(const TopicPattern& pattern) const;
  bool may_manage() const { return everything || manage; }
};

// Immutable after construction: every loop reads the one copy.
class Access {
 public:
  explicit Access(const Config& config);

  // The rights of a request. Nothing: a token was given and is wrong, which is refused even where
  // none is needed. `bearer` is absent when no token was given. Tokens are compared as digests, all
  // of them, in constant time.
  std::optional<Rights> rights_of(std::optional<std::string_view> bearer, bool loopback) const;
  // The same by the value of an Authorization field, empty when there was none. A scheme that is
  // not Bearer is a wrong token.
  std::optional<Rights> rights_for(std::string_view authorization, bool loopback) const;

 private:
  struct Known {
    Digest digest;
    Rights rights;
  };
  std::vector<Known> tokens_;
  Rights public_;
  bool loopback_may_do_everything_;
};

}  // namespace carillon
