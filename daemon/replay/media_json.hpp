// SPDX-License-Identifier: MIT
// What a command asks a media worker, and what it answers, as bytes. The reading halves believe nothing: the worker has parsed
// foreign media and may lie.
#pragma once

#include <chrono>
#include <string>

#include "base/json.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "daemon/replay/enrolment.hpp"
#include "models/images/picture_file.hpp"
#include "pipelines/ingest/probe.hpp"

namespace kanhu {

struct ProbeTask {
  StreamConfig stream;
  Credential credential;
  std::chrono::seconds patience{10};
};
// Shots for enrolment: of one picture, or of a recording.
struct EnrolTask {
  DetectorConfig detector;
  double inter_pupil_px = 60;
  std::string path;
  std::string name;  // what the picture is called in messages
  bool is_clip = false;
};
// The pixels of a picture file.
struct PictureTask {
  std::string path;
};

std::string task_body(const ProbeTask& task);
std::string task_body(const EnrolTask& task);
std::string task_body(const PictureTask& task);

// These throw nlohmann::json exceptions or std::out_of_range when a member is missing or of another type.
ProbeTask probe_task_from(const Json& json);
EnrolTask enrol_task_from(const Json& json);
PictureTask picture_task_from(const Json& json);

std::string answer_of(const ingest::ProbeReport& report);
std::string answer_of(const EnrolmentShots& shots);
std::string answer_of(const models::PictureFile& picture);

// kCorrupt: the answer is not what its kind should be. Words in them are for a terminal: without control characters, cut at 2,000 bytes.
// Of a probe, as it is told on: `report.picture` has become a PNG file's bytes, empty when there was none.
struct Probed {
  ingest::ProbeReport report;
  std::string picture_png;
};
Result<Probed> probed_from(const std::string& answer);
// `dimension`: of the embedder's templates.
Result<EnrolmentShots> shots_from(const std::string& answer, int dimension);
Result<models::PictureFile> picture_from(const std::string& answer);

// Fit to be printed, whoever wrote it.
std::string plain_words(std::string_view text);

}  // namespace kanhu
