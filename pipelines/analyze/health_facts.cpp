// SPDX-License-Identifier: MIT
#include "pipelines/analyze/health_facts.hpp"

#include <utility>

#include <fmt/format.h>

namespace kanhu::analyze {
namespace {

// Of an error that has no words of its own.
std::string words_of(ErrorKind kind, const HealthConfig& config) {
  switch (kind) {
    case ErrorKind::kUnauthorized:
      return "wrong user or password";
    case ErrorKind::kNameResolution:
      return "the camera's host name cannot be resolved";
    case ErrorKind::kRefused:
      return "nothing listens at the camera's address";
    case ErrorKind::kUnreachable:
      return "the camera's address cannot be reached";
    case ErrorKind::kTimeout:
      return "the camera does not answer in time";
    case ErrorKind::kNotFound:
      return "the camera does not know the path of its URL";
    case ErrorKind::kNoBandwidth:
      return "the camera serves too many viewers";
    case ErrorKind::kTransport:
      return "no transport could be agreed on";
    case ErrorKind::kStalled:
      return fmt::format("no packets for {} s", to_seconds(config.stall_after));
    case ErrorKind::kEndOfStream:
      return "the stream ended";
    case ErrorKind::kNoKeyFrame:
      return "packets arrive, but none that decoding can start from";
    case ErrorKind::kOversized:
      return "a picture or an answer without end";
    case ErrorKind::kUnsupported:
      return "codec, size or format is not supported";
    case ErrorKind::kCorrupt:
      return "the stream contradicts its own format";
    case ErrorKind::kClosed:
      return "not watched at the moment";
    default:
      return to_string(kind);
  }
}

std::string in_words(const Error& why, const HealthConfig& config) {
  constexpr std::size_t kMostBytes = 300;
  if (why.message.empty() || why.kind == ErrorKind::kClosed) return words_of(why.kind, config);
  if (why.message.size() <= kMostBytes) return why.message;
  std::size_t end = kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(why.message[end]) & 0xc0u) == 0x80u) --end;  // not within a character
  return why.message.substr(0, end) + "...";
}

// What the end of a run says about the camera: {connected, packets arriving, decodable}.
struct EndFacts {
  Truth connected, packets, decodable;
};
EndFacts facts_of(ErrorKind kind, std::optional<bool> packets_arrive) {
  switch (kind) {
    case ErrorKind::kStalled:
    case ErrorKind::kNoKeyFrame:
    case ErrorKind::kUnsupported:
    case ErrorKind::kCorrupt:
    case ErrorKind::kOversized:
      if (packets_arrive.value_or(kind != ErrorKind::kStalled)) return {Truth::kTrue, Truth::kTrue, Truth::kFalse};
      return {Truth::kTrue, Truth::kFalse, Truth::kUnknown};
    case ErrorKind::kClosed:
      return {Truth::kUnknown, Truth::kUnknown, Truth::kUnknown};
    default:
      return {Truth::kFalse, Truth::kFalse, Truth::kUnknown};
  }
}

}  // namespace

void HealthFacts::frame_arrived(WallTime time) {
  now_.set(HealthFact::kConnected, Truth::kTrue);
  now_.set(HealthFact::kPacketsArriving, Truth::kTrue);
  now_.set(HealthFact::kDecodable, Truth::kTrue);
  now_.error.reset();
  now_.last_packet = time;
}

void HealthFacts::picture(Truth changing, bool dark) {
  now_.set(HealthFact::kPictureChanging, changing);
  now_.dark = dark;
}

void HealthFacts::analysed() {
  now_.set(HealthFact::kAnalysed, Truth::kTrue);
  analysis_fault_.clear();
}

void HealthFacts::not_analysed(std::string why) {
  now_.set(HealthFact::kAnalysed, Truth::kFalse);
  analysis_fault_ = std::move(why);
}

void HealthFacts::run_ended(const Error& why, std::optional<bool> packets_arrive) {
  const EndFacts facts = facts_of(why.kind, packets_arrive);
  now_.set(HealthFact::kConnected, facts.connected);
  now_.set(HealthFact::kPacketsArriving, facts.packets);
  now_.set(HealthFact::kDecodable, facts.decodable);
  now_.set(HealthFact::kPictureChanging, Truth::kUnknown);
  now_.set(HealthFact::kAnalysed, why.kind == ErrorKind::kClosed ? Truth::kUnknown : Truth::kFalse);
  now_.dark = false;
  now_.error = why.kind;
  now_.cause = in_words(why, config_);
  analysis_fault_.clear();
}

std::optional<HealthObservation> HealthFacts::report() {
  if (!now_.error) {
    now_.cause.clear();
    if (!analysis_fault_.empty())
      now_.cause = analysis_fault_;
    else if (now_.dark)
      now_.cause = "the picture is dark or covered";
    else if (now_.fact(HealthFact::kPictureChanging) == Truth::kFalse)
      now_.cause = fmt::format("the picture has not changed for {} s", to_seconds(config_.freeze_after));
  }
  if (said_) {
    said_->last_packet = now_.last_packet;  // its progress alone is no news
    if (*said_ == now_) return std::nullopt;
  }
  said_ = now_;
  return said_;
}

}  // namespace kanhu::analyze
