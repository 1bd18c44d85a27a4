// The door in over plain HTTP: POST /t/{topic} in all its forms.
#pragma once

#include <memory>
#include <string>

#include "base/random.h"
#include "hub/access.h"
#include "hub/local_hub.h"
#include "net/router.h"
#include "wire/cloudevents.h"

namespace carillon {

// One a loop; everything it borrows outlives it. Publishes of one turn go to the committer together
// and are answered after the sync, in order.
class HttpPublish {
 public:
  HttpPublish(LocalHub& hub, const Access& access, const Clock& clock, Random& random);

  void add_routes(Router& router);

 private:
  using ExchangePtr = std::shared_ptr<Exchange>;

  void post_topic(const ExchangePtr& exchange, const std::string& topic);
  bool permit(Exchange& exchange, const std::string& topic);
  void take_single(const ExchangePtr& exchange, const std::string& topic, std::string body,
                   bool structured);
  void take_batch(const ExchangePtr& exchange, const std::string& topic, const std::string& body);

  LocalHub& hub_;
  const Access& access_;
  const Clock& clock_;
  Random& random_;
};

}  // namespace carillon
