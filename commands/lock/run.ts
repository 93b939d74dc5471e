import { given } from "../../src/given.ts";
import { invalid } from "../../src/check.ts";
import { sleep } from "../../src/clock.ts";
import { type Cli, defineCommand } from "../../src/cli/command.ts";
import { duration, integer, LEASE } from "../../src/cli/options.ts";
import {
  exitCodesHelp,
  leaseGrace,
  type Tenure,
  wrap,
  WRAPPER_EXIT,
} from "../../src/cli/wrapper.ts";
import { LeaseLostError } from "../../src/errors.ts";
import type { HeldLock } from "../../src/lock/held.ts";
import type { Lease } from "../../src/lock/model.ts";
import { DEFAULT_LOCK_TTL_MS, type HoldOptions, Locks } from "../../src/lock/lock.ts";
import { quote } from "../../src/name.ts";

/** A lease ended by `lock break` is noticed this soon, long before its next renewal. */
const LOOK_MS = 2000;

/** `agentcoord lock run` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("<path...>", "files or directories; each with everything below it")
      .usage("[options] <path...> -- <command> [args...]")
      .addHelpText(
        "after",
        exitCodesHelp("75 the lock was not had (see -E)", "124 it ran past --timeout"),
      )
      .option(
        "--ttl <duration>",
        "length of the lease, renewed at a third (default: 5m)",
        duration("--ttl", LEASE),
      )
      .option("--wait <duration>", "queue for the lock this long (default: 0)", duration("--wait"))
      .option("--shared", "share it with other shared holders")
      .option("--intent <text>", "what it is for; shown to whoever is refused")
      .option("--absolute", "allow paths outside the project")
      .option(
        "-E, --conflict-exit-code <n>",
        "exit code when the lock was not had (default: 75)",
        exitCode("-E"),
      )
      .option(
        "--timeout <duration>",
        "end the command after this long, with exit code 124",
        duration("--timeout", { minMs: 1 }),
      ),
  takesRest: true,
  examples: [
    "agentcoord lock run src/auth.ts --agent ada --wait 1m -- make auth",
    "agentcoord lock run deploy/ --agent ci --ttl 30s --timeout 10m -E 0 -- ./deploy.sh staging",
  ],
  run: async (cli, options, paths) => {
    const { ttl = DEFAULT_LOCK_TTL_MS, wait, shared, intent, absolute, timeout } = options;
    const { graceMs, marginMs } = leaseGrace(ttl);
    const refused = options.conflictExitCode ?? WRAPPER_EXIT.refused;
    return await wrap(cli, {
      graceMs,
      ...given({ timeoutMs: timeout }),
      exitCodes: { conflict: refused, timeout: refused },
      begin: (signal) =>
        hold(cli, paths, {
          mode: shared ? "shared" : "exclusive",
          ttlMs: ttl,
          marginMs,
          signal,
          ...given({ waitMs: wait, intent }),
          absolute: absolute ?? false,
        }),
    });
  },
  text: () => "",
});

async function hold(cli: Cli, paths: readonly string[], options: HoldOptions): Promise<Tenure> {
  const { project } = await cli.config();
  const locks = new Locks(await cli.context());
  const held = await locks.hold(paths, options);
  const watch = new TenureWatch(locks, held);
  // Absolute, so that they name the same locks from whatever directory the command works in.
  const names = held.leases.map(({ path }) => {
    if (path === ".") return project.worktree;
    return path.startsWith("/") ? path : `${project.worktree}/${path}`;
  });
  return {
    env: {
      AGENTCOORD_LOCK_FENCE: String(held.fence),
      AGENTCOORD_LOCK_PATHS: JSON.stringify(names),
    },
    signal: AbortSignal.any([held.signal, watch.signal]),
    end: async () => {
      await watch.stop();
      await held.release();
    },
  };
}

/** Looks now and then whether all leases are still there: one may have been broken. */
class TenureWatch {
  readonly #locks: Locks;
  readonly #leases: readonly Lease[];
  readonly #lost = new AbortController();
  readonly #stopped = new AbortController();
  readonly #watching: Promise<void>;

  constructor(locks: Locks, { leases }: HeldLock) {
    this.#locks = locks;
    this.#leases = leases;
    this.#watching = this.#watch();
  }

  /** Fires once one of the leases is known to have ended. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Ends the watch and waits for a look under way. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped.signal.aborted && !this.signal.aborted) {
      await sleep(LOOK_MS, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      try {
        const gone = await this.#missing();
        if (gone !== undefined) this.#lost.abort(ended(gone));
      } catch {
        // An unreadable store proves nothing, and a removed one ends the lease by itself.
      }
    }
  }

  async #missing(): Promise<Lease | undefined> {
    const live = await this.#locks.list({ holder: this.#leases[0]!.holder });
    const tenures = new Set(live.map(({ fence, path }) => `${fence} ${path}`));
    return this.#leases.find(({ fence, path }) => !tenures.has(`${fence} ${path}`));
  }
}

function ended({ path, fence }: Lease): LeaseLostError {
  return new LeaseLostError(
    `Lock ${
      quote(path)
    } is not held under fence ${fence} any more: it was broken, released or lapsed`,
    { path, fence },
  );
}

function exitCode(field: string): (text: string) => number {
  return (text) => {
    const code = integer(field)(text);
    if (code >= 0 && code <= 255) return code;
    throw invalid(code, field, "use 0 to 255");
  };
}
