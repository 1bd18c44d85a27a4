// Errors as clients read them: RFC 9457 problem details, from a closed list
// (docs/reference/problems.md).
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "wire/http_head.h"

namespace carillon {

// One entry of the list. `slug` is the last segment of the problem's `type`, `/problems/<slug>`.
struct ProblemKind {
  int status;
  std::string_view slug;
  std::string_view title;
};

inline constexpr ProblemKind kBadRequest{400, "bad-request", "The request is malformed"};
inline constexpr ProblemKind kBadTopic{400, "bad-topic", "The topic or pattern is not well-formed"};
inline constexpr ProblemKind kBadCursor{400, "bad-cursor", "The cursor is not well-formed"};
inline constexpr ProblemKind kBadJson{400, "bad-json", "The body is not JSON"};
inline constexpr ProblemKind kBadEvent{400, "bad-event", "The event breaks a rule of CloudEvents"};
inline constexpr ProblemKind kUnauthorized{401, "unauthorized", "A valid token is needed"};
inline constexpr ProblemKind kForbidden{403, "forbidden", "The token lacks the right"};
inline constexpr ProblemKind kOriginNotAllowed{403, "origin-not-allowed",
                                               "The page's origin is not allowed"};
inline constexpr ProblemKind kHostNotAllowed{403, "host-not-allowed",
                                             "The Host is not one of the hub's names"};
inline constexpr ProblemKind kNotFound{404, "not-found", "There is nothing here"};
inline constexpr ProblemKind kMethodNotAllowed{405, "method-not-allowed",
                                               "The method is not allowed here"};
inline constexpr ProblemKind kNotAcceptable{406, "not-acceptable",
                                            "No form that the client accepts"};
inline constexpr ProblemKind kRequestTimeout{408, "request-timeout", "The request came too slowly"};
inline constexpr ProblemKind kConflict{409, "conflict", "The present state forbids it"};
inline constexpr ProblemKind kIdempotencyConflict{409, "idempotency-conflict",
                                                  "The key or id was used for another event"};
inline constexpr ProblemKind kAlreadySubscribed{409, "already-subscribed",
                                                "The session has this subscription already"};
inline constexpr ProblemKind kCursorExpired{410, "cursor-expired",
                                            "Events behind the cursor are gone"};
inline constexpr ProblemKind kEventRemoved{410, "event-removed", "The event is gone"};
inline constexpr ProblemKind kPayloadTooLarge{413, "payload-too-large", "The body is too large"};
inline constexpr ProblemKind kUriTooLong{414, "uri-too-long", "The request target is too long"};
inline constexpr ProblemKind kUnsupportedMediaType{415, "unsupported-media-type",
                                                   "The body's format is not understood"};
inline constexpr ProblemKind kExpectationFailed{417, "expectation-failed",
                                                "The expectation cannot be met"};
inline constexpr ProblemKind kUpgradeRequired{426, "upgrade-required",
                                              "Only WebSocket is spoken here"};
inline constexpr ProblemKind kTooManyRequests{429, "too-many-requests",
                                              "The client exceeds its rate"};
inline constexpr ProblemKind kHeadersTooLarge{431, "headers-too-large",
                                              "The request head is too large"};
inline constexpr ProblemKind kInternal{500, "internal", "The hub failed"};
inline constexpr ProblemKind kNotImplemented{501, "not-implemented",
                                             "The hub has no such method or coding"};
inline constexpr ProblemKind kOverloaded{503, "overloaded", "The hub cannot take this now"};
inline constexpr ProblemKind kHttpVersionNotSupported{505, "http-version-not-supported",
                                                      "The HTTP version is not spoken here"};
inline constexpr ProblemKind kStorageFull{507, "storage-full", "The disk is full"};

// All of them, in the order of their status.
inline constexpr std::array kProblemKinds = {
    kBadRequest,
    kBadTopic,
    kBadCursor,
    kBadJson,
    kBadEvent,
    kUnauthorized,
    kForbidden,
    kOriginNotAllowed,
    kHostNotAllowed,
    kNotFound,
    kMethodNotAllowed,
    kNotAcceptable,
    kRequestTimeout,
    kConflict,
    kIdempotencyConflict,
    kAlreadySubscribed,
    kCursorExpired,
    kEventRemoved,
    kPayloadTooLarge,
    kUriTooLong,
    kUnsupportedMediaType,
    kExpectationFailed,
    kUpgradeRequired,
    kTooManyRequests,
    kHeadersTooLarge,
    kInternal,
    kNotImplemented,
    kOverloaded,
    kHttpVersionNotSupported,
    kStorageFull,
};

inline constexpr std::string_view kProblemContentType = "application/problem+json";

// One answer. A value; `slug` and `title` point into the list.
struct Problem {
  int status;
  std::string_view slug;
  std::string_view title;
  std::string detail;  // what, which
  std::string fix;     // how to mend it
};

Problem make_problem(const ProblemKind& kind, std::string detail, std::string fix);
// By the refusal's status.
Problem make_problem(HttpRefusal refusal);

// `extra_members_json` are members of the same object, `"a":1,"b":2`, that the kind has besides.
std::string problem_json(const Problem& problem, std::string_view extra_members_json = "");

}  // namespace carillon
