// SPDX-License-Identifier: MIT
// What a third party sends to the query socket and to the handshake, and an allow-list written by hand: arbitrary bytes are either
// understood or refused in words, and what is understood is within its bounds.
#include <cstdlib>
#include <string>

#include <fuzzer/FuzzedDataProvider.h>

#include "config/allow_list.hpp"
#include "pipelines/publish/access/admission_sockets.hpp"
#include "pipelines/publish/fetch.hpp"
#include "pipelines/publish/request.hpp"

using namespace kanhu;

namespace {

void read_request(const std::string& text) {
  const auto request = publish::parse_request(text);
  if (!request) {
    if (request.error().message.empty()) std::abort();
    return;
  }
  const auto fetch = publish::parse_fetch(request->content);
  if (!fetch) return;
  if (fetch->most_events < 1 || fetch->most_events > journal::kMostFetched || fetch->most_bytes > journal::kMostFetchedBytes) std::abort();
  if (fetch->streams.size() > 1000 || fetch->types.size() > 1000) std::abort();
}

void read_allow_list(const std::string& text) {
  const auto list = parse_allow_list(text, "f");
  if (!list) {
    if (!list.error().message.starts_with("f:")) std::abort();
    return;
  }
  for (const AllowedSubscriber& one : list->subscribers)
    if (!public_key_fault(one.public_key).empty() || one.facilities.empty() || one.rights.empty()) std::abort();
}

void answer_handshake(FuzzedDataProvider& input) {
  publish::ZapFrames frames;
  for (int count = input.ConsumeIntegralInRange(0, 9); count > 0; --count) frames.push_back(input.ConsumeRandomLengthString(64));
  const auto answer = publish::answer_zap(frames, [](const std::string&) { return std::optional<std::string>("somebody"); });
  if (answer.frames.size() != 6 || answer.admitted != (answer.frames[2] == "200")) std::abort();
}

// Nothing that is applied shows another facility.
void narrow(const std::string& prefix) {
  const publish::Rights rights{false, {publish::Right::kLive}, {"f1", "g*"}};
  for (const std::string& topic : publish::permitted_topics(rights, prefix))
    if (topic.rfind("kanhu1/f1/", 0) != 0 && topic.rfind("kanhu1/g", 0) != 0 && topic.rfind("kanhu1/-/-/heartbeat/", 0) != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider input(data, size);
  switch (input.ConsumeIntegralInRange(0, 3)) {
    case 0:
      read_request(input.ConsumeRemainingBytesAsString());
      break;
    case 1:
      read_allow_list(input.ConsumeRemainingBytesAsString());
      break;
    case 2:
      answer_handshake(input);
      break;
    default:
      narrow(input.ConsumeRemainingBytesAsString());
  }
  return 0;
}
