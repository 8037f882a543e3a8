// SPDX-License-Identifier: MIT
// Journal segments: arbitrary bytes never trouble the reader, and damage to a good segment is never silent.
#include <cstdlib>
#include <span>
#include <vector>

#include <fuzzer/FuzzedDataProvider.h>

#include "pipelines/journal/segment_reader.hpp"

using namespace kanhu;
using namespace kanhu::journal;

namespace {

SegmentScan scan(const Bytes& bytes) {
  const auto header = decode_header(bytes);
  return scan_segment(bytes, header ? std::optional(*header) : std::nullopt, std::nullopt, [](const Record&) { return true; });
}

void arbitrary(FuzzedDataProvider& input) {
  const auto text = input.ConsumeRemainingBytes<std::uint8_t>();
  const auto* first = reinterpret_cast<const std::byte*>(text.data());
  const auto result = scan(Bytes(first, first + text.size()));
  if (result.good_bytes > text.size()) std::abort();
}

void damaged(FuzzedDataProvider& input) {
  Bytes bytes = encode(SegmentHeader{});
  Sha256 previous{};
  const auto count = input.ConsumeIntegralInRange<std::uint64_t>(1, 6);
  for (std::uint64_t seq = 1; seq <= count; ++seq) {
    Record record;
    record.kind = RecordKind::kEvent;
    record.seq = record.stream_seq = seq;
    record.stream = input.ConsumeRandomLengthString(16);
    record.body = input.ConsumeRandomLengthString(200);
    previous = encode(record, previous, bytes);
  }
  const Bytes good = bytes;
  // Fewer edits than a record has bytes: none can be emptied, as the zeros of a segment that is not yet full are.
  for (int edits = input.ConsumeIntegralInRange(0, 8); edits > 0; --edits) {
    const auto at = input.ConsumeIntegralInRange<std::size_t>(0, bytes.size() - 1);
    bytes[at] = std::byte{input.ConsumeIntegral<std::uint8_t>()};
  }
  const auto result = scan(bytes);
  const bool clean = result.damage.empty() && result.torn_bytes == 0;
  if (bytes == good && (!clean || result.records != count)) std::abort();
  if (clean && result.records != count) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  if (input.ConsumeBool()) {
    arbitrary(input);
  } else {
    damaged(input);
  }
  return 0;
}
