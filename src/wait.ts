/**
 * Waiting for a store's answer: a waiter sleeps until whoever changes the answer wakes it, and looks by itself now
 * and then as a safety net.
 *
 * Why no wake-up is lost. The store hands out its waker only once a wake-up can arrive. A round notes how often the
 * process was woken so far, and then looks. The look either answers or, in the same atomic operation, records that
 * this process is to be woken. So a change comes before that operation, and the look sees it; or it comes
 * after it, and whoever makes the change finds the record and wakes. A wake-up that arrives before the waiter sleeps
 * has raised the number that the round noted, so the waiter does not fall asleep. Each round asks the store anew,
 * for its waker and for its operations, and keeps neither: the store may answer from elsewhere in the next round.
 * What the transport loses (a server's message while the connection is down, a machine without file
 * notifications) costs at most {@linkcode POLL_MS}.
 * @module
 */
import type { RoomContext } from "./context.ts";
import { newId } from "./id.ts";

/** A waiter looks at the store at least this often, unless its context says otherwise. */
const POLL_MS = 1000;

/** Where and how one waits. */
export type WaitContext = Pick<RoomContext, "store" | "clock" | "pollMs">;

/**
 * What a look found. `retryInMs`: when, at the latest, time alone may change it; 0 asks to look again at once.
 */
interface Found {
  readonly retryInMs?: number;
}

/** What to wait for. */
export interface Wait<Look, Result> {
  /** Looks at the store once; its argument depends on how one waits. */
  readonly look: Look;
  /** Whether what was found ends the wait. */
  readonly until: (found: Result) => boolean;
}

/** How long to wait. */
export interface Patience {
  /** Longest wait in milliseconds; after it one last look decides. */
  readonly waitMs: number;
  /** Ends the wait early, likewise. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks until `until` is content with what was found, or patience ends; returns what the last look found.
 * The argument of `look` says whether the caller waits: then the store has to wake this process once the answer may
 * have changed.
 */
export async function waitFor<Result extends object>(
  { store, clock, pollMs = POLL_MS }: WaitContext,
  { look, until }: Wait<(waits: boolean) => Promise<Result & Found>, Result>,
  { waitMs, signal }: Patience,
): Promise<Result> {
  const deadline = clock.monotonicMs() + waitMs;
  for (;;) {
    const left = deadline - clock.monotonicMs();
    const waker = left <= 0 || signal?.aborted ? undefined : await store.waker();
    const seen = waker?.wakes ?? 0;
    const found = await look(waker !== undefined);
    if (until(found)) return found;
    if (found.retryInMs === 0) continue;
    if (waker === undefined) return found;
    const pause = Math.min(found.retryInMs ?? pollMs, pollMs, left);
    await waker.wait(seen, Math.max(pause, 1), signal);
  }
}

/**
 * As {@linkcode waitFor}, in a queue of the store: `look` is handed the identifier of the caller's place in it once
 * there is time to wait. Whoever goes without what it waited for leaves the queue by `abandon`.
 */
export async function waitInQueue<Result extends object>(
  context: WaitContext,
  { look, until, abandon }:
    & Wait<(waiter: string | undefined) => Promise<Result & Found>, Result>
    & { readonly abandon: (waiter: string) => Promise<void> },
  patience: Patience,
): Promise<Result> {
  let waiter: string | undefined;
  let served = false;
  try {
    return await waitFor(context, {
      look: (waits) => {
        if (waits) waiter ??= newId("wtr");
        // The last look keeps its place, or the caller would have to wait behind itself.
        return look(waiter);
      },
      until: (found: Result) => served = until(found),
    }, patience);
  } finally {
    if (waiter !== undefined && !served) await abandon(waiter);
  }
}

/** A stretch of a stream, and where the next one begins. */
export interface Portion<Item, Place> {
  readonly items: readonly Item[];
  readonly place: Place;
}

/**
 * Every item of a stream from `place` on, as it arrives, until `signal` fires. A reader that is behind only reads;
 * once nothing is left, the read that finds nothing also asks to be woken, in one operation.
 */
export async function* follow<Item, Place>(
  context: WaitContext,
  read: (place: Place, waits: boolean) => Promise<Portion<Item, Place>>,
  place: Place,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item, void, undefined> {
  while (!signal?.aborted) {
    let behind = true;
    const { items } = await waitFor(context, {
      look: async (waits) => {
        const portion = await read(place, waits && !behind);
        place = portion.place;
        if (!waits || !behind) return portion;
        behind = false;
        return { ...portion, retryInMs: 0 };
      },
      until: ({ items }: Portion<Item, Place>) => items.length > 0,
    }, { waitMs: Infinity, signal });
    for (const item of items) {
      if (signal?.aborted) return;
      yield item;
    }
  }
}
