// SPDX-License-Identifier: MIT
#include "tests/support/simulator/simulator.hpp"

#include <array>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "tests/support/simulator/state.hpp"

namespace kanhu::simulator {
namespace {

constexpr int kMostVisitors = 1'000'000;

Result<Camera*> known(Camera* camera, std::string_view name) {
  if (camera == nullptr) return fail(ErrorKind::kNotFound, fmt::format("there is no camera called \"{}\"", name));
  return camera;
}

// The next word of `line`, which it loses.
std::string_view word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
  const std::string_view found = line.substr(0, line.find_first_of(" \t\r"));
  line.remove_prefix(found.size());
  return found;
}

Result<double> share(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !(value >= 0 && value <= 1)) {
    return fail(ErrorKind::kInvalidArgument, "expected a share of packets from 0 to 1");
  }
  return value;
}

Result<std::optional<int>> visitor(std::string_view text) {
  if (text.empty()) return std::optional<int>{};
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > kMostVisitors) {
    return fail(ErrorKind::kInvalidArgument, fmt::format("\"{}\" is no visitor: a number from 0 to {}", text, kMostVisitors));
  }
  return std::optional<int>(value);
}

Result<bool> on_off(std::string_view text) {
  if (text == "on") return true;
  if (text == "off") return false;
  return fail(ErrorKind::kInvalidArgument, "expected on or off");
}

// Applies `then` to a parsed argument, or hands its error on.
template <typename T, typename Then>
Result<void> with(Result<T> value, Then then) {
  if (!value) return tl::unexpected<Error>(std::move(value.error()));
  return then(*value);
}

}  // namespace

Simulator::Simulator(std::unique_ptr<State> state) : state_(std::move(state)) {}
Simulator::~Simulator() = default;

Result<std::unique_ptr<Simulator>> Simulator::start(Options options) {
  auto state = std::make_unique<State>();
  if (auto opened = state->open(std::move(options)); !opened) return tl::unexpected<Error>(opened.error());
  return std::unique_ptr<Simulator>(new Simulator(std::move(state)));
}

int Simulator::port() const { return state_->port; }

std::string Simulator::url(std::string_view path) const { return fmt::format("rtsp://127.0.0.1:{}/{}", state_->port, path); }

Result<void> Simulator::drop(std::string_view camera) {
  return with(known(state_->find(camera), camera), [this](Camera* found) -> Result<void> {
    found->faults->dropped = true;
    state_->cut_clients(*found);
    return {};
  });
}

Result<void> Simulator::restore(std::string_view camera) {
  return with(known(state_->find(camera), camera), [this](Camera* found) -> Result<void> {
    // New media: what the cut connections left behind may still be on its way down.
    state_->mount(*found);
    found->faults->dropped = false;
    return {};
  });
}

Result<void> Simulator::stall(std::string_view camera) {
  return with(known(state_->find(camera), camera), [](Camera* found) -> Result<void> {
    found->faults->stalled = true;
    return {};
  });
}

Result<void> Simulator::resume(std::string_view camera) {
  return with(known(state_->find(camera), camera), [](Camera* found) -> Result<void> {
    found->faults->stalled = false;
    // Without it the first pictures would refer to ones that were never sent.
    for (const auto& stream : found->streams) stream->request_key_frame();
    return {};
  });
}

Result<void> Simulator::freeze(std::string_view camera) {
  return with(known(state_->find(camera), camera), [](Camera* found) -> Result<void> {
    found->faults->frozen = true;
    return {};
  });
}

Result<void> Simulator::unfreeze(std::string_view camera) {
  return with(known(state_->find(camera), camera), [](Camera* found) -> Result<void> {
    found->faults->frozen = false;
    return {};
  });
}

Result<void> Simulator::black(std::string_view camera, bool on) {
  return with(known(state_->find(camera), camera), [on](Camera* found) -> Result<void> {
    found->faults->black = on;
    return {};
  });
}

Result<void> Simulator::person(std::string_view camera, PersonMode mode, std::optional<int> visitor) {
  return with(known(state_->find(camera), camera), [this, mode, visitor](Camera* found) -> Result<void> {
    const double now = state_->scene_seconds();
    std::scoped_lock hold(state_->mutex);
    if (mode == PersonMode::kIn && found->person != PersonMode::kIn) {
      found->person_since = now;
      found->forced_visits = visitor.value_or(found->forced_visits + 1);
    }
    found->person = mode;
    return {};
  });
}

Result<void> Simulator::corrupt(std::string_view camera, double share_of_packets) {
  return with(known(state_->find(camera), camera), [share_of_packets](Camera* found) -> Result<void> {
    found->faults->corrupt_rate = share_of_packets;
    return {};
  });
}

Result<void> Simulator::status453(std::string_view camera, bool on) {
  return with(known(state_->find(camera), camera), [on](Camera* found) -> Result<void> {
    found->faults->no_bandwidth = on;
    return {};
  });
}

Result<void> Simulator::password(std::string_view camera, std::string_view password) {
  return with(known(state_->find(camera), camera), [this, password](Camera* found) -> Result<void> {
    if (found->spec.user.empty()) return fail(ErrorKind::kInvalidArgument, fmt::format("{} asks for no password", found->spec.name));
    GstRTSPAuth* fresh = make_lock(found->spec.user, std::string(password), found->spec.auth);
    {
      std::scoped_lock hold(state_->mutex);
      std::swap(found->lock, fresh);
    }
    g_object_unref(fresh);
    state_->cut_clients(*found);
    return {};
  });
}

Result<void> Simulator::codec(std::string_view camera, Codec codec) {
  return with(known(state_->find(camera), camera), [this, codec](Camera* found) -> Result<void> {
    for (const auto& stream : found->streams) stream->set_codec(codec);
    state_->mount(*found);
    state_->cut_clients(*found);
    return {};
  });
}

Result<void> Simulator::size(std::string_view path, Size size) {
  return with(known(state_->camera_of_path(path), path), [path, size](Camera* found) -> Result<void> {
    for (const auto& stream : found->streams) {
      if (std::string_view(stream->path()).substr(1) == path) stream->set_size(size);
    }
    return {};
  });
}

int Simulator::connections(std::string_view camera) const {
  const Camera* found = state_->find(camera);
  std::scoped_lock hold(state_->mutex);
  int count = 0;
  for (const auto& [client, asked] : state_->clients) count += asked.contains(found) ? 1 : 0;
  return count;
}

std::string Simulator::list() const {
  std::string text;
  for (const auto& camera : state_->cameras) {
    const Faults& faults = *camera->faults;
    std::string wrong;
    const std::array<std::pair<bool, const char*>, 6> states = {{{faults.dropped, "dropped"},
                                                                 {faults.stalled, "stalled"},
                                                                 {faults.frozen, "frozen"},
                                                                 {faults.black, "black"},
                                                                 {faults.no_bandwidth, "453"},
                                                                 {faults.corrupt_rate > 0, "corrupt"}}};
    for (const auto& [on, name] : states) {
      if (on) wrong += fmt::format("{}{}", wrong.empty() ? " " : ",", name);
    }
    const Stream& main = *camera->streams.front();
    PersonMode mode{};
    {
      std::scoped_lock hold(state_->mutex);
      mode = camera->person;
    }
    const bool present = state_->visit_of(*camera, state_->scene_seconds()).present;
    text += fmt::format("{}{} {} {} {}x{} person={}{} connections={}{}", text.empty() ? "" : "; ", camera->spec.name,
                        to_string(camera->spec.scene), to_string(main.codec()), main.size().width, main.size().height, to_string(mode),
                        present ? "(there)" : "", connections(camera->spec.name), wrong);
  }
  return text;
}

std::string Simulator::command(std::string_view line) {
  const std::string_view verb = word(line);
  if (verb == "list") return fmt::format("ok {}", list());
  const std::string_view camera = word(line);
  const std::string_view argument = word(line);
  const auto apply = [&]() -> Result<void> {
    if (verb == "drop") return drop(camera);
    if (verb == "restore") return restore(camera);
    if (verb == "stall") return stall(camera);
    if (verb == "resume") return resume(camera);
    if (verb == "freeze") return freeze(camera);
    if (verb == "unfreeze") return unfreeze(camera);
    if (verb == "black") return black(camera, true);
    if (verb == "unblack") return black(camera, false);
    if (verb == "password") return password(camera, argument);
    if (verb == "person") {
      return with(parse_person(argument), [&](PersonMode mode) {
        return with(visitor(word(line)), [&](std::optional<int> who) { return person(camera, mode, who); });
      });
    }
    if (verb == "codec") return with(parse_codec(argument), [&](Codec value) { return codec(camera, value); });
    if (verb == "size") return with(parse_size(argument), [&](Size value) { return size(camera, value); });
    if (verb == "corrupt") return with(share(argument), [&](double value) { return corrupt(camera, value); });
    if (verb == "status453") return with(on_off(argument), [&](bool value) { return status453(camera, value); });
    return fail(
        ErrorKind::kInvalidArgument,
        fmt::format("no command \"{}\": drop, restore, stall, resume, freeze, unfreeze, black, unblack, person, codec, size, corrupt, "
                    "status453, password, list, quit",
                    verb));
  };
  const auto done = apply();
  return done ? fmt::format("ok {} {}", verb, camera) : fmt::format("error {}", done.error().message);
}

}  // namespace kanhu::simulator
