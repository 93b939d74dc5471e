/**
 * The caller's limit of open files, for the wrapped command.
 *
 * At its start the runtime raises its own soft limit as far as it may, and children inherit that. Programs that
 * use select(2) or close every possible descriptor expect the usual low one, and would not have met the
 * raised one without us.
 * @module
 */

/** RLIMIT_NOFILE of getrlimit(2), and the C library that has it. */
const SYSTEMS: Partial<Record<typeof Deno.build.os, readonly [number, string]>> = {
  linux: [7, "libc.so.6"],
  darwin: [8, "libSystem.dylib"],
};

const SYMBOLS = {
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const;

/**
 * Calls `start` while our soft limit is our parent's, as what it starts inherits that. Where neither can be
 * found out or set, it is called as things are.
 */
export function withCallersLimits<T>(start: () => T): T {
  const soft = softLimitOf(Deno.ppid);
  const [resource, library] = SYSTEMS[Deno.build.os] ?? [];
  if (soft === undefined || resource === undefined || library === undefined) return start();
  let libc: Deno.DynamicLibrary<typeof SYMBOLS>;
  try {
    libc = Deno.dlopen(library, SYMBOLS);
  } catch {
    return start(); // Another C library, such as musl's.
  }
  try {
    const ours = new BigUint64Array(2);
    if (libc.symbols.getrlimit(resource, ours) !== 0 || soft >= ours[0]!) return start();
    const lowered = BigUint64Array.of(soft, ours[1]!);
    if (libc.symbols.setrlimit(resource, lowered) !== 0) return start();
    try {
      return start();
    } finally {
      libc.symbols.setrlimit(resource, ours);
    }
  } finally {
    libc.close();
  }
}

/** A process's soft limit of open files (proc_pid_limits(5)); `undefined` where the system does not tell. */
function softLimitOf(pid: number): bigint | undefined {
  try {
    const limits = Deno.readTextFileSync(`/proc/${pid}/limits`);
    const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
    return soft === undefined ? undefined : BigInt(soft);
  } catch {
    return undefined;
  }
}
