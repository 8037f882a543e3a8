// SPDX-License-Identifier: MIT
#include "daemon/query/info_answer.hpp"

#include <unistd.h>

#include "base/fault.hpp"
#include "base/text.hpp"
#include "daemon/build_info.hpp"
#include "daemon/query/look_answer.hpp"
#include "daemon/worker/sandbox.hpp"

namespace kanhu {
namespace {

Json faults_json() {
  Json threads = Json::object();
  for (const faults::Count& fault : faults::counts()) threads[fault.thread] = {{"count", fault.times}, {"words", fault.words}};
  return threads;
}

Json access_json(const publish::Admission* admission) {
  if (admission == nullptr) return Json::object();
  const publish::AdmissionStats stats = admission->stats();
  return {{"keys", stats.subscribers}, {"admitted", stats.admitted}, {"refused", stats.refused}};
}

}  // namespace

Json info_of(const InfoParts& parts, MonoTime now) {
  const journal::JournalHead& head = parts.head;
  const journal::JournalStats journal = parts.journal.stats();
  const publish::PublisherStats published = parts.publisher.stats();
  const auto [wait, work] = parts.cameras.latencies(now);
  Json cameras = Json::object();
  for (const auto& [id, row] : parts.cameras.rows(now)) cameras[id] = to_json(row);
  Json workers = Json::array();
  for (const Workers::View& view : parts.workers) {
    if (view.retired) continue;
    workers.push_back({{"pid", view.pid},
                       {"running", view.running},
                       {"restarts", view.restarts},
                       {"resident_bytes", view.resident_bytes},
                       {"last_cause", view.last_cause}});
  }
  return {
      {"gateway",
       {{"id", parts.config.gateway.id},
        {"build", provenance_build()},
        {"pid", ::getpid()},
        {"sandbox", parts.config.gateway.sources_per_worker == 0 ? "in process"
                    : landlock_version() == 0                    ? "no Landlock"
                                                                 : "Landlock"},
        {"started", format_utc(parts.started)},
        {"uptime_s", round4(to_seconds(now - parts.started_mono))},
        {"config", parts.config.digest},
        {"cameras", parts.cameras_enabled},
        {"cameras_up", parts.cameras_up}}},
      {"journal",
       {{"epoch", head.epoch},
        {"seq", head.seq},
        {"durable_seq", head.durable_seq},
        {"accepted", journal.accepted},
        {"durable", journal.durable},
        {"not_durable", journal.not_durable},
        {"commits", journal.commits},
        {"bytes", journal.bytes}}},
      {"publish",
       {{"published", published.published},
        {"heads", published.heads},
        {"queue_drops", published.queue_drops},
        {"subscribers", published.subscribers},
        {"cut_off", published.cut_off}}},
      {"access", access_json(parts.admission)},
      {"faults", faults_json()},
      {"latency",
       {{"wait_for_analysis", latency_json(wait)},
        {"analysis", latency_json(work)},
        {"commit", latency_json(journal.commit)},
        {"capture_to_socket", latency_json(published.capture_to_socket)},
        {"capture_to_receipt", latency_json(published.capture_to_receipt)}}},
      {"faces", {{"galleries", parts.galleries.info()}, {"ledger", {{"written", parts.faces.written()}, {"lost", parts.faces.lost()}}}}},
      {"workers", workers},
      {"infrared", look_list(parts.config, parts.infrared, now)},
      {"cameras", cameras}};
}

}  // namespace kanhu
