#include "cmd/sandbox_parts.h"

#include <stddef.h>

/* By what they are for. Names that an architecture lacks are passed over. What is missing on
 * purpose: whatever starts a program, looks into another process, changes what is mounted, who one
 * is, or the kernel; io_uring, which goes round such a list as this. */
static const char *const common[] = {
	/* memory */
	"brk", "mmap", "mmap2", "mprotect", "munmap", "mremap", "madvise", "msync", "mincore",
	"mlock", "mlock2", "munlock", "membarrier",
	/* threads, time, signals, the end */
	"futex", "futex_waitv", "set_robust_list", "get_robust_list", "rseq", "set_tid_address",
	"sched_yield", "sched_getaffinity", "sched_getparam", "sched_getscheduler", "gettid",
	"getpid", "getppid", "getpgrp", "getpgid", "clock_gettime", "clock_gettime64",
	"clock_getres", "clock_nanosleep", "clock_nanosleep_time64", "nanosleep", "gettimeofday",
	"time", "times", "getitimer", "setitimer", "timer_create", "timer_settime", "timer_delete",
	"timer_gettime", "alarm", "pause", "restart_syscall", "rt_sigaction", "rt_sigprocmask",
	"rt_sigreturn", "rt_sigpending", "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack",
	"tgkill", "exit", "exit_group",
	/* what it is and may use */
	"getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
	"getrlimit", "getrusage", "sysinfo", "uname", "getcpu", "getrandom", "umask", "capget",
	"arch_prctl",
	/* files that Landlock lets it have */
	"open", "openat", "openat2", "creat", "close", "close_range", "read", "readv", "pread64",
	"preadv", "preadv2", "write", "writev", "pwrite64", "pwritev", "pwritev2", "lseek",
	"_llseek", "stat", "fstat", "lstat", "newfstatat", "stat64", "fstat64", "lstat64",
	"fstatat64", "statx", "statfs", "fstatfs", "access", "faccessat", "faccessat2", "getdents",
	"getdents64", "readlink", "readlinkat", "getcwd", "fcntl", "fcntl64", "flock", "fsync",
	"fdatasync", "sync_file_range", "ftruncate", "ftruncate64", "fallocate", "fadvise64",
	"unlink", "unlinkat", "fchmod", "fchown", "fchown32", "chmod", "fchmodat", "utimensat",
	"rename", "renameat", "renameat2", "mkdir", "mkdirat", "dup", "dup2", "dup3", "pipe",
	"pipe2", "sendfile",
	/* waiting */
	"poll", "ppoll", "select", "_newselect", "pselect6", "epoll_create", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2",
	"timerfd_create", "timerfd_settime", "timerfd_gettime", "signalfd", "signalfd4",
	"inotify_init1", "inotify_add_watch", "inotify_rm_watch",
	/* connections */
	"socketpair", "bind", "connect", "listen", "accept", "accept4", "getsockname",
	"getpeername", "setsockopt", "getsockopt", "sendto", "recvfrom", "sendmsg", "recvmsg",
	"sendmmsg", "recvmmsg", "shutdown", NULL
};

/* Vendors' modules talk to devices and daemons of theirs, and keep their own files. */
static const char *const module[] = { "shmget",
				      "shmat",
				      "shmdt",
				      "shmctl",
				      "semget",
				      "semop",
				      "semtimedop",
				      "semctl",
				      "msgget",
				      "msgsnd",
				      "msgrcv",
				      "msgctl",
				      "link",
				      "linkat",
				      "symlink",
				      "symlinkat",
				      "rmdir",
				      "chown",
				      "lchown",
				      "fchownat",
				      "utime",
				      "utimes",
				      "chdir",
				      "ioctl",
				      "mlockall",
				      "munlockall",
				      "sched_setscheduler",
				      "sched_setaffinity",
				      "getpriority",
				      "setpriority",
				      NULL };

/* LeakSanitizer stops the threads at the end, by a tracer of its own. */
static const char *const checker[] = { "ptrace", "wait4",  "waitid", "clone", "prctl",
				       "ioctl",  "getsid", "kill",   NULL };

static const char *const never[] = {
	"acct",
	"add_key",
	"bpf",
	"chroot",
	"clock_adjtime",
	"clock_settime",
	"create_module",
	"delete_module",
	"fanotify_init",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"ioperm",
	"iopl",
	"kcmp",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mount",
	"mount_setattr",
	"move_mount",
	"move_pages",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"personality",
	"pidfd_getfd",
	"pivot_root",
	"process_madvise",
	"process_vm_readv",
	"process_vm_writev",
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	"ptrace", /* the roles inherit this list, and sanitizers look for leaks by it */
#endif
	"quotactl",
	"quotactl_fd",
	"reboot",
	"request_key",
	"setdomainname",
	"sethostname",
	"setns",
	"settimeofday",
	"swapoff",
	"swapon",
	"syslog",
	"umount",
	"umount2",
	"unshare",
	"uselib",
	"userfaultfd",
	"vhangup",
	NULL
};

const char *const *sandbox_call_names(unsigned kind)
{
	switch (kind) {
	case SANDBOX_CALLS_MODULE:
		return module;
	case SANDBOX_CALLS_CHECKER:
		return checker;
	default:
		return common;
	}
}

const char *const *sandbox_never_names(void)
{
	return never;
}
