// SPDX-License-Identifier: MIT
// Tables of the index. Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <string>

namespace kanhu::journal {

// Another version is made anew; there is nothing to migrate.
inline constexpr std::int64_t kIndexVersion = 1;
inline constexpr std::uint32_t kIndexApplication = 0x4b'4e'48'55;  // "KNHU", the application id in the file

// Kinds of `name.kind`, which are also the columns of `event` from `stream` on; id 0 is the empty text.
enum NameKind { kStreamName, kSourceName, kTypeName, kSeverityName, kZoneName, kPersonName };
inline constexpr int kNameKinds = 6;
inline constexpr const char* kNameColumns[kNameKinds] = {"stream", "source", "type", "severity", "zone", "person"};

// `segment.id` rises in the order of reading. Names are stored once: an event takes about 60 bytes, its indexes as much again.
// To be ended by COMMIT.
inline const std::string kIndexSchema = R"(
BEGIN;
CREATE TABLE segment(id INTEGER PRIMARY KEY, name TEXT, number INTEGER, header BLOB, successor BLOB, last_hash BLOB,
  damage TEXT, size INTEGER, modified INTEGER, changed INTEGER, inode INTEGER, ends INTEGER, repeated INTEGER);
CREATE TABLE said(segment INTEGER, ordinal INTEGER, epoch TEXT);
CREATE TABLE name(id INTEGER PRIMARY KEY, kind INTEGER, text TEXT, UNIQUE(kind, text));
CREATE TABLE event(ordinal INTEGER, seq INTEGER, segment INTEGER, begins INTEGER, size INTEGER, mark INTEGER, time INTEGER,
  stream INTEGER, source INTEGER, type INTEGER, severity INTEGER, zone INTEGER, person INTEGER, subject TEXT,
  PRIMARY KEY(ordinal, seq)) WITHOUT ROWID;
CREATE INDEX event_time ON event(time);
CREATE INDEX event_type ON event(type, time);
CREATE INDEX event_person ON event(person) WHERE person <> 0;
CREATE INDEX event_subject ON event(subject) WHERE subject IS NOT NULL;
)";

}  // namespace kanhu::journal
