// SPDX-License-Identifier: MIT
#include "daemon/worker/syscall_filter.hpp"

#include <cerrno>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <sched.h>
#include <seccomp.h>

namespace kanhu {
namespace {

// By name: a call that this version of libseccomp or this processor does not have is left out.
constexpr const char* kRefused[] = {
    // Of files, whoever's: a worker makes its files with the mode they keep.
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat", "utime", "utimes", "futimesat", "utimensat",
    "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr",
    // Programs.
    "execve", "execveat", "fork", "vfork",
    // Other processes.
    "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "ioprio_set", "process_madvise", "move_pages", "migrate_pages",
    // What leaves something behind, or has been a way out of confinement.
    "shmget", "shmat", "msgget", "semget", "mq_open", "add_key", "keyctl", "request_key", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "bpf", "perf_event_open", "userfaultfd", "unshare", "setns", "mount", "umount2", "pivot_root", "chroot",
    "open_by_handle_at", "fanotify_init", "quotactl"};
// Of the calling thread by 0 only: the first argument names a process.
constexpr const char* kOfOthers[] = {"prlimit64", "sched_setscheduler", "sched_setparam", "sched_setattr", "sched_setaffinity"};
#ifndef KANHU_SANITIZED  // LeakSanitizer looks through a process of its own
constexpr bool kWatched = false;
#else
constexpr bool kWatched = true;
#endif

}  // namespace

Result<void> refuse_system_calls() {
  const scmp_arg_cmp first_not_0{0, SCMP_CMP_NE, 0, 0}, second_not_0{1, SCMP_CMP_NE, 0, 0};
  const scmp_arg_cmp no_thread{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0};
  const auto failed = [](int code) { return fail(ErrorKind::kInternal, fmt::format("seccomp: {}", std::strerror(-code))); };
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(seccomp_init(SCMP_ACT_ALLOW), seccomp_release);
  if (!filter) return failed(-ENOMEM);
  for (const char* name : kRefused) {
    const int call = seccomp_syscall_resolve_name(name);
    if (call == __NR_SCMP_ERROR) continue;
    if (const int code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0); code != 0) return failed(code);
  }
  for (const char* name : kOfOthers) {
    const int code = seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), seccomp_syscall_resolve_name(name), 1, &first_not_0);
    if (code != 0) return failed(code);
  }
  // setpriority(which, who, value)
  int code = seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(setpriority), 1, &second_not_0);
  if (code == 0 && !kWatched) {
    code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), 0);
    // A thread, not a process. What clone3 asks for stands in memory, where a filter cannot look: the C library then takes clone.
    if (code == 0) code = seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &no_thread);
    if (code == 0) code = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
  }
  if (code != 0) return failed(code);
  if (const int loaded = seccomp_load(filter.get()); loaded != 0) return failed(loaded);
  return {};
}

}  // namespace kanhu
