// SPDX-License-Identifier: MIT
#include "pipelines/journal/search/sqlite.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace kanhu::journal {
namespace {

tl::unexpected<Error> sqlite_failed(sqlite3* database) {
  const int code = database ? sqlite3_errcode(database) & 0xff : SQLITE_NOMEM;
  const char* file = database ? sqlite3_db_filename(database, "main") : nullptr;
  ErrorKind kind = ErrorKind::kIo;
  if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR || code == SQLITE_SCHEMA || code == SQLITE_MISMATCH)
    kind = ErrorKind::kCorrupt;  // of SQLITE_ERROR: a table or column that is not there
  if (code == SQLITE_FULL) kind = ErrorKind::kNoSpace;
  if (code == SQLITE_PERM || code == SQLITE_READONLY || code == SQLITE_CANTOPEN || code == SQLITE_AUTH) kind = ErrorKind::kPermission;
  return fail(kind, fmt::format("{}: {}", file && *file ? file : "index in memory", database ? sqlite3_errmsg(database) : "out of memory"));
}

}  // namespace

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
void SqliteDatabase::Close::operator()(sqlite3* database) const { sqlite3_close(database); }

SqliteStatement& SqliteStatement::bind(std::int64_t value) {
  sqlite3_bind_int64(statement_.get(), next_++, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(std::string_view text) {
  // Of a view without data SQLite would make NULL.
  sqlite3_bind_text64(statement_.get(), next_++, text.data() ? text.data() : "", text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::bind_nothing() {
  sqlite3_bind_null(statement_.get(), next_++);
  return *this;
}

Result<bool> SqliteStatement::step() {
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  next_ = 1;
  const bool done = code == SQLITE_DONE;
  const auto error = done ? tl::unexpected<Error>(Error{}) : sqlite_failed(database_);
  sqlite3_reset(statement_.get());
  if (!done) return error;
  return false;
}

Result<void> SqliteStatement::run() {
  while (true) {
    const auto row = step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
  }
}

std::int64_t SqliteStatement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string SqliteStatement::text(int column) const {
  const void* data = sqlite3_column_blob(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return data ? std::string(static_cast<const char*>(data), static_cast<std::size_t>(size)) : std::string();
}

Result<SqliteDatabase> SqliteDatabase::open(const std::string& path) {
  sqlite3* opened = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &opened,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_NOMUTEX, nullptr);
  SqliteDatabase database;
  database.database_.reset(opened);
  if (code != SQLITE_OK) {
    auto error = sqlite_failed(opened);
    error.value().message = fmt::format("{}: {}", path, sqlite3_errstr(code));
    return error;
  }
  return database;
}

Result<void> SqliteDatabase::execute(const std::string& sql) {
  if (sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) return sqlite_failed(database_.get());
  return {};
}

Result<SqliteStatement> SqliteDatabase::prepare(std::string_view sql) {
  sqlite3_stmt* made = nullptr;
  if (sqlite3_prepare_v2(database_.get(), sql.data(), static_cast<int>(sql.size()), &made, nullptr) != SQLITE_OK)
    return sqlite_failed(database_.get());
  SqliteStatement statement;
  statement.statement_.reset(made);
  statement.database_ = database_.get();
  return statement;
}

}  // namespace kanhu::journal
