// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include "bench/events/figures.hpp"

namespace kanhu::bench {
namespace {

Json json_of(const Quantiles& quantiles) {
  return {{"count", quantiles.count},
          {"p50_ms", round4(quantiles.p50_ms)},
          {"p99_ms", round4(quantiles.p99_ms)},
          {"most_ms", round4(quantiles.most_ms)}};
}

Json json_of(const CatchUpFigures& figures) {
  return {{"events", figures.events},
          {"megabytes", round4(figures.megabytes)},
          {"seconds", round4(figures.seconds)},
          {"per_second", round4(figures.per_second())}};
}

Json json_of(const Account& account) {
  return {{"expected", account.expected},
          {"received", account.received},
          {"lost", account.lost},
          {"misordered", account.misordered},
          {"repeated", account.repeated}};
}

double events_per_commit(const AcceptFigures& accept) {
  return accept.commits > 0 ? static_cast<double>(accept.events) / static_cast<double>(accept.commits) : 0;
}

double processor_us_per_event(const AcceptFigures& accept) {
  return accept.events > 0 ? accept.processor_us / static_cast<double>(accept.events) : 0;
}

Json json_of(const AcceptFigures& accept) {
  return {{"per_second", round4(accept.per_second())},
          {"raw_per_second", round4(accept.raw())},
          {"ratio", round4(accept.ratio())},
          {"events", accept.events},
          {"commits", accept.commits},
          {"events_per_commit", round4(events_per_commit(accept))},
          {"bytes", accept.bytes},
          {"not_durable", accept.not_durable},
          {"processor_us_per_event", round4(processor_us_per_event(accept))},
          {"accept_to_durable_p99_ms", round4(accept.accept_to_durable_p99_ms)},
          {"rounds_per_second", accept.journal_per_second},
          {"raw_rounds_per_second", accept.raw_per_second}};
}

std::string line_of(const AcceptFigures& accept) {
  return fmt::format(
      "{:.0f} events/s, {:.0f} a commit, {:.1f} us of processor time each, accept to durable p99 {:.0f} ms; "
      "raw append + fdatasync of the same {:.0f}: ratio {:.2f}",
      accept.per_second(), events_per_commit(accept), processor_us_per_event(accept), accept.accept_to_durable_p99_ms, accept.raw(),
      accept.ratio());
}

std::string line_of(const Quantiles& quantiles) {
  return fmt::format("p50 {:.1f} ms, p99 {:.1f} ms, most {:.1f} ms (n={})", quantiles.p50_ms, quantiles.p99_ms, quantiles.most_ms,
                     quantiles.count);
}

std::string line_of(const CatchUpFigures& figures) {
  return fmt::format("{:.0f} events/s ({} events, {:.0f} MB, {:.1f} s)", figures.per_second(), figures.events, figures.megabytes,
                     figures.seconds);
}

}  // namespace

Json report_json(const EventsReport& report) {
  Json json{{"folder", report.folder},
            {"event_bytes", report.event_bytes},
            {"lost", report.account.lost},
            {"misordered", report.account.misordered},
            {"repeated", report.account.repeated},
            {"expected", report.account.expected},
            {"left_out", report.left_out},
            {"peers", Json::object()}};
  if (report.accept) {
    const AcceptFigures& accept = *report.accept;
    json["accept_per_second"] = round4(accept.per_second());
    json["accept_ratio_to_raw_append"] = round4(accept.ratio());
    json["accept"] = json_of(accept);
  }
  if (report.composed) json["accept_composed"] = json_of(*report.composed);
  if (report.latency)
    json["accept_to_received"] = {{"per_second", report.latency->per_second},
                                  {"fdatasync", json_of(report.latency->sync)},
                                  {"received", json_of(report.latency->received)}};
  for (const BurdenFigures& burden : report.burdens)
    json["burdens"][burden.name] = {
        {"grown_mib", round4(burden.grown_mib)}, {"alone", json_of(burden.alone)}, {"beside", json_of(burden.beside)}};
  if (report.catch_up) {
    json["catch_up_per_second"] = round4(report.catch_up->scanned.per_second());
    json["catch_up"] = {{"scanned", json_of(report.catch_up->scanned)},
                        {"parsed", json_of(report.catch_up->parsed)},
                        {"live_alone", json_of(report.catch_up->live_alone)},
                        {"live_beside", json_of(report.catch_up->live_beside)}};
    if (report.catch_up->beside) json["catch_up"]["beside"] = json_of(*report.catch_up->beside);
  }
  if (report.store)
    json["store"] = {{"hours", report.store->hours},
                     {"per_second", report.store->rate},
                     {"events", report.store->events},
                     {"gigabytes", round4(report.store->gigabytes)},
                     {"fill_seconds", round4(report.store->fill_seconds)},
                     {"caught_up", json_of(report.store->caught_up)}};
  if (report.kill)
    json["kill"] = {{"kills", report.kill->kills}, {"events", report.kill->events}, {"memory_mib", round4(report.kill->memory_mib)}};
  for (const PeerFigures& peer : report.peers)
    json["peers"][peer.name] = {{"version", peer.version},
                                {"durability", peer.durability},
                                {"accept_per_second", round4(peer.accept_per_second)},
                                {"catch_up_per_second", round4(peer.catch_up_per_second)},
                                {"memory_mib", round4(peer.memory_mib)},
                                {"kills", peer.kills},
                                {"lost", peer.account.lost},
                                {"misordered", peer.account.misordered},
                                {"account", json_of(peer.account)}};
  return json;
}

std::string report_text(const EventsReport& report) {
  std::string text = fmt::format("disk of {}, events of {:.0f} bytes\n", report.folder, report.event_bytes);
  const auto line = [&](const char* what, const std::string& said) { text += fmt::format("{:<34} {}\n", what, said); };
  line("lost, misordered", fmt::format("{}, {} of {} events ({} came twice)", report.account.lost, report.account.misordered,
                                       report.account.expected, report.account.repeated));
  if (report.accept) line("accepted, durable", line_of(*report.accept) + " (goal 0.7)");
  if (report.composed) line("  with the making of their JSON", line_of(*report.composed));
  if (report.latency) {
    line("fdatasync alone", line_of(report.latency->sync));
    line("accept to received, 200/s",
         line_of(report.latency->received) + fmt::format("; goal p99 {:.1f} ms", report.latency->sync.p99_ms + 20));
  }
  for (const BurdenFigures& burden : report.burdens) {
    line(burden.name.c_str(), fmt::format("{:.1f} MiB more (goal 16)", burden.grown_mib));
    line("  others, alone", line_of(burden.alone));
    line("  others, beside it", line_of(burden.beside));
  }
  if (report.catch_up) {
    line("catch-up, numbers scanned", line_of(report.catch_up->scanned) + "; goal 100000");
    line("catch-up, clients/cpp, parsed", line_of(report.catch_up->parsed));
    if (report.catch_up->beside) line("catch-up beside live traffic", line_of(*report.catch_up->beside));
    line("live, alone", line_of(report.catch_up->live_alone));
    line("live, beside catching up",
         line_of(report.catch_up->live_beside) + fmt::format("; goal p99 {:.1f} ms", 2 * report.catch_up->live_alone.p99_ms));
  }
  if (report.store)
    line("cut line", fmt::format("{:.1f} h at {:.0f}/s: {} events, {:.1f} GB, filled in {:.0f} s; caught up in {:.1f} s, {}",
                                 report.store->hours, report.store->rate, report.store->events, report.store->gigabytes,
                                 report.store->fill_seconds, report.store->caught_up.seconds, line_of(report.store->caught_up)));
  if (report.kill)
    line("kill -9",
         fmt::format("{} times, {} events, gateway {:.1f} MiB", report.kill->kills, report.kill->events, report.kill->memory_mib));
  for (const PeerFigures& peer : report.peers) {
    line(peer.name.c_str(), fmt::format("{}; {}", peer.version, peer.durability));
    line("  accepted, catch-up",
         fmt::format("{:.0f} events/s, {:.0f} events/s, {:.1f} MiB", peer.accept_per_second, peer.catch_up_per_second, peer.memory_mib));
    line("  kill -9", fmt::format("{} times: lost {} of {} acknowledged, {} misordered, {} came twice", peer.kills, peer.account.lost,
                                  peer.account.expected, peer.account.misordered, peer.account.repeated));
  }
  for (const std::string& what : report.left_out) line("left out", what);
  return text;
}

}  // namespace kanhu::bench
