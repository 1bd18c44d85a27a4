// /metrics in the Prometheus text format, version 0.0.4.
#pragma once

#include <vector>

#include "admin/loop_probe.h"
#include "hub/local_hub.h"
#include "net/router.h"

namespace carillon {

// One a loop; everything it borrows outlives it.
class Metrics {
 public:
  Metrics(LocalHub& hub, const std::vector<LoopProbe>& probes) : hub_(hub), probes_(probes) {}
  void add_routes(Router& router);

 private:
  void get(const std::shared_ptr<Exchange>& exchange);

  LocalHub& hub_;
  const std::vector<LoopProbe>& probes_;
};

}  // namespace carillon
