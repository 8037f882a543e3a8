// SPDX-License-Identifier: MIT
// The little of SQLite that the index of the journal needs. Private to pipelines/publish.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace kanhu::journal {

class SqliteDatabase;

// A prepared statement. Columns and parameters count from 0. Bind, then `step` until it says false; binding again begins anew.
// Thread: confined.
class SqliteStatement {
 public:
  SqliteStatement& bind(std::int64_t value);
  SqliteStatement& bind(std::string_view text);
  SqliteStatement& bind_nothing();
  // True: a row is there. False: done, and ready to be bound again.
  Result<bool> step();
  Result<void> run();  // to its end, rows ignored

  std::int64_t integer(int column) const;
  std::string text(int column) const;  // also of a blob

 private:
  friend class SqliteDatabase;
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  sqlite3* database_ = nullptr;
  int next_ = 1;
};

// One connection, which must be the only one of its file (whoever opens it holds a lock). Errors: kCorrupt when the file is damaged or
// no database, kNoSpace when the disk is full, kPermission, kIo; they carry the path.
// Thread: confined.
class SqliteDatabase {
 public:
  // Makes the file when it is not there. ":memory:" is a database without a file.
  static Result<SqliteDatabase> open(const std::string& path);
  Result<void> execute(const std::string& sql);
  Result<SqliteStatement> prepare(std::string_view sql);

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  std::unique_ptr<sqlite3, Close> database_;
};

}  // namespace kanhu::journal
