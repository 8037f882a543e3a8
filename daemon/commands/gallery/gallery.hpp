// SPDX-License-Identifier: MIT
// kanhu gallery: what its sub-commands share, and each of them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/file_io.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "config/config.hpp"
#include "daemon/commands/commands.hpp"
#include "daemon/commands/whereabouts.hpp"
#include "gallery/gallery_folder.hpp"
#include "gallery/people.hpp"

namespace kanhu {

// The galleries of a configuration, opened by an operator. No core dump and no other process of this user can look into this one
// from now on; files it makes are the owner's alone, and those of the data folder's owner when root runs it.
// Thread: confined.
class Galleries {
 public:
  // kBeginning: reading where there may be no data folder yet. kChanging holds the folder's lock until the end.
  enum class Purpose { kReading, kBeginning, kChanging };
  // A broken configuration keeps nobody from reading or taking out (daemon/commands/whereabouts.hpp); kBeginning wants a whole one.
  static Result<Galleries> open(const WhereOptions& where, Purpose purpose);

  const Config& config() const { return config_; }
  const std::string& folder() const { return folder_; }
  const Secret& key() const { return key_; }
  FileIo& files() const { return *files_; }

  // `asked`, when the configuration has it; the only one there is, when nothing was asked. kInvalidArgument names those there are.
  Result<std::string> facility(const std::string& asked) const;
  // kNotFound when nobody was ever enrolled there.
  Result<gallery::Gallery> read(const std::string& facility) const;
  // The same, but a new gallery when there is none.
  Result<gallery::Gallery> read_or_begin(const std::string& facility) const;
  Result<void> write(const gallery::Gallery& gallery) const;
  // Every gallery in the folder that can be read; the others' errors go to `unreadable`.
  Result<std::vector<gallery::Gallery>> all(std::vector<std::string>* unreadable) const;
  // Those in which the ref stands; only `facility` is looked at when it is not empty. kNotFound when none, or the first error.
  Result<std::vector<gallery::Gallery>> holding(const std::string& ref, const std::string& facility) const;

 private:
  Galleries() = default;
  std::vector<std::string> facilities() const;

  Config config_;
  bool whole_ = true;  // false: of a broken file, and nothing is known of facilities
  std::string folder_;
  std::unique_ptr<FileIo> files_;
  Secret key_;
  std::optional<gallery::FolderLock> lock_;
};

// Options that more than one sub-command has.
struct GalleryOptions : WhereOptions {
  std::string facility;
  bool json = false;
};
void add_gallery_options(CLI::App& command, GalleryOptions& options, bool with_facility, bool with_json);

// Who runs this: the login name, also behind sudo.
std::string operator_name();
gallery::Act act_now(std::string by = operator_name());
// "2027-01-31" (from that day on, UTC) or RFC 3339.
Result<WallTime> parse_day(const std::string& text);
std::string day_of(WallTime time);
// One line of standard input, with `prompt` when a terminal is there; not shown while one types when `hidden`.
Result<Secret> read_line(const std::string& prompt, bool hidden);
// A name or other free text: UTF-8 on one line, 1 to 200 bytes.
Result<std::string> checked_text(std::string_view text, std::string_view what);

void add_gallery_enroll(CLI::App& gallery, Command& chosen);
void add_gallery_list(CLI::App& gallery, Command& chosen);
void add_gallery_show(CLI::App& gallery, Command& chosen);
void add_gallery_consent(CLI::App& gallery, Command& chosen);
void add_gallery_share(CLI::App& gallery, Command& chosen);
void add_gallery_withdraw(CLI::App& gallery, Command& chosen);
void add_gallery_purge(CLI::App& gallery, Command& chosen);
void add_gallery_calibrate(CLI::App& gallery, Command& chosen);
void add_gallery_import(CLI::App& gallery, Command& chosen);
void add_gallery_export(CLI::App& gallery, Command& chosen);
void add_gallery_key(CLI::App& gallery, Command& chosen);

}  // namespace kanhu
