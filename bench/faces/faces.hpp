// SPDX-License-Identifier: MIT
// `kanhu bench faces`: what is measured, and how it is told.
#pragma once

#include <string>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "bench/faces/detection.hpp"
#include "bench/faces/drawings.hpp"
#include "bench/faces/identification.hpp"
#include "bench/faces/scoring.hpp"
#include "bench/faces/verification.hpp"

namespace kanhu::bench {

struct FacesOptions {
  std::string folder;
  std::vector<Degradation> degradations;  // without kNone, which is always measured
  std::vector<std::string> detectors;
  std::string embedder;  // empty: the default one
  std::string peers;
  std::string models_dir;
  double smallest_px = 20;
  std::size_t pictures = 500;  // of a set and kind at most, 0 for all
};

struct SetSummary {
  std::string name;
  std::size_t labelled = 0, faces = 0, people = 0, people_pictures = 0, pairs = 0;
};

struct FacesReport {
  std::string folder;
  std::string cpu_level;
  std::vector<SetSummary> sets;
  std::vector<std::string> left_out;
  DetectionReport detection;
  std::string embedder;  // empty when nothing was embedded
  std::vector<VerificationResult> verification;
  std::size_t subjects = 0;
  std::vector<Identification> identification;
  std::vector<ScoringResult> scoring;
  std::vector<DrawingResult> drawings;
  double drawing_threshold = 0, between_manners = 0;
  std::vector<double> embed_milliseconds, embed_instructions;
  std::string no_instructions;
  double peak_memory_mib = 0;
};

// The errors of find_sets and make_field. Without an embedder's weights the rest is measured, and that is said.
Result<FacesReport> bench_faces(const FacesOptions& options, const Progress& progress);

Json report_json(const FacesReport& report);
std::string report_text(const FacesReport& report);

// Of all plain sets the one that is worst: the goal holds for each. 0 without verification.
double worst_equal_error_rate(const FacesReport& report, bool degraded);

}  // namespace kanhu::bench
