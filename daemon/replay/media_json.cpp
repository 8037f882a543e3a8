// SPDX-License-Identifier: MIT
#include "daemon/replay/media_json.hpp"

#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "base/digest.hpp"
#include "base/text.hpp"
#include "config/json.hpp"
#include "media/face_quality.hpp"
#include "models/images/png_writer.hpp"

namespace kanhu {
namespace {

constexpr int kStepsAtMost = 32;
constexpr std::size_t kMostWords = 2000;
constexpr std::size_t kMostHead = 1 << 20;   // of the JSON in front of an answer's bytes
constexpr std::size_t kMostLines = 100'000;  // of what was refused

std::string as_base64(std::string_view bytes) { return to_base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}); }

std::string path_from(const Json& json) {
  const auto bytes = from_base64(json.get_ref<const std::string&>());
  if (!bytes) throw std::out_of_range("a path");
  return {bytes->begin(), bytes->end()};
}

std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

double finite(const Json& json) {
  const double value = json.get<double>();
  if (!std::isfinite(value)) throw std::out_of_range("a number");
  return value;
}

std::string words_from(const Json& json) { return plain_words(json.get_ref<const std::string&>()); }

Error error_from(const Json& json) {
  const int kind = json.at("kind").get<int>();
  if (kind < 0 || kind > static_cast<int>(ErrorKind::kInternal)) throw std::out_of_range("a kind of error");
  return {static_cast<ErrorKind>(kind), words_from(json.at("message"))};
}

// A configuration's way to write a stream and a detector is one camera's.
Json stream_json(const StreamConfig& stream) {
  CameraConfig camera;
  camera.main = stream;
  return camera_json(camera);
}

CameraConfig camera_of(const Json& json) {
  auto camera = camera_from_json(json);
  if (!camera) throw std::out_of_range(camera.error().message);
  return std::move(*camera);
}

struct WorkerAnswer {
  Json head;
  std::string_view bytes;  // behind the line of JSON
};

Result<WorkerAnswer> parse_answer(std::string_view answer) {
  const std::size_t end = std::min(answer.find('\n'), answer.size());
  auto head = parse_json(answer.substr(0, end), kMostHead, 8);
  if (!head) return fail(ErrorKind::kCorrupt, "the worker gave no answer that can be read: " + head.error().message);
  return WorkerAnswer{std::move(*head), end < answer.size() ? answer.substr(end + 1) : std::string_view()};
}

template <typename Reader>
auto read_answer(std::string_view answer, Reader&& reader) -> Result<decltype(reader(std::declval<const WorkerAnswer&>()))> {
  const auto parsed = parse_answer(answer);
  if (!parsed) return tl::make_unexpected(parsed.error());
  try {
    return reader(*parsed);
  } catch (const std::exception& problem) {
    return fail(ErrorKind::kCorrupt, std::string("the worker gave an answer that is none: ") + problem.what());
  }
}

Json shot_json(const EnrolmentShot& shot) {
  const auto* floats = reinterpret_cast<const char*>(shot.made.embedding.data());
  return {{"from", as_base64(shot.from)},
          {"quality", exact_figures(shot.made.quality)},
          {"embedding", as_base64({floats, shot.made.embedding.size() * sizeof(float)})},
          {"taken", to_microseconds(shot.made.taken)}};
}

std::vector<float> embedding_from(const Json& json, int dimension) {
  const auto bytes = from_base64(json.get_ref<const std::string&>());
  if (!bytes || bytes->size() != static_cast<std::size_t>(dimension) * sizeof(float)) throw std::out_of_range("a template's length");
  std::vector<float> values(static_cast<std::size_t>(dimension));
  std::memcpy(values.data(), bytes->data(), bytes->size());
  double square = 0;
  for (const float value : values) square += static_cast<double>(value) * static_cast<double>(value);
  if (!(square > 0.98 && square < 1.02)) throw std::out_of_range("a template that is none");  // nor for a NaN
  return values;
}

EnrolmentShot shot_from(const Json& json, int dimension) {
  EnrolmentShot shot;
  shot.from = plain_words(path_from(json.at("from")));
  shot.made.quality = figures_from(json.at("quality"));
  for (const FaceFigure& figure : kFaceFigures)
    if (!std::isfinite(shot.made.quality.*figure.value)) throw std::out_of_range("a number");
  shot.made.embedding = embedding_from(json.at("embedding"), dimension);
  shot.made.taken = wall_from_microseconds(json.at("taken").get<std::int64_t>());
  return shot;
}

}  // namespace

std::string plain_words(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size() && plain.size() < kMostWords;) {
    const Utf8Step step = utf8_step(text, at);
    const bool control = step.code_point < 0x20 || (step.code_point >= 0x7f && step.code_point < 0xa0);
    plain += !step.valid || control ? std::string_view("?") : text.substr(at, step.bytes);
    at += step.bytes;
  }
  return plain;
}

std::string task_body(const ProbeTask& task) {
  return text_of({{"do", "probe"},
                  {"camera", stream_json(task.stream)},
                  {"user", as_base64(task.credential.user)},
                  {"password", as_base64(task.credential.password.reveal())},
                  {"seconds", task.patience.count()}});
}

std::string task_body(const EnrolTask& task) {
  CameraConfig camera;
  camera.detector = task.detector;
  return text_of({{"do", "enrol"},
                  {"camera", camera_json(camera)},
                  {"eyes", task.inter_pupil_px},
                  {"path", as_base64(task.path)},
                  {"name", as_base64(task.name)},
                  {"clip", task.is_clip}});
}

std::string task_body(const PictureTask& task) { return text_of({{"do", "picture"}, {"path", as_base64(task.path)}}); }

ProbeTask probe_task_from(const Json& json) {
  CameraConfig camera = camera_of(json.at("camera"));
  if (!camera.main) throw std::out_of_range("no stream");
  return {std::move(*camera.main),
          {path_from(json.at("user")), Secret(path_from(json.at("password")))},
          std::chrono::seconds(json.at("seconds").get<int>())};
}

EnrolTask enrol_task_from(const Json& json) {
  return {camera_of(json.at("camera")).detector, finite(json.at("eyes")), path_from(json.at("path")), path_from(json.at("name")),
          json.at("clip").get<bool>()};
}

PictureTask picture_task_from(const Json& json) { return {path_from(json.at("path"))}; }

std::string answer_of(const ingest::ProbeReport& report) {
  Json steps = Json::array();
  for (const auto& step : report.steps) steps.push_back(Json::array({step.name, step.passed, step.detail}));
  Json json{{"steps", steps},
            {"transport", static_cast<int>(report.transport)},
            {"codec", static_cast<int>(report.format.codec)},
            {"width", report.format.width},
            {"height", report.format.height},
            {"fps", report.measured_frames_per_second},
            {"gop", report.gop_seconds},
            {"rtcp", report.has_rtcp_time},
            {"offset", report.clock_offset.count()},
            {"breaks", report.breaks},
            {"alive", static_cast<int>(report.keep_alive)},
            {"reordered", report.has_b_frames},
            {"kbit", report.kilobits_per_second}};
  if (report.error) json["error"] = {{"kind", static_cast<int>(report.error->kind)}, {"message", report.error->message}};
  if (report.warmth) json["warmth"] = Json::array({report.warmth->coolest_c, report.warmth->median_c, report.warmth->warmest_c});
  const auto png = report.picture ? models::png_of(report.picture->image()) : Result<std::string>("");
  return text_of(json) + "\n" + png.value_or("");
}

Result<Probed> probed_from(const std::string& answer) {
  return read_answer(answer, [](const WorkerAnswer& read) {
    const Json& json = read.head;
    ingest::ProbeReport report;
    for (const Json& step : json.at("steps")) {
      if (report.steps.size() >= kStepsAtMost) throw std::out_of_range("steps");
      report.steps.push_back({words_from(step.at(0)), step.at(1).get<bool>(), words_from(step.at(2))});
    }
    const int transport = json.at("transport").get<int>(), codec = json.at("codec").get<int>();
    if (transport < 0 || transport > static_cast<int>(Transport::kAuto) || codec < 0 || codec > static_cast<int>(Codec::kRaw16))
      throw std::out_of_range("a name");
    report.transport = static_cast<Transport>(transport);
    report.format.codec = static_cast<Codec>(codec);
    report.format.width = json.at("width").get<int>();
    report.format.height = json.at("height").get<int>();
    report.measured_frames_per_second = finite(json.at("fps"));
    report.gop_seconds = finite(json.at("gop"));
    report.has_rtcp_time = json.at("rtcp").get<bool>();
    report.clock_offset = std::chrono::milliseconds(json.at("offset").get<std::int64_t>());
    report.breaks = json.at("breaks").get<int>();
    const int alive = json.at("alive").get<int>();
    if (alive < 0 || alive > static_cast<int>(ingest::KeepAlive::kRefused)) throw std::out_of_range("a name");
    report.keep_alive = static_cast<ingest::KeepAlive>(alive);
    report.has_b_frames = json.at("reordered").get<bool>();
    report.kilobits_per_second = finite(json.at("kbit"));
    if (json.contains("error")) report.error = error_from(json.at("error"));
    if (json.contains("warmth")) {
      const Json& warmth = json.at("warmth");
      report.warmth.emplace(ingest::ProbeReport::Warmth{finite(warmth.at(0)), finite(warmth.at(1)), finite(warmth.at(2))});
    }
    return Probed{std::move(report), std::string(read.bytes)};
  });
}

std::string answer_of(const EnrolmentShots& shots) {
  Json good = Json::array(), refused = Json::array();
  for (const EnrolmentShot& shot : shots.good) good.push_back(shot_json(shot));
  for (const std::string& line : shots.refused) refused.push_back(as_base64(line));
  return text_of({{"good", good}, {"refused", refused}});
}

Result<EnrolmentShots> shots_from(const std::string& answer, int dimension) {
  return read_answer(answer, [dimension](const WorkerAnswer& read) {
    EnrolmentShots shots;
    for (const Json& shot : read.head.at("good")) {
      if (shots.good.size() >= Enrolment::kMostShots) throw std::out_of_range("more shots than are asked for");
      shots.good.push_back(shot_from(shot, dimension));
    }
    for (const Json& line : read.head.at("refused")) {
      if (shots.refused.size() >= kMostLines) throw std::out_of_range("lines");
      shots.refused.push_back(plain_words(path_from(line)));
    }
    return shots;
  });
}

std::string answer_of(const models::PictureFile& picture) {
  const ImageView& view = picture.view;
  std::string answer = text_of({{"width", view.width}, {"height", view.height}, {"channels", view.format == PixelFormat::kGray8 ? 1 : 3}});
  answer += '\n';
  answer.append(reinterpret_cast<const char*>(picture.pixels.data()), picture.pixels.size());
  return answer;
}

Result<models::PictureFile> picture_from(const std::string& answer) {
  return read_answer(answer, [](const WorkerAnswer& read) {
    const auto width = read.head.at("width").get<std::int64_t>(), height = read.head.at("height").get<std::int64_t>();
    const auto channels = read.head.at("channels").get<std::int64_t>();
    const auto most = static_cast<std::int64_t>(models::kMostPicturePixels);
    if (width < 1 || height < 1 || width > most || height > most / width || (channels != 1 && channels != 3) ||
        static_cast<std::int64_t>(read.bytes.size()) != width * height * channels)
      throw std::out_of_range("a picture of another size");
    models::PictureFile picture;
    picture.pixels.assign(read.bytes.begin(), read.bytes.end());
    picture.view.format = channels == 1 ? PixelFormat::kGray8 : PixelFormat::kBgr24;
    picture.view.width = static_cast<int>(width);
    picture.view.height = static_cast<int>(height);
    picture.view.planes[0] = {picture.pixels.data(), static_cast<int>(width * channels)};
    return picture;
  });
}

}  // namespace kanhu
