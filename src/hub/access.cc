#include "hub/access.h"

#include <openssl/crypto.h>

#include "base/text.h"

namespace carillon {

namespace {

Digest digest_of(std::string_view token) { return Digester().add("token").add(token).finish(); }

}  // namespace

bool Rights::may_publish(std::string_view topic) const {
  return !is_system_topic(topic) && (everything || any_matches(publish, topic));
}

bool Rights::may_subscribe(const TopicPattern& pattern) const {
  return everything || any_covers(subscribe, pattern);
}

Access::Access(const Config& config)
    : loopback_may_do_everything_(config.mode == HubMode::dev && config.tokens.empty()) {
  public_.subscribe = config.public_subscribe;
  for (const TokenConfig& token : config.tokens) {
    Rights rights{.publish = token.publish,
                  .subscribe = token.subscribe,
                  .manage = token.manage,
                  .anonymous = false};
    rights.subscribe.insert(rights.subscribe.end(), config.public_subscribe.begin(),
                            config.public_subscribe.end());
    tokens_.push_back({digest_of(token.token), std::move(rights)});
  }
}

std::optional<Rights> Access::rights_of(std::optional<std::string_view> bearer,
                                        bool loopback) const {
  if (!bearer) {
    Rights rights = public_;
    rights.everything = loopback_may_do_everything_ && loopback;
    return rights;
  }
  const Digest given = digest_of(*bearer);
  const Known* found = nullptr;
  for (const Known& known : tokens_) {
    if (CRYPTO_memcmp(known.digest.bytes.data(), given.bytes.data(), given.bytes.size()) == 0)
      found = &known;
  }
  if (found == nullptr) return std::nullopt;
  return found->rights;
}

std::optional<Rights> Access::rights_for(std::string_view authorization, bool loopback) const {
  if (authorization.empty()) return rights_of(std::nullopt, loopback);
  constexpr std::string_view kScheme = "bearer ";
  if (!equals_ignoring_case(authorization.substr(0, kScheme.size()), kScheme)) return std::nullopt;
  return rights_of(trim(authorization.substr(kScheme.size())), loopback);
}

}  // namespace carillon
