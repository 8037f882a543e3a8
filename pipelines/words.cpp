// SPDX-License-Identifier: MIT
#include "pipelines/event.hpp"
#include "pipelines/observation.hpp"

namespace kanhu {

const char* to_string(Phase phase) {
  switch (phase) {
    case Phase::kStart:
      return "start";
    case Phase::kUpdate:
      return "update";
    case Phase::kEnd:
      return "end";
    case Phase::kPoint:
      return "point";
  }
  return "unknown";
}

const char* to_string(IdentityDecision decision) {
  switch (decision) {
    case IdentityDecision::kUncertain:
      return "uncertain";
    case IdentityDecision::kUnknown:
      return "unknown";
    case IdentityDecision::kRecognized:
      return "recognized";
  }
  return "unknown";
}

const char* to_string(HealthFact fact) {
  switch (fact) {
    case HealthFact::kConnected:
      return "connected";
    case HealthFact::kPacketsArriving:
      return "packets";
    case HealthFact::kPictureChanging:
      return "picture";
    case HealthFact::kDecodable:
      return "decodable";
    case HealthFact::kAnalysed:
      return "analysed";
  }
  return "unknown";
}

const char* to_string(Truth truth) {
  switch (truth) {
    case Truth::kTrue:
      return "true";
    case Truth::kFalse:
      return "false";
    case Truth::kUnknown:
      return "unknown";
  }
  return "unknown";
}

const char* to_string(ClipStatus status) {
  switch (status) {
    case ClipStatus::kPending:
      return "pending";
    case ClipStatus::kComplete:
      return "complete";
    case ClipStatus::kPartial:
      return "partial";
    case ClipStatus::kMissing:
      return "missing";
  }
  return "unknown";
}

}  // namespace kanhu
