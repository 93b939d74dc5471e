/**
 * A directory that stands in for another store, whose tasks are moved into a target of each kind.
 * @module
 */
import { contextOn } from "../../dev/room_context.ts";
import { freshNamespace, hasRedis, sharedRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { DirectoryEngine } from "../../src/engine/directory/engine.ts";
import { RedisConnection } from "../../src/engine/redis/connection.ts";
import { ScriptRunner } from "../../src/engine/redis/script_runner.ts";
import type { Waker } from "../../src/engine/waker.ts";
import { OUTAGE_SCHEMA } from "../../src/open/failover/schema.ts";
import { startAfter } from "../../src/engine/numbers.ts";
import { PREAMBLE } from "../../src/open/preamble.ts";
import type { Store } from "../../src/store.ts";
import { DirectoryAgents } from "../../src/agent/directory/store.ts";
import { RedisAgents } from "../../src/agent/redis/store.ts";
import type { AgentStore } from "../../src/agent/store.ts";
import { DirectoryTasks } from "../../src/task/directory/store.ts";
import { DirectoryTaskTransfer } from "../../src/task/directory/transfer.ts";
import { RedisTasks } from "../../src/task/redis/store.ts";
import { RedisTaskTransfer } from "../../src/task/redis/transfer.ts";
import type { TaskStore } from "../../src/task/store.ts";
import { Tasks } from "../../src/task/task.ts";
import type { TaskRecord } from "../../src/task/transfer.ts";
import type { Target, TransferConflict } from "../../src/transfer.ts";

/** What one call reads at most. */
export const PORTION = { records: 500, bytes: 1 << 20 };

/** What tasks are moved into. */
export type TargetKind = "directory" | "redis";

/** A store of tasks. */
export interface Side {
  readonly as: (agent: string) => Tasks;
  readonly room: TaskStore;
  /** Whose claims they are. */
  readonly agents: AgentStore;
  readonly transfer: Target<TaskRecord>;
  readonly waker: () => Promise<Waker>;
}

/** What a test of moving tasks gets. */
export interface TransferBench {
  readonly source: Side & { readonly transfer: DirectoryTaskTransfer };
  readonly target: Side;
  readonly clock: TestClock;
  /** Moves all that has changed, and settles it. */
  readonly move: (
    limit?: typeof PORTION,
    options?: { readonly isAlone?: boolean },
  ) => Promise<TransferConflict[]>;
}

function sideOf<Transfer extends Target<TaskRecord>>(
  [room, agents]: readonly [TaskStore, AgentStore],
  transfer: Transfer,
  { clock, waker }: { readonly clock: TestClock; readonly waker: () => Promise<Waker> },
) {
  const store = { tasks: () => Promise.resolve(room) } as unknown as Store;
  return {
    as: (agent: string) => new Tasks(contextOn(store, clock, agent)),
    room,
    agents,
    transfer,
    waker,
  };
}

/** A source and a target of this kind, each of its own; they go with it. */
export async function openTransfer(kind: TargetKind): Promise<TransferBench & AsyncDisposable> {
  const clock = new TestClock();
  const closing = new AsyncDisposableStack();
  const openDirectory = async (fencesAhead = 0) => {
    const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    closing.defer(() => Deno.remove(home, { recursive: true }));
    const engine = await DirectoryEngine.open(home, {
      schema: OUTAGE_SCHEMA,
      preamble: PREAMBLE,
      durability: "normal",
      clock,
    });
    closing.defer(() => engine.close());
    // A store that stands in begins above all that were handed out before.
    const fence = startAfter(clock.nowMs(), 0) + fencesAhead;
    await engine.write(undefined, (tx) => tx.startAbove({ fence, event: 0 }));
    return sideOf(
      [new DirectoryTasks(engine), new DirectoryAgents(engine)],
      new DirectoryTaskTransfer(engine),
      {
        clock,
        waker: () => engine.waker(),
      },
    );
  };
  let alone: RedisTaskTransfer | undefined;
  const openRedis = async () => {
    const connection = await RedisConnection.open((await sharedRedis()).url);
    closing.defer(() => connection.close());
    const runner = new ScriptRunner(connection, {
      namespace: freshNamespace(),
      nowMs: clock.nowMs,
    });
    closing.defer(() => runner.close());
    alone = new RedisTaskTransfer(runner, { isAlone: true });
    return sideOf(
      [new RedisTasks(runner), new RedisAgents(runner)],
      new RedisTaskTransfer(runner),
      {
        clock,
        waker: () => runner.waker(),
      },
    );
  };
  const source = await openDirectory(1_000_000);
  const target: Side = kind === "redis" ? await openRedis() : await openDirectory();
  const move: TransferBench["move"] = async (limit = PORTION, { isAlone = false } = {}) => {
    const transfer = isAlone ? alone! : target.transfer;
    const conflicts: TransferConflict[] = [];
    for (let more = true; more;) {
      const portion = await source.transfer.changed(limit);
      conflicts.push(...await transfer.take(portion.records));
      await source.transfer.settle(portion.keys);
      more = portion.more;
    }
    return conflicts;
  };
  return {
    source,
    target,
    clock,
    move,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  };
}

/** Registers `body` for targets of these kinds, of which Redis is skipped where it is not installed. */
export function transferTest(
  name: string,
  kinds: readonly TargetKind[],
  body: (bench: TransferBench) => Promise<void>,
): void {
  for (const kind of kinds) {
    Deno.test({ name: `${name} (${kind})`, ignore: kind === "redis" && !hasRedis() }, async () => {
      await using bench = await openTransfer(kind);
      await body(bench);
    });
  }
}
