// SPDX-License-Identifier: MIT
// What `kanhu bench events` measures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.hpp"

namespace kanhu::bench {

// What somebody has received, against the numbers that were given.
struct Account {
  std::uint64_t expected = 0, received = 0;
  std::uint64_t lost = 0;        // given, acknowledged or shown, and never received
  std::uint64_t misordered = 0;  // came behind a higher number
  std::uint64_t repeated = 0;    // came more than once
  void add(const Account& other);
};

struct Quantiles {
  std::size_t count = 0;
  double p50_ms = 0, p99_ms = 0, most_ms = 0;
};
Quantiles quantiles_of(std::vector<double> milliseconds);

// Journal and raw file in turn, on the same disk, the same bytes in the same batches.
struct AcceptFigures {
  std::vector<double> journal_per_second, raw_per_second;  // by round
  std::uint64_t events = 0, commits = 0, bytes = 0;
  std::uint64_t not_durable = 0;
  double accept_to_durable_p99_ms = 0;
  double processor_us = 0;  // of all threads, in the rounds of the journal
  double per_second() const;
  double raw() const;
  double ratio() const { return raw() > 0 ? per_second() / raw() : 0; }
};

struct LatencyFigures {
  Quantiles sync;      // append + fdatasync of one event's bytes, nothing else
  Quantiles received;  // accept to received, the same rate
  double per_second = 0;
};

struct BurdenFigures {
  std::string name;
  double grown_mib = 0;  // of this process, which holds the gateway
  Quantiles alone, beside;
};

struct CatchUpFigures {
  std::uint64_t events = 0;
  double megabytes = 0;  // of answers
  double seconds = 0;
  double per_second() const { return seconds > 0 ? static_cast<double>(events) / seconds : 0; }
};

struct CatchUpReport {
  CatchUpFigures scanned;                // numbers of every event looked at in the answers' text
  CatchUpFigures parsed;                 // by clients/cpp/kanhu_subscriber.hpp, every event's JSON parsed
  std::optional<CatchUpFigures> beside;  // scanned, beside live traffic
  Quantiles live_alone, live_beside;
};

struct StoreFigures {
  double hours = 0, rate = 0;
  std::uint64_t events = 0;
  double gigabytes = 0;
  double fill_seconds = 0;
  CatchUpFigures caught_up;
};

struct KillFigures {
  int kills = 0;
  std::uint64_t events = 0;
  double memory_mib = 0;  // the most the gateway held
};

// Another program under the same load and fault.
struct PeerFigures {
  std::string name, version, durability;
  double accept_per_second = 0, catch_up_per_second = 0, memory_mib = 0;
  Account account;
  int kills = 0;
};

struct EventsReport {
  std::string folder;
  double event_bytes = 0;
  std::optional<AcceptFigures> accept;    // of events whose bytes are ready, as those of the raw file are
  std::optional<AcceptFigures> composed;  // the same with the making of each event's JSON
  std::optional<LatencyFigures> latency;
  std::vector<BurdenFigures> burdens;
  std::optional<CatchUpReport> catch_up;
  std::optional<StoreFigures> store;
  std::optional<KillFigures> kill;
  std::vector<PeerFigures> peers;
  Account account;                    // of all of Kanhu's measurements together
  std::vector<std::string> left_out;  // and why
};

Json report_json(const EventsReport& report);
std::string report_text(const EventsReport& report);

}  // namespace kanhu::bench
