// SPDX-License-Identifier: MIT
#include "pipelines/journal/record_format.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace kanhu::journal {
namespace {

constexpr char kSegmentMagic[8] = {'K', 'A', 'N', 'H', 'U', 'J', 'N', 'L'};
constexpr char kRecordMarker[4] = {'K', 'R', 'E', 'C'};

template <typename T>
void put(std::byte* at, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) at[i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i));
}

template <typename T>
T get(const std::byte* at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) value |= std::uint64_t{std::to_integer<std::uint8_t>(at[i])} << (8 * i);
  return static_cast<T>(value);
}

// The checksum covers everything but its own four bytes.
std::uint32_t checksum_without(std::span<const std::byte> bytes, std::size_t field) {
  return crc32c(bytes.subspan(field + 4), crc32c(bytes.first(field)));
}

std::string_view cut_name(std::string_view name) { return name.substr(0, 255); }

void append_text(Bytes& into, std::string_view text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  into.insert(into.end(), data, data + text.size());
}

std::string text_at(std::span<const std::byte> bytes, std::size_t offset, std::size_t size) {
  return std::string(reinterpret_cast<const char*>(bytes.data() + offset), size);
}

}  // namespace

Bytes encode(const SegmentHeader& header) {
  Bytes bytes(kHeaderBytes);
  std::byte* at = bytes.data();
  std::memcpy(at, kSegmentMagic, 8);
  put<std::uint16_t>(at + 8, header.version);
  put<std::uint16_t>(at + 10, kHeaderBytes);
  put<std::uint64_t>(at + 16, header.number);
  std::copy(header.epoch.begin(), header.epoch.end(), at + 24);
  put<std::uint32_t>(at + 40, header.epoch_ordinal);
  put<std::uint64_t>(at + 48, header.first_seq);
  put<std::int64_t>(at + 56, header.created_us);
  std::copy(header.previous_hash.begin(), header.previous_hash.end(), at + 64);
  put<std::uint32_t>(at + 12, checksum_without(bytes, 12));
  return bytes;
}

Result<SegmentHeader> decode_header(std::span<const std::byte> bytes) {
  if (bytes.size() < 16 || std::memcmp(bytes.data(), kSegmentMagic, 8) != 0) {
    return fail(ErrorKind::kCorrupt, "no segment header");
  }
  SegmentHeader header;
  header.version = get<std::uint16_t>(bytes.data() + 8);
  const std::size_t size = get<std::uint16_t>(bytes.data() + 10);
  // Magic, version, size and checksum keep their places in every version, so that a flipped bit is not taken for a
  // newer format.
  if (size < 16 || size > bytes.size() || checksum_without(bytes.first(size), 12) != get<std::uint32_t>(bytes.data() + 12)) {
    return fail(ErrorKind::kCorrupt, "segment header fails its checksum");
  }
  if (header.version > kFormatVersion) {
    return fail(ErrorKind::kNewerFormat, fmt::format("format version {}, this program knows {}", header.version, kFormatVersion));
  }
  if (size != kHeaderBytes) return fail(ErrorKind::kCorrupt, "segment header of a wrong size");
  const std::byte* at = bytes.data();
  header.number = get<std::uint64_t>(at + 16);
  std::copy(at + 24, at + 40, header.epoch.begin());
  header.epoch_ordinal = get<std::uint32_t>(at + 40);
  header.first_seq = get<std::uint64_t>(at + 48);
  header.created_us = get<std::int64_t>(at + 56);
  std::copy(at + 64, at + 96, header.previous_hash.begin());
  return header;
}

RecordView::RecordView(const Record& record)
    : kind(record.kind),
      phase(record.phase),
      flags(record.flags),
      epoch_ordinal(record.epoch_ordinal),
      seq(record.seq),
      stream_seq(record.stream_seq),
      time_us(record.time_us),
      accepted_us(record.accepted_us),
      stream(record.stream),
      source(record.source),
      type(record.type),
      body(record.body) {}

std::size_t encoded_size(const RecordView& record) {
  return kRecordLeastBytes + cut_name(record.stream).size() + cut_name(record.source).size() + cut_name(record.type).size() +
         record.body.size();
}

Sha256 encode(const RecordView& record, const Sha256& previous, Bytes& into) {
  const std::size_t start = into.size();
  const std::size_t size = encoded_size(record);
  into.resize(start + kRecordFixedBytes);  // whoever encodes a batch reserves for all of it
  std::byte* at = into.data() + start;
  std::memcpy(at, kRecordMarker, 4);
  put<std::uint32_t>(at + 4, static_cast<std::uint32_t>(size));
  at[12] = static_cast<std::byte>(record.kind);
  at[13] = static_cast<std::byte>(record.phase);
  put<std::uint16_t>(at + 14, record.flags);
  put<std::uint32_t>(at + 16, record.epoch_ordinal);
  at[20] = static_cast<std::byte>(cut_name(record.stream).size());
  at[21] = static_cast<std::byte>(cut_name(record.source).size());
  at[22] = static_cast<std::byte>(cut_name(record.type).size());
  put<std::uint64_t>(at + 24, record.seq);
  put<std::uint64_t>(at + 32, record.stream_seq);
  put<std::int64_t>(at + 40, record.time_us);
  put<std::int64_t>(at + 48, record.accepted_us);
  put<std::uint32_t>(at + 56, static_cast<std::uint32_t>(record.body.size()));
  append_text(into, cut_name(record.stream));
  append_text(into, cut_name(record.source));
  append_text(into, cut_name(record.type));
  append_text(into, record.body);
  const Sha256 hash = chain_hash(previous, std::span<const std::byte>(into).subspan(start + 12));
  into.insert(into.end(), hash.begin(), hash.end());
  const std::span<const std::byte> whole = std::span<const std::byte>(into).subspan(start);
  put<std::uint32_t>(into.data() + start + 8, checksum_without(whole, 8));
  return hash;
}

std::optional<Decoded> decode_record(std::span<const std::byte> bytes) {
  if (bytes.size() < kRecordLeastBytes || std::memcmp(bytes.data(), kRecordMarker, 4) != 0) return std::nullopt;
  const std::byte* at = bytes.data();
  const std::size_t size = get<std::uint32_t>(at + 4);
  if (size < kRecordLeastBytes || size > kRecordMostBytes || size > bytes.size()) return std::nullopt;
  const auto whole = bytes.first(size);
  if (checksum_without(whole, 8) != get<std::uint32_t>(at + 8)) return std::nullopt;
  const std::size_t stream = std::to_integer<std::size_t>(at[20]);
  const std::size_t source = std::to_integer<std::size_t>(at[21]);
  const std::size_t type = std::to_integer<std::size_t>(at[22]);
  const std::size_t body = get<std::uint32_t>(at + 56);
  if (kRecordLeastBytes + stream + source + type + body != size) return std::nullopt;

  Decoded decoded;
  decoded.size = size;
  decoded.hashed = whole.subspan(12, size - 12 - 32);
  Record& record = decoded.record;
  record.kind = static_cast<RecordKind>(at[12]);
  record.phase = std::to_integer<std::uint8_t>(at[13]);
  record.flags = get<std::uint16_t>(at + 14);
  record.epoch_ordinal = get<std::uint32_t>(at + 16);
  record.seq = get<std::uint64_t>(at + 24);
  record.stream_seq = get<std::uint64_t>(at + 32);
  record.time_us = get<std::int64_t>(at + 40);
  record.accepted_us = get<std::int64_t>(at + 48);
  std::size_t offset = kRecordFixedBytes;
  record.stream = text_at(whole, offset, stream);
  record.source = text_at(whole, offset += stream, source);
  record.type = text_at(whole, offset += source, type);
  record.body = text_at(whole, offset += type, body);
  std::copy(whole.end() - 32, whole.end(), record.hash.begin());
  return decoded;
}

Sha256 chain_hash(const Sha256& previous, std::span<const std::byte> hashed) { return sha256({previous, hashed}); }

std::uint64_t mark_of(const Sha256& hash) {
  std::uint64_t mark = 0;
  std::memcpy(&mark, hash.data(), sizeof mark);
  return mark;
}

std::array<std::byte, 16> epoch_bytes(std::string_view text) {
  std::array<std::byte, 16> bytes{};
  if (text.size() != 32) return bytes;
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0; };
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(digit(text[2 * i]) * 16 + digit(text[2 * i + 1]));
  }
  return bytes;
}

}  // namespace kanhu::journal
