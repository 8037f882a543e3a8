// SPDX-License-Identifier: MIT
// Any datagram from a worker: refused, or a message that survives being written and read again; and what the gateway takes of it is about
// the one camera the worker has.
#include <cstdlib>
#include <string_view>

#include "daemon/supervise/worker_admission.hpp"
#include "pipelines/relay/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace kanhu;
  auto message = relay::decode(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!message) return 0;
  const auto again = relay::decode(relay::encode(*message));
  if (!again || again->index() != message->index()) std::abort();

  WorkerAdmission admission(0, false);
  relay::Assign assign;
  assign.facility = "f";
  assign.camera.id = "c";
  admission.told(assign);
  admission.told(relay::Open{"c", StreamRole::kMain});
  const MonoTime now(std::chrono::seconds(1000));
  const auto answer = admission.judge(*message, size, now, WallTime(std::chrono::seconds(1'790'000'000)));
  if (answer.verdict != WorkerAdmission::Verdict::kTake) return 0;
  const auto* observed = std::get_if<relay::Observed>(&*message);
  if (observed && observed->observation.source != "c") std::abort();
  const auto* stats = std::get_if<relay::CameraReport>(&*message);
  if (stats && stats->camera != "c") std::abort();
  return 0;
}
