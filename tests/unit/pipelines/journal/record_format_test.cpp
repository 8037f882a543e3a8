// SPDX-License-Identifier: MIT
#include "pipelines/journal/record_format.hpp"

#include <catch2/catch.hpp>

using namespace kanhu;
using namespace kanhu::journal;

namespace {

Record sample() {
  Record record;
  record.phase = 2;
  record.flags = kFlagLate;
  record.epoch_ordinal = 7;
  record.seq = 123456789012ull;
  record.stream_seq = 42;
  record.time_us = -5;
  record.accepted_us = 1'790'000'000'000'001;
  record.stream = "station-a";
  record.source = "cam-1";
  record.type = "presence.ended";
  record.body = R"({"a":1})";
  return record;
}

SegmentHeader header() {
  SegmentHeader made;
  made.number = 3;
  made.epoch = epoch_bytes("0123456789abcdef0123456789abcdef");
  made.epoch_ordinal = 2;
  made.first_seq = 99;
  made.created_us = 1'790'000'000'000'000;
  made.previous_hash = sha256("before");
  return made;
}

}  // namespace

TEST_CASE("a record reads back as it was written") {
  Record written = sample();
  Bytes bytes;
  encode(written, Sha256{}, bytes);
  CHECK(bytes.size() == encoded_size(written));
  const auto read = decode_record(bytes);
  REQUIRE(read);
  CHECK(read->size == bytes.size());
  CHECK(read->record.kind == RecordKind::kEvent);
  CHECK(read->record.phase == 2);
  CHECK(read->record.flags == kFlagLate);
  CHECK(read->record.epoch_ordinal == 7);
  CHECK(read->record.seq == written.seq);
  CHECK(read->record.stream_seq == 42);
  CHECK(read->record.time_us == -5);
  CHECK(read->record.accepted_us == written.accepted_us);
  CHECK(read->record.stream == "station-a");
  CHECK(read->record.source == "cam-1");
  CHECK(read->record.type == "presence.ended");
  CHECK(read->record.body == written.body);
  CHECK(read->record.hash == chain_hash(Sha256{}, read->hashed));
}

TEST_CASE("a record with any bit flipped, or cut anywhere, is not a record") {
  Record written = sample();
  Bytes bytes;
  encode(written, Sha256{}, bytes);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    INFO("bit " << bit);
    REQUIRE_FALSE(decode_record(flipped));
  }
  for (std::size_t size = 0; size < bytes.size(); ++size) REQUIRE_FALSE(decode_record(std::span(bytes).first(size)));
}

TEST_CASE("the bytes of a record are the ones the specification shows") {
  // docs/journal.md: changing this is a new format version.
  Record written = sample();
  Bytes bytes;
  encode(written, Sha256{}, bytes);
  CHECK(to_hex(std::span(bytes).first(8)) == "4b5245437f000000");
  CHECK(to_hex(std::span(bytes).subspan(12, 48)) ==
        "010202000700000009050e00141a99be1c0000002a00000000000000fbffffffffffffff01e025dafe5b060007000000");
  const Bytes head = encode(header());
  CHECK(head.size() == 128);
  CHECK(to_hex(std::span(head).first(12)) == "4b414e48554a4e4c01008000");
  CHECK(to_hex(std::span(head).subspan(16, 32)) == "03000000000000000123456789abcdef0123456789abcdef0200000000000000");
}

TEST_CASE("a segment header reads back, and is refused with any bit flipped") {
  const Bytes bytes = encode(header());
  const auto read = decode_header(bytes);
  REQUIRE(read);
  CHECK(read->epoch_text() == "0123456789abcdef0123456789abcdef");
  CHECK(read->number == 3);
  CHECK(read->epoch_ordinal == 2);
  CHECK(read->first_seq == 99);
  CHECK(read->previous_hash == sha256("before"));
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes flipped = bytes;
    flipped[bit / 8] ^= static_cast<std::byte>(1u << (bit % 8));
    const auto refused = decode_header(flipped);
    REQUIRE_FALSE(refused);
    REQUIRE(refused.error().kind == ErrorKind::kCorrupt);
  }
}

TEST_CASE("a header of a newer version whose checksum holds is told apart from damage") {
  SegmentHeader newer = header();
  newer.version = 2;
  const auto refused = decode_header(encode(newer));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kNewerFormat);
}
