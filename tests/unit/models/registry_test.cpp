// SPDX-License-Identifier: MIT
#include "models/registry.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>

#include "base/digest.hpp"
#include "base/json.hpp"
#include "config/detectors.hpp"
#include "models/process.hpp"
#include "models/weights.hpp"
#include "tests/unit/models/pictures.hpp"

using namespace kanhu;
using namespace kanhu::models;

namespace {

// A folder of the test's own that goes with it.
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("kanhu-models-" + random_id());
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  void write(const std::string& name, const std::string& text) const { std::ofstream(path / name, std::ios::binary) << text; }
};

DetectorConfig named(const std::string& name) {
  DetectorConfig config;
  config.name = name;
  return config;
}

WeightsEntry entry_of(const std::string& content) {
  WeightsEntry entry;
  entry.file = "a.onnx";
  entry.bytes = content.size();
  entry.sha256 = to_hex(sha256(content));
  return entry;
}

}  // namespace

TEST_CASE("every row has a name of its own, a description, weights that are in the manifest, and a fallback that is a row") {
  for (const auto& row : kDetectorTraits) {
    CHECK_FALSE(row.description.empty());
    CHECK(std::count_if(kDetectorTraits.begin(), kDetectorTraits.end(), [&](const auto& other) { return other.name == row.name; }) == 1);
    if (!row.weights.empty()) CHECK(find_weights(row.weights) != nullptr);
    if (row.fallback.empty()) continue;
    CHECK(std::any_of(kDetectorTraits.begin(), kDetectorTraits.end(), [&](const auto& other) { return other.name == row.fallback; }));
  }
}

TEST_CASE("a fallback means the same by its silence") {
  for (const auto& row : kDetectorTraits) {
    INFO(row.name);
    const DetectorTraits* traits = &row;
    if (row.fallback.empty()) continue;
    const DetectorTraits* other = find_detector(row.fallback);
    REQUIRE(other != nullptr);
    CHECK(other->silence == traits->silence);
    CHECK(other->silence_reason == traits->silence_reason);
    CHECK(other->reads == traits->reads);
  }
}

TEST_CASE("every manifest entry is whole, and written so that models/fetch can read it") {
  std::ifstream file(std::string(KANHU_SOURCE_DIR) + "/models/manifest.json");
  const auto manifest = parse_json(std::string(std::istreambuf_iterator<char>(file), {}));
  REQUIRE(manifest);
  for (const char* section : {"weights", "demo_faces"}) {
    REQUIRE_FALSE((*manifest)[section].empty());
    for (const auto& entry : (*manifest)[section]) {
      // Without the first of the two models/fetch passes it over: the operator brings that file.
      CHECK(entry.contains("npm") == entry.contains("npm_path"));
      for (const char* key : {"name", "file", "sha256", "licence", "training", "official", "npm", "npm_path", "used_by"}) {
        if (!entry.contains("npm") && std::string(key).starts_with("npm")) continue;
        INFO(section << " " << key);
        REQUIRE(entry.contains(key));
        CHECK_FALSE(entry[key].get<std::string>().empty());
      }
      CHECK(entry["bytes"].get<int>() > 0);
      CHECK(entry["sha256"].get<std::string>().size() == 64);
      for (const char* key : {"file", "npm", "npm_path"}) {
        if (!entry.contains(key)) continue;
        const auto text = entry[key].get<std::string>();
        CHECK(std::none_of(text.begin(), text.end(), [](unsigned char c) { return std::isspace(c) != 0; }));
      }
    }
  }
  // One member a line, sections two spaces in.
  CHECK((*manifest).dump(2).size() > 0);
  CHECK(weights_manifest().size() == (*manifest)["weights"].size());
}

TEST_CASE("a file is accepted by its digest alone, and a wrong one is named with both digests") {
  Folder good;
  Folder bad;
  good.write("a.onnx", "the right bytes");
  bad.write("a.onnx", "the wrong bytes");
  const auto entry = entry_of("the right bytes");
  CHECK(locate_weights(entry, {bad.path.string(), good.path.string()}).value_or("") == (good.path / "a.onnx").string());
  const auto refused = locate_weights(entry, {bad.path.string()});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().kind == ErrorKind::kNotFound);
  CHECK(refused.error().message.find((bad.path / "a.onnx").string()) != std::string::npos);
  CHECK(refused.error().message.find(entry.sha256) != std::string::npos);
  CHECK(refused.error().message.find(to_hex(sha256(std::string_view("the wrong bytes")))) != std::string::npos);
}

TEST_CASE("a longer file, a shorter file, a folder and nothing are no weights") {
  Folder folder;
  const auto entry = entry_of("0123456789");
  const auto path = (folder.path / "a.onnx").string();
  CHECK(read_weights(path, entry).error().kind == ErrorKind::kNotFound);
  folder.write("a.onnx", "0123456789+");
  CHECK(read_weights(path, entry).error().kind == ErrorKind::kCorrupt);
  folder.write("a.onnx", "012345678");
  CHECK(read_weights(path, entry).error().kind == ErrorKind::kCorrupt);
  folder.write("a.onnx", "0123456789");
  CHECK(read_weights(path, entry)->size() == 10);
  CHECK(read_weights(folder.path.string(), entry).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("without its weights BlazeFace becomes HOG, and says which file is missing where") {
  Folder empty;
  const auto choice = choose_detector(named("blazeface"), {empty.path.string()});
  REQUIRE(choice);
  CHECK(choice->name == "hog");
  CHECK(choice->weights_path.empty());
  CHECK(choice->notice.find("blazeface_back_256.onnx") != std::string::npos);
  CHECK(choice->notice.find(empty.path.string()) != std::string::npos);
  const auto detector = make_detector(*choice, named("blazeface"));
  REQUIRE(detector);
  CHECK((*detector)->info().name == "hog");
}

TEST_CASE("without its file YuNet becomes BlazeFace, and without that one HOG") {
  Folder empty;
  const auto choice = choose_detector(named("yunet"), {empty.path.string()});
  REQUIRE(choice);
  CHECK(choice->name == "hog");
  const auto path = test::weights_path();
  if (!locate_weights(*find_weights("blazeface-back-256"), path) || locate_weights(*find_weights("yunet-2023mar"), path)) return;
  CHECK(choose_detector(named("yunet"), path)->name == "blazeface");
}

TEST_CASE("a detector that needs no file is chosen as it is") {
  const auto name = GENERATE(std::string("hog"), std::string("thermal-blob"), std::string("none"));
  const auto choice = choose_detector(named(name), {});
  REQUIRE(choice);
  CHECK(choice->name == name);
  CHECK(choice->notice.empty());
  const auto detector = make_detector(*choice, named(name));
  REQUIRE(detector);
  CHECK((*detector)->info().name == name);
  CHECK((*detector)->info().digest.size() == 64);
}

TEST_CASE("an unknown name is refused with the nearest known one") {
  const auto choice = choose_detector(named("blazeface2"), {});
  REQUIRE_FALSE(choice);
  CHECK(choice.error().kind == ErrorKind::kInvalidArgument);
  CHECK(choice.error().message.find("did you mean blazeface?") != std::string::npos);
  CHECK(make_detector({"yolo", "", ""}, {}).error().kind == ErrorKind::kInvalidArgument);
}

TEST_CASE("weights that vanish or change between choice and use are an error, not a crash") {
  Folder folder;
  folder.write("blazeface_back_256.onnx", "not a network");
  const auto path = (folder.path / "blazeface_back_256.onnx").string();
  CHECK(make_detector({"blazeface", path, ""}, named("blazeface")).error().kind == ErrorKind::kCorrupt);
  CHECK(make_detector({"blazeface", "/nowhere/x.onnx", ""}, named("blazeface")).error().kind == ErrorKind::kNotFound);
}

TEST_CASE("the configured folder is searched first, then the environment's, then the system's") {
  const auto path = model_search_path("/configured");
  REQUIRE(path.size() >= 2);
  CHECK(path.front() == "/configured");
  CHECK(std::find(path.begin(), path.end(), "/var/lib/kanhu/models") != path.end());
  CHECK(model_search_path("").front() != "");
}

TEST_CASE("the CPU level is told, and preparing the process twice is fine") {
  prepare_process();
  prepare_process();
  CHECK_FALSE(cpu_feature_level().empty());
}
