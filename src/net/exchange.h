// One request and its answer, whatever HTTP version carries them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/loop.h"
#include "net/transport.h"
#include "wire/http_head.h"
#include "wire/problem.h"
#include "wire/target.h"

namespace carillon {

struct Response {
  int status = 200;
  std::vector<HeaderField> fields;  // content-length and connection are the exchange's
  std::string body;
  bool endless = false;  // the head of a stream, asked for by HEAD: it has no length
};

Response problem_response(const Problem& problem, std::string_view extra_members_json = "");

// How the bytes of a stream are framed by the HTTP version: each run of whole frames is wrapped
// once, and the wrapped bytes are what a subscription class shares.
enum class StreamFraming {
  chunked,  // HTTP/1.1
  plain,    // HTTP/1.0, HTTP/2: nothing around the bytes
};

// Wraps what lies behind `from` in `out` as one chunk, in place.
void close_stream_frame(std::string& out, size_t from, StreamFraming framing);
// Room for the chunk head that close_stream_frame fills in. The frame's bytes are appended behind
// it.
size_t open_stream_frame(std::string& out, StreamFraming framing);

// What owns the writing side of a stream once its head is sent (a reader of out/). Called on the
// loop's thread.
class StreamOwner {
 public:
  virtual ~StreamOwner() = default;
  virtual void on_writable() = 0;
  // The peer went away or the connection was ended. The stream's handle is dead from here on.
  virtual void on_gone() = 0;
  // For /v1/connections: protocol, topics and how far behind, as JSON members without braces.
  virtual std::string describe() const = 0;
};

// What owns both sides of a connection that was upgraded. Called on the loop's thread.
class DuplexOwner : public StreamOwner {
 public:
  // How many of these bytes it took. Fewer than all: the rest waits, and nothing more is read,
  // until StreamHandle::resume_reading().
  virtual size_t on_bytes(std::string_view bytes) = 0;
  // About once a second.
  virtual void on_sweep(MonotonicTime now) = 0;
  // The hub is ending: says so, and ends.
  virtual void on_drain() = 0;
};

// The writing side of an endless answer. Owned by its connection; valid until StreamOwner::on_gone
// or end().
class StreamHandle {
 public:
  virtual ~StreamHandle() = default;
  virtual Transport& transport() = 0;
  virtual StreamFraming framing() const = 0;
  virtual Loop& loop() = 0;
  // Nothing stands before what is written now: not the answer's head, nor a frame that was cut.
  virtual bool is_clear() const = 0;
  // on_writable once the transport takes bytes again.
  virtual void wait_writable() = 0;
  // After a DuplexOwner took less than all. Not from within on_bytes.
  virtual void resume_reading() {}
  // Bytes that it keeps for this peer alone, and when the peer last took some of them.
  virtual size_t held_bytes() const { return 0; }
  virtual MonotonicTime taken_at() const { return {}; }
  // Ends the answer in order (the last chunk) and, behind it, the connection. on_gone is not
  // called. `pending` are bytes not yet taken, sent before the end as far as the peer takes them.
  virtual void end(std::string pending, std::string_view reason) = 0;
  // Cuts the connection: the peer takes nothing, or is not to be trusted. on_gone is not called.
  virtual void cut(std::string_view reason) = 0;
  virtual uint64_t id() const = 0;
  virtual std::string peer() const = 0;
};

// Takes a body piece by piece.
class BodySink {
 public:
  virtual ~BodySink() = default;
  // False: wait with the next piece until Exchange::resume_body().
  virtual bool on_body(std::string_view bytes) = 0;
  virtual void on_body_end() = 0;
  // The client went away in the middle.
  virtual void on_body_gone() = 0;
};

// Owned by its connection and by whoever still has to answer. After the connection is gone every
// call is a no-op. Used on its loop's thread alone.
class Exchange {
 public:
  virtual ~Exchange() = default;

  virtual const RequestHead& head() const = 0;
  virtual const Target& target() const = 0;
  virtual Loop& loop() = 0;
  virtual std::string peer() const = 0;  // address without port
  virtual bool peer_is_loopback() const = 0;
  virtual bool has_body() const = 0;

  // At most one of these two, from HttpService::begin. The whole body, at most `bytes_max` (else
  // 413), then `done`.
  virtual void read_body(size_t bytes_max, std::move_only_function<void(std::string)> done) = 0;
  virtual void stream_body(std::unique_ptr<BodySink> sink) = 0;
  virtual void resume_body() = 0;

  // Goes with whatever is answered: CORS.
  virtual void add_fields(std::vector<HeaderField> fields) = 0;
  // For /v1/connections while it waits: JSON members without braces.
  virtual void describe_as(std::string members) = 0;

  // The answer. Answers leave in the order of the requests.
  virtual void respond(Response response) = 0;
  // The head of an endless answer; `start` follows it. Called when the answer is due; null when the
  // peer is gone. For HEAD the head alone is the answer and null is returned.
  virtual StreamHandle* start_stream(Response head, std::string start,
                                     std::unique_ptr<StreamOwner> owner) = 0;
  // An upgrade is being decided on: what follows on the connection is not read before
  // start_duplex, or an answer that refuses it. To be called from HttpService::begin.
  virtual void hold_for_upgrade() = 0;
  // The head of a 101, behind which both sides are the owner's. As start_stream.
  virtual StreamHandle* start_duplex(Response head, std::unique_ptr<DuplexOwner> owner) = 0;
  // Endless answers wait for the ones before them: runs `task` when this exchange is the next to be
  // answered.
  virtual void when_due(std::move_only_function<void()> task) = 0;
  // Called when the client goes away before the answer: for long-polls. A client that only ends its
  // sending while it waits counts as gone.
  virtual void on_gone(std::move_only_function<void()> task) = 0;
};

// What the requests of a server are handed to; one a loop.
class HttpService {
 public:
  virtual ~HttpService() = default;
  // The head was read. Answers now or later; asks for the body or leaves it.
  virtual void begin(std::shared_ptr<Exchange> exchange) = 0;
};

}  // namespace carillon
