// SPDX-License-Identifier: MIT
// Bytes of the journal: segment header and record. docs/journal.md is the specification; this file is its only
// implementation. Private to pipelines/publish.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace kanhu::journal {

using Bytes = std::vector<std::byte>;

inline constexpr std::uint16_t kFormatVersion = 1;
inline constexpr std::size_t kHeaderBytes = 128;
inline constexpr std::size_t kRecordFixedBytes = 60;        // in front of the names and the body
inline constexpr std::size_t kRecordLeastBytes = 92;        // with the hash
inline constexpr std::size_t kRecordMostBytes = 32u << 20;  // a longer length field is damage

// kEarly: an event written ahead of its place, to the reserve; in its place it stands again as kEvent.
enum class RecordKind : std::uint8_t { kEvent = 1, kSnapshot = 2, kEpoch = 3, kGap = 4, kEarly = 5 };

// Set in an event's flags when it was handed out before it was durable.
inline constexpr std::uint16_t kFlagProvisional = 1;
inline constexpr std::uint16_t kFlagLate = 2;  // handed out with durable = false

struct SegmentHeader {
  std::uint16_t version = kFormatVersion;
  std::uint64_t number = 0;  // counts segments of this journal from 1
  std::array<std::byte, 16> epoch{};
  std::uint32_t epoch_ordinal = 0;  // counts openings from 1
  std::uint64_t first_seq = 0;      // the first event this segment may hold
  std::int64_t created_us = 0;
  Sha256 previous_hash{};  // of the record in front of this segment; zeros in front of the first
  std::string epoch_text() const { return to_hex(epoch); }
};

struct Record {
  RecordKind kind = RecordKind::kEvent;
  std::uint8_t phase = 0;  // kanhu::Phase of an event
  std::uint16_t flags = 0;
  std::uint32_t epoch_ordinal = 0;
  std::uint64_t seq = 0;  // of an event its own; otherwise the last one given in front of it
  std::uint64_t stream_seq = 0;
  std::int64_t time_us = 0;      // capture
  std::int64_t accepted_us = 0;  // when the number was given
  std::string stream, source, type, body;
  Sha256 hash{};
};

// What is to be written of a record; the texts belong to somebody else.
struct RecordView {
  RecordView() = default;
  RecordView(const Record& record);  // NOLINT(google-explicit-constructor): as a string is a string_view

  RecordKind kind = RecordKind::kEvent;
  std::uint8_t phase = 0;
  std::uint16_t flags = 0;
  std::uint32_t epoch_ordinal = 0;
  std::uint64_t seq = 0, stream_seq = 0;
  std::int64_t time_us = 0, accepted_us = 0;
  std::string_view stream, source, type, body;
};

Bytes encode(const SegmentHeader& header);

// Appends the record to `into`; its hash is SHA-256(previous || record without marker, length, CRC and hash).
Sha256 encode(const RecordView& record, const Sha256& previous, Bytes& into);
std::size_t encoded_size(const RecordView& record);

// kCorrupt: not a header. kNewerFormat: a header whose checksum holds and whose version is not ours.
Result<SegmentHeader> decode_header(std::span<const std::byte> bytes);

// A record at the start of `bytes`: complete and with a valid checksum, or nothing. `size` is what it takes up.
struct Decoded {
  Record record;
  std::size_t size = 0;
  std::span<const std::byte> hashed;  // the part the chain hash covers
};
std::optional<Decoded> decode_record(std::span<const std::byte> bytes);

// The chain hash a decoded record must carry behind `previous`.
Sha256 chain_hash(const Sha256& previous, std::span<const std::byte> hashed);

// Its first eight bytes: enough to know a record again in an index.
std::uint64_t mark_of(const Sha256& hash);

// 32 hex digits to 16 bytes; zeros for anything else.
std::array<std::byte, 16> epoch_bytes(std::string_view text);

}  // namespace kanhu::journal
