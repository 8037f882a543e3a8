// SPDX-License-Identifier: MIT
// Where a gallery is kept: one encrypted file a facility, replaced whole (format: docs/gallery.md).
#pragma once

#include <string>
#include <string_view>

#include "base/file_io.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "gallery/gallery.hpp"

namespace kanhu::gallery {

// <data_dir>/galleries
std::string gallery_folder(std::string_view data_dir);
inline constexpr std::string_view kGallerySuffix = ".gallery";
// <folder>/<facility>.gallery
std::string gallery_path(std::string_view folder, std::string_view facility);

// kNotFound: nobody was enrolled there yet. Otherwise as open_sealed, and kUnsupported for the gallery of another facility under
// this name. Never writes.
Result<Gallery> read_gallery(FileIo& io, const std::string& folder, std::string_view facility, const Secret& key);

// Replaces the file: a new one beside it, made durable, given its name. Whatever fails, the old content is still there, or the
// new one is, whole. Afterwards the blocks of the old one are overwritten, as far as the disk writes in place.
// The file gets mode 0600 by the caller's umask (0077).
Result<void> write_gallery(FileIo& io, const std::string& folder, const Gallery& gallery, const Secret& key);

// Removes what an interrupted write left beside the galleries, after overwriting it. Under the folder's lock only.
Result<void> remove_leftovers(FileIo& io, const std::string& folder);

// Templates of two networks are never compared: kUnsupported, with both names and the way out. An empty gallery fits any.
Result<void> check_embedder(const Gallery& gallery, std::string_view name, std::string_view digest);

Result<std::string> read_bytes(FileIo& io, const std::string& path);

}  // namespace kanhu::gallery
