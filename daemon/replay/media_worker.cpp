// SPDX-License-Identifier: MIT
#include "daemon/replay/media_worker.hpp"

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.hpp"
#include "base/text.hpp"
#include "daemon/supervise/workers.hpp"

namespace kanhu {
namespace {

constexpr std::size_t kMostAnswerBytes = 512u << 20;  // 50 megapixels of 3 bytes, and room
constexpr std::size_t kMostPathBytes = 24 * 1024;     // of all paths in one message
constexpr std::chrono::milliseconds kPollEvery{100};
constexpr std::uint64_t kMostHoles = std::uint64_t{256} << 20;

double in_gib(std::uint64_t bytes) { return static_cast<double>(bytes) / static_cast<double>(1u << 30); }

// A file of a size that was set and never filled, by a copy that broke off or a download that began, takes hours to read for nothing.
// So where at most an eighth of a large file was ever written it is no recording. File systems that know no holes say that all is written.
Result<void> check_is_written(int descriptor, const std::string& path, std::uint64_t size) {
  constexpr int kMostPieces = 100'000;
  if (size <= kMostHoles) return {};
  std::uint64_t written = 0;
  bool told = true;  // where the pieces are
  int pieces = 0;
  for (off_t at = 0; written <= size / 8 && told && pieces < kMostPieces; ++pieces) {
    const off_t data = ::lseek(descriptor, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // no more of them
    const off_t hole = data < 0 ? data : ::lseek(descriptor, data, SEEK_HOLE);
    told = hole > data;
    if (told) written += static_cast<std::uint64_t>(hole - data);
    at = hole;
  }
  if (!told || pieces == kMostPieces || written > size / 8 || size - written <= kMostHoles) return {};
  return fail(ErrorKind::kCorrupt, fmt::format("{} is {:.1f} GiB large, but only {:.1f} MiB of it were ever written; copy it again, whole",
                                               kanhu::quoted(path, 300), in_gib(size), in_gib(written) * 1024));
}

}  // namespace

std::string no_progress_words() {
  return fmt::format(
      "nothing more came out of it for {} s, and the worker that read it was ended; the file is damaged, or its disk does not answer",
      kMediaPatience.count());
}

std::string lost_words(const std::string& cause) {
  const bool by_signal = cause.starts_with("killed");
  return fmt::format("the worker that read it {}{}; what it read is damaged, or was made to do harm", by_signal ? "was " : "", cause);
}

std::vector<std::string> paths_to_read(const std::vector<std::string>& files) {
  std::vector<std::string> paths;
  std::set<std::string> folders;
  std::size_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code problem;
    const auto path = std::filesystem::absolute(file, problem).lexically_normal();
    paths.push_back(path.string());
    folders.insert(path.parent_path().string());
    bytes += path.string().size();
  }
  if (bytes <= kMostPathBytes) return paths;
  bytes = 0;
  for (const std::string& folder : folders) bytes += folder.size();
  if (bytes > kMostPathBytes) return {"/"};
  return {folders.begin(), folders.end()};
}

Result<void> check_is_file(const std::string& path) {
  // A pipe that nobody writes to is not waited for.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (descriptor < 0)
    return fail(errno == ENOENT   ? ErrorKind::kNotFound
                : errno == EACCES ? ErrorKind::kPermission
                                  : ErrorKind::kIo,
                fmt::format("{}: {}", kanhu::quoted(path, 300), std::strerror(errno)));
  struct stat status {};
  const Descriptor closes(descriptor);
  const bool is_file = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
  if (is_file) return check_is_written(descriptor, path, static_cast<std::uint64_t>(status.st_size));
  return fail(ErrorKind::kInvalidArgument, fmt::format("{} is a {}, not a file; copy what it holds into a file", kanhu::quoted(path, 300),
                                                       S_ISDIR(status.st_mode)    ? "folder"
                                                       : S_ISFIFO(status.st_mode) ? "pipe"
                                                                                  : "device"));
}

struct MediaWorker::State {
  SystemClock clock;
  std::mutex asking;  // one question at a time
  std::mutex mutex;
  std::condition_variable changed;
  // Of the question at hand:
  std::string answer;
  std::uint64_t total = 0;
  bool complete = false;
  std::optional<Error> failed;
  std::uint64_t steps = 0;
  std::optional<std::string> lost;  // the worker, and why
  std::optional<std::size_t> number;
  std::unique_ptr<Workers> workers;  // last: its threads use all the others

  void hear(relay::Message message) {
    const std::scoped_lock lock(mutex);
    if (auto* part = std::get_if<relay::TaskPart>(&message)) {
      const bool fits =
          part->offset == answer.size() && part->total <= kMostAnswerBytes && answer.size() + part->bytes.size() <= part->total;
      if (!fits) failed = Error{ErrorKind::kCorrupt, "the worker gave an answer whose parts do not fit together"};
      if (fits) answer += part->bytes;
      complete = fits && answer.size() == part->total;
      ++steps;
    } else if (auto* why = std::get_if<relay::TaskFailed>(&message)) {
      failed = Error{why->why.kind, plain_words(why->why.message)};
    } else if (std::holds_alternative<relay::TaskMoved>(message)) {
      ++steps;
    }
    changed.notify_all();
  }
  void lose(const std::string& cause) {
    const std::scoped_lock lock(mutex);
    lost = cause;
    changed.notify_all();
  }
};

MediaWorker::MediaWorker(Options options) : options_(std::move(options)), state_(std::make_unique<State>()) {}

MediaWorker::~MediaWorker() {
  // Nothing it holds is worth waiting for.
  if (state_->workers && state_->number) state_->workers->end(*state_->number, "is not needed any more");
  state_->workers.reset();
}

Result<void> MediaWorker::start() {
  State& state = *state_;
  {
    const std::scoped_lock lock(state.mutex);
    if (state.lost) state.number.reset();
    state.lost.reset();
  }
  if (state.number) return {};
  Workers::Options options;
  options.for_command = true;
  options.memory_bytes = options_.memory_bytes;
  options.setup.models_path = options_.models_path;
  options.setup.replay = true;
  options.setup.files = options_.files;
  state.workers =
      std::make_unique<Workers>(std::move(options),
                                Workers::Upcalls{[&state](std::size_t, relay::Message message) { state.hear(std::move(message)); },
                                                 [&state](std::size_t, const std::string& cause) { state.lose(cause); }},
                                state.clock);
  const auto started = state.workers->start();
  if (!started) return tl::make_unexpected(started.error());
  state.number = *started;
  return {};
}

Result<std::string> MediaWorker::ask(const std::string& name, std::string body, std::chrono::seconds patience) {
  State& state = *state_;
  const std::scoped_lock one_at_a_time(state.asking);
  if (body.size() > relay::kMostTaskBytes) return fail(ErrorKind::kInvalidArgument, name + ": the name is too long");
  if (auto started = start(); !started) return tl::make_unexpected(started.error());
  {
    const std::scoped_lock lock(state.mutex);
    state.answer.clear();
    state.complete = false;
    state.failed.reset();
    state.steps = 0;
  }
  (void)state.workers->send(*state.number, relay::Task{std::move(body)});  // one that has gone is told by `lose`
  std::uint64_t seen = 0;
  MonoTime moved = state.clock.mono();
  bool ended = false;
  std::unique_lock lock(state.mutex);
  for (;;) {
    state.changed.wait_for(lock, kPollEvery, [&] { return state.complete || state.failed || state.lost || state.steps != seen; });
    if (state.complete) return std::move(state.answer);
    if (state.failed) return tl::make_unexpected(*state.failed);
    if (state.lost && ended) return fail(ErrorKind::kStalled, fmt::format("{}: {}", name, no_progress_words()));
    if (state.lost) return fail(ErrorKind::kCorrupt, fmt::format("{}: {}", name, lost_words(*state.lost)));
    if (state.steps != seen) {
      seen = state.steps;
      moved = state.clock.mono();
    }
    const bool late = !ended && state.clock.mono() - moved > patience;
    lock.unlock();
    state.workers->watch();
    if (late) state.workers->end(*state.number, "made no progress");
    lock.lock();
    ended = ended || late;
  }
}

Result<Probed> MediaWorker::probe(const ProbeTask& task) {
  const auto answer = ask(task.stream.url, task_body(task), task.patience + kMediaPatience);
  if (!answer) return tl::make_unexpected(answer.error());
  return probed_from(*answer);
}

Result<EnrolmentShots> MediaWorker::shots(const EnrolTask& task, int dimension) {
  const auto answer = ask(task.is_clip ? task.path : task.name, task_body(task), kMediaPatience);
  if (!answer) return tl::make_unexpected(answer.error());
  return shots_from(*answer, dimension);
}

Result<models::PictureFile> MediaWorker::picture(const std::string& path) {
  const auto answer = ask(path, task_body(PictureTask{path}), kMediaPatience);
  if (!answer) return tl::make_unexpected(answer.error());
  return picture_from(*answer);
}

}  // namespace kanhu
