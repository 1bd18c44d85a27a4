// Every bound that is not in the config, with its reason. Units come last but the bound:
// _bytes_max.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace carillon {

inline constexpr size_t kKiB = 1024;
inline constexpr size_t kMiB = 1024 * kKiB;

// --- names

// A topic appears in every URL, feed and metric: short enough for a target of 8,000 octets with
// several.
inline constexpr size_t kTopicBytesMax = 200;
// The hub's own names wrap a user's topic (`$sys.presence.<topic>`).
inline constexpr size_t kSystemTopicBytesMax = 240;
// Each topic costs about 200 bytes a loop; a runaway publisher of names must meet an end.
inline constexpr size_t kTopicsMax = 100'000;
// Names ever used, deleted ones included: their marks are remembered, so that an old cursor meets a
// gap.
inline constexpr size_t kTopicNamesMax = 1'000'000;
// Patterns in one subscription: each new topic is matched against every one of them.
inline constexpr size_t kPatternsMax = 512;

// --- events

inline constexpr size_t kEventBytesMax = 1 * kMiB;
inline constexpr size_t kBatchEventsMax = 1'000;
inline constexpr size_t kBatchBytesMax = 8 * kMiB;
// One attribute value; longer ones belong in the data (CloudEvents core, size limits).
inline constexpr size_t kAttributeBytesMax = 4 * kKiB;
inline constexpr size_t kExtensionsMax = 64;
// Deeper JSON is an attack on recursive readers (RELIABILITY T22).
inline constexpr size_t kJsonDepthMax = 64;
inline constexpr size_t kIdempotencyKeyBytesMax = 256;

// --- the committer

// One frame: what a crash may leave torn, and what every loop receives as one message.
inline constexpr size_t kCommitBytesMax = 8 * kMiB;
inline constexpr size_t kCommitEventsMax = 4'096;
// Appends waiting for the committer; beyond it publishes are answered 503 before anything is
// stored.
inline constexpr size_t kAppendsWaitingBytesMax = 64 * kMiB;
inline constexpr size_t kAppendsWaitingMax = 65'536;
// Repeats remembered: at about 160 bytes an entry, 320 MB at the most.
inline constexpr size_t kIdempotencyEntriesMax = 2'000'000;
inline constexpr std::chrono::hours kIdempotencyWindow{24};
// A memory topic keeps what a late joiner of presence or ticks wants, no more.
inline constexpr size_t kMemoryTopicEventsMax = 10'000;
inline constexpr size_t kMemoryTopicBytesMax = 4 * kMiB;
// All memory topics together: many of them must not take the machine's memory.
inline constexpr size_t kMemoryTopicsBytesMax = 512 * kMiB;
// What a source says of itself and how far it came: an LSN, an ETag, a sequence.
inline constexpr size_t kCheckpointBytesMax = 64 * kKiB;
// Positions reserved ahead, renewed at half: one journal record per half a million memory events.
inline constexpr uint64_t kPositionsReserved = 1ULL << 20;

// --- reading

// One turn of a reader in the pool: long enough to amortise the system calls, short enough to be
// fair.
inline constexpr size_t kReadBytesMax = 256 * kKiB;
inline constexpr size_t kPageEventsMax = 1'000;
inline constexpr size_t kPageEventsDefault = 100;
inline constexpr size_t kPageBytesMax = 8 * kMiB;
// `-N` and a page without `after` look for matching events among so many: of the one topic that is
// asked for, else of the whole log.
inline constexpr uint64_t kLookBackEventsMax = 100'000;
// A conflated window: beyond it the window is cut and the next one follows at once.
inline constexpr size_t kConflateEventsMax = 65'536;
inline constexpr size_t kConflateBytesMax = 16 * kMiB;
// A gap names at most this many topics; `topics_total` says how many there were.
inline constexpr size_t kGapTopicsMax = 20;
inline constexpr std::chrono::seconds kLongPollMax{60};

// --- HTTP (CONFORMANCE F2)

inline constexpr size_t kHeadBytesMax = 32 * kKiB;
inline constexpr size_t kHeaderFieldsMax = 100;
// RFC 9112 section 3 wants at least 8,000 octets.
inline constexpr size_t kTargetBytesMax = 8 * kKiB;
inline constexpr size_t kChunkExtensionBytesMax = 256;
// Answers that a client has not taken yet: beyond it nothing more is read or made for it.
inline constexpr size_t kAnswersBytesMax = 256 * kKiB;
// How long a client may take nothing of an answer.
inline constexpr std::chrono::seconds kWriteStall{30};
// Requests read ahead of their answers on one connection.
inline constexpr size_t kPipelinedMax = 64;
inline constexpr std::chrono::seconds kHeadTimeout{10};
inline constexpr std::chrono::seconds kIdleTimeout{75};
// A body may take this long before its rate counts, then at least kBodyBytesPerSecondMin.
inline constexpr std::chrono::seconds kBodyGrace{10};
inline constexpr size_t kBodyBytesPerSecondMin = 1 * kKiB;
// Bodies being gathered on one loop, all of them together: beyond it a request gets 503.
inline constexpr size_t kGatheredBytesMax = 256 * kMiB;
// Bytes of cut frames that stalled readers pin on one loop; beyond it the longest-stalled one is
// ended.
inline constexpr size_t kPinnedBytesMax = 64 * kMiB;

// --- WebSocket

// A structured event whose megabyte of data is in base64, with its attributes.
inline constexpr size_t kSessionTextBytesMax = kEventBytesMax / 3 * 4 + kEventBytesMax / 2;
// Publishes of one connection that wait for their sync; then no more is read from it.
inline constexpr size_t kPublishCredit = 256;
// Each holds a reader, and two hundred bytes of the heap.
inline constexpr size_t kSessionSubscriptionsMax = 100;
// Events that a subscription with credit may be ahead of its acks: their places are remembered.
inline constexpr uint64_t kCreditMax = 1'024;
// Each is an event at joining and one at leaving.
inline constexpr size_t kSessionPresencesMax = 32;
inline constexpr size_t kPresenceStateBytesMax = 4 * kKiB;
// Repeated in each answer.
inline constexpr size_t kOpIdBytesMax = 128;
// A browser cannot send a token with the upgrade: so long it may take to send one.
inline constexpr std::chrono::seconds kSessionAuthTime{5};

// --- files

inline constexpr size_t kJournalBytesDefault = 64 * kMiB;
inline constexpr size_t kJournalBytesMin = 1 * kMiB;
// A frame starts on a page, so that no acknowledged block is ever rewritten.
inline constexpr size_t kFrameAlignment = 4 * kKiB;
// The end of a journal, kept for marks, trims and reservations when no spare is filled: at least
// this, and a sixteenth of it.
inline constexpr size_t kJournalReserveBytes = 64 * kKiB;
inline constexpr size_t kSparesWanted = 3;
// Journals that wait for their seal: beyond it sealing goes before a second spare, and as fast as
// the disk lets it, since a restart reads them all.
inline constexpr size_t kRolledWanted = 4;
// Places of damage told apart; a log with more is damaged as a whole.
inline constexpr size_t kDamagesMax = 1'000;
// Entries of unsealed journals looked at under the log's mutex by one read: commits wait for it.
inline constexpr size_t kIndexEntriesARead = 65'536;

static_assert(kEventBytesMax <= kBatchBytesMax);
static_assert(kBatchEventsMax <= kCommitEventsMax);
static_assert(kTopicBytesMax < kSystemTopicBytesMax);
static_assert(kJournalReserveBytes * 4 <= kJournalBytesMin);

}  // namespace carillon
