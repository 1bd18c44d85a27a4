#include "out/socket_subscription.h"

namespace carillon {

void SocketSubscription::end(std::string pending, std::string_view reason) {
  if (socket_.closing()) return;
  socket_.send(pending);
  if (reason == "gap") {
    return socket_.close(kCloseGap, "events before the next one are gone: read on with gap=ok",
                         reason);
  }
  socket_.on_drain();
}

void SocketSubscription::cut(std::string_view reason) {
  if (socket_.closing()) return;
  if (reason == kClientReset) return socket_.cut(reason);
  if (reason == "stalled" || reason == "pinned")
    return socket_.close(kCloseTooSlow, "too slow: nothing was taken for too long", reason);
  socket_.close(kCloseInternal, "the log cannot be read", reason);
}

}  // namespace carillon
