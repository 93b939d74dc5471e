/**
 * A directory that stood in and Redis, side by side, for tests of how the board moves from one to the other.
 * @module
 */
import { openEngines } from "./outage.ts";
import assert from "node:assert/strict";
import { contextOn } from "../../dev/room_context.ts";
import { hasRedis } from "../../dev/redis_server.ts";
import { TestClock } from "../../dev/stores.ts";
import { Board } from "../../src/board/board.ts";
import { DirectoryBoard } from "../../src/board/directory/store.ts";
import { DirectoryBoardTransfer } from "../../src/board/directory/transfer.ts";
import { RedisBoard } from "../../src/board/redis/store.ts";
import { RedisBoardTransfer } from "../../src/board/redis/transfer.ts";
import type { BoardStore } from "../../src/board/store.ts";
import type { ThreadRecord } from "../../src/board/transfer.ts";
import type { Waker } from "../../src/engine/waker.ts";
import type { Store } from "../../src/store.ts";
import type { TransferConflict } from "../../src/transfer.ts";

/** How much is told at a time, as in earnest. */
export const PORTION = { records: 500, bytes: 1 << 20 };
/** Who is known on both sides. */
export const AGENTS = ["ada", "bob", "cy", "dan"];

/** One of them. */
export interface Side {
  readonly as: (agent: string) => Board;
  readonly room: BoardStore;
}

/** What each test gets. */
export interface Bench {
  readonly clock: TestClock;
  readonly directory: Side;
  readonly redis: Side;
  readonly source: DirectoryBoardTransfer;
  readonly target: RedisBoardTransfer;
  /** Of whom waits on Redis. */
  readonly waker: () => Promise<Waker>;
  /** How many entries Redis has of each kind of the board. */
  readonly sizes: () => Promise<Record<string, number>>;
  /** Tells Redis all that has changed, in portions; answers how many there were, and what was told. */
  readonly move: (limit?: typeof PORTION) => Promise<
    { conflicts: TransferConflict[]; portions: number; records: ThreadRecord[] }
  >;
}

/** Acts as this agent. */
export const actor = (name: string) => ({ name, host: "test-host" });

/** Declares a test with both of them; it is skipped where there is no server. */
export function transferTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test({ name, ignore: !hasRedis() }, async () => {
    await using closing = new AsyncDisposableStack();
    const clock = new TestClock();
    const { engine, runner } = await openEngines(closing, clock);
    const sideOf = (room: BoardStore): Side => {
      const store = { board: () => Promise.resolve(room) } as unknown as Store;
      return { as: (agent) => new Board(contextOn(store, clock, agent)), room };
    };
    const source = new DirectoryBoardTransfer(engine);
    const target = new RedisBoardTransfer(runner);
    const move: Bench["move"] = async (limit = PORTION) => {
      const conflicts: TransferConflict[] = [];
      const records: ThreadRecord[] = [];
      for (let portions = 1;; portions++) {
        const portion = await source.changed(limit);
        records.push(...portion.records);
        conflicts.push(...await target.take(portion.records));
        await source.settle(portion.keys);
        if (!portion.more) return { conflicts, portions, records };
      }
    };
    const sizes = async () => {
      const size: Record<string, number> = {};
      for (const key of ["threads", "messages", "board_ids"]) {
        size[key] = Number(await runner.connection.client.call("HLEN", `${runner.prefix}${key}`));
      }
      for (const key of ["board_lists", "thread_parts", "board_words", "board_removing"]) {
        size[key] = Number(await runner.connection.client.call("ZCARD", `${runner.prefix}${key}`));
      }
      return size;
    };
    const directory = sideOf(new DirectoryBoard(engine));
    const redis = sideOf(new RedisBoard(runner));
    for (const side of [directory, redis]) {
      for (const name of AGENTS) await side.as(name).inbox();
    }
    clock.advance(1000);
    const waker = () => runner.waker();
    await body({ clock, directory, redis, source, target, waker, sizes, move });
  });
}

/** Whoever looks sees the same on both sides. */
export async function assertSame({ directory, redis }: Bench, { inboxes = true } = {}) {
  const both = async (look: (side: Side) => Promise<unknown>) =>
    assert.deepEqual(await look(redis), await look(directory));
  await both(({ as }) => as("ada").list());
  await both(({ as }) => as("ada").counts());
  for (const status of ["active", "waiting", "resolved"] as const) {
    await both(({ as }) => as("ada").list({ status }));
  }
  for (const tag of ["ci", "db"]) await both(({ as }) => as("ada").list({ tags: [tag] }));
  for (const author of AGENTS) await both(({ as }) => as("ada").list({ author }));
  for (const text of ["cafe one", "answer", "second", "urgent", "done", "nowhere"]) {
    await both(({ as }) => as("ada").search(text));
  }
  for (const { id } of (await directory.as("ada").list()).threads) {
    await both(({ as }) => as("ada").show(id));
  }
  for (const name of inboxes ? AGENTS : []) await both(({ as }) => as(name).inbox());
}
