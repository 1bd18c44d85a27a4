// The rules that hold for every request: Host, Origin, CORS, and the right to manage.
#pragma once

#include "hub/access.h"
#include "net/router.h"

namespace carillon {

// Immutable; every loop's router asks the one copy.
//
// Host: against a page that rebinds its name to this machine. Origin: against a page of another
// site that uses the reader's place in the network (RELIABILITY T15, T16, T24).
class Gate : public RequestGate {
 public:
  Gate(const Config& config, const Access& access);

  std::optional<Response> refuse(const Exchange& exchange, RouteRight right) const override;
  std::vector<HeaderField> answer_fields(const Exchange& exchange) const override;
  Response preflight(const Exchange& exchange, const std::string& methods) const override;

 private:
  bool host_allowed(const Exchange& exchange) const;
  bool origin_allowed(const Exchange& exchange) const;

  const Config& config_;
  const Access& access_;
};

}  // namespace carillon
