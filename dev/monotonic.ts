/**
 * A clock that all processes of a host share and nobody sets: what several of them wrote down can be put in order.
 * @module
 */

/** CLOCK_MONOTONIC, by the system's number for it, and the library that reads it. */
const CLOCKS: Partial<Record<typeof Deno.build.os, readonly [library: string, clock: number]>> = {
  linux: ["libc.so.6", 1],
  darwin: ["libSystem.dylib", 6],
};

/** Milliseconds since some instant. Where there is no such clock, the host's time stands in. */
export const monotonicMs: () => number = open();

/** The library stays open as long as the process lives. */
function open(): () => number {
  const known = CLOCKS[Deno.build.os];
  if (known === undefined) return Date.now;
  const [library, clock] = known;
  const { symbols: { clock_gettime } } = Deno.dlopen(library, {
    clock_gettime: { parameters: ["i32", "buffer"], result: "i32" },
  });
  const time = new BigInt64Array(2);
  return () => {
    clock_gettime(clock, time);
    return Number(time[0]) * 1000 + Number(time[1]) / 1e6;
  };
}
