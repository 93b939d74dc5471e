/**
 * Reads back, through the library, everything that a fault campaign left in the store.
 * @module
 */
import { Primitives } from "../../src/primitive_clients.ts";
import { openAs } from "../../dev/workers/context.ts";
import type { Final } from "./history.ts";

const LIMIT = 1000;

/** Everything in the store at `location`. */
export async function readBack(location: string): Promise<Final> {
  const context = await openAs(location, "reader");
  try {
    const { tasks, board, approvals, audit, events } = new Primitives(context);
    const threads = await pages(async (cursor) => {
      const { threads: items, nextCursor } = await board.list({ limit: LIMIT, ...cursor });
      return { items, nextCursor };
    });
    const replies: { id: string; nonce: string }[] = [];
    for (const { id, replyCount } of threads) {
      if (replyCount === 0) continue;
      const { replies: some } = await board.show(id, { limit: LIMIT });
      replies.push(...some!.map((reply) => ({ id: reply.id, nonce: reply.message })));
    }
    const listed = await pages(async (cursor) => {
      const { tasks: items, nextCursor } = await tasks.list({ limit: LIMIT, ...cursor });
      return { items, nextCursor };
    });
    const whole = [];
    // A list leaves out the older attempts.
    for (const task of listed) {
      whole.push(task.attemptsLeftOut === undefined ? task : await tasks.show(task.id));
    }
    const asked = await pages(async (cursor) => {
      const { approvals: items, nextCursor } = await approvals.list({ limit: LIMIT, ...cursor });
      return { items, nextCursor };
    });
    // Pages go back in time; each is in order.
    const logged: Final["entries"][] = [];
    await pages(async (cursor) => {
      const { entries: items, nextCursor } = await audit.list({ limit: LIMIT, ...cursor });
      logged.unshift(items);
      return { items, nextCursor };
    });
    const told: { id: string; type: string }[] = [];
    let since: string | undefined;
    for (;;) {
      const page = await events.list({ limit: LIMIT, ...(since === undefined ? {} : { since }) });
      if (page.events.length === 0) break;
      told.push(...page.events.map(({ id, type }) => ({ id, type })));
      since = page.cursor;
    }
    return {
      tasks: whole.map(({ id, title, status, attempts }) => ({
        id,
        nonce: title,
        status,
        attempts,
      })),
      threads: threads.map(({ id, title }) => ({ id, nonce: title })),
      replies,
      approvals: asked.map(({ id, description, status, decidedBy }) => ({
        id,
        nonce: description,
        status,
        ...(decidedBy === undefined ? {} : { decidedBy }),
      })),
      entries: logged.flat(),
      events: told,
    };
  } finally {
    await context.store.close();
  }
}

/** Every item of a paged list. */
async function pages<T>(
  list: (cursor: { readonly cursor?: string }) => Promise<
    { readonly items: readonly T[]; readonly nextCursor?: string | undefined }
  >,
): Promise<readonly T[]> {
  const found: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor === undefined ? {} : { cursor });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}
