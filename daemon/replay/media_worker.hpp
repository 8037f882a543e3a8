// SPDX-License-Identifier: MIT
// Foreign media for commands: looked at in a worker, never in the process that was started.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/replay/media_json.hpp"

namespace kanhu {

// How long a worker may take without anything new coming out of what it reads.
inline constexpr std::chrono::seconds kMediaPatience{20};

// One worker process (as the gateway's: without credentials of the service, its memory limited), started at the first question and again
// when it has ended. A question ends with an answer, with the worker's Error, or, when the worker dies, outgrows its memory or makes no
// progress for 20 s, with kCorrupt or kStalled in words that name what was looked at. The process goes with this object.
// Thread: any, one question at a time.
class MediaWorker {
 public:
  struct Options {
    std::vector<std::string> files;  // what is going to be read, absolute: a worker is shown nothing else
    std::vector<std::string> models_path;
    std::uint64_t memory_bytes = 2ull << 30;
  };
  explicit MediaWorker(Options options);
  ~MediaWorker();

  // Ends within the patience of `task` and 20 s.
  Result<Probed> probe(const ProbeTask& task);
  // `dimension`: of the embedder's templates.
  Result<EnrolmentShots> shots(const EnrolTask& task, int dimension);
  Result<models::PictureFile> picture(const std::string& path);

 private:
  struct State;
  Result<std::string> ask(const std::string& name, std::string body, std::chrono::seconds patience);
  Result<void> start();

  const Options options_;
  std::unique_ptr<State> state_;
};

// Paths for a worker's settings: absolute, and where they are many the folders they are in.
std::vector<std::string> paths_to_read(const std::vector<std::string>& files);

// Whether this is a file, and not a pipe, device or folder, which may have no end, nor one of a size that was set and never filled:
// kNotFound, kPermission, kInvalidArgument, kCorrupt name it.
Result<void> check_is_file(const std::string& path);

// In the words of a command, behind the name of what was read: why nothing more is waited for, and what became of its worker.
std::string no_progress_words();
std::string lost_words(const std::string& cause);

}  // namespace kanhu
