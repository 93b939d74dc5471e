/**
 * The largest record that a store keeps: what is read, sent and written as a whole costs with its size.
 * @module
 */
import type { RoomContext } from "../context.ts";
import type { LargestPortion } from "../largest.ts";
import type { Check } from "./check.ts";

/** Operations that look at one kind of record, each at some hundred: a few milliseconds of the store. */
const PORTIONS = 10;
/** Approvals, and audit entries, that are looked at: the newest. Each has a limit of its own. */
const NEWEST = 100;
/** A record of this size is noticed by those who read it. */
const LARGE_BYTES = 1_000_000;

interface Largest {
  /** What it is called; empty when there is no record. */
  readonly subject: string;
  readonly bytes: number;
  readonly advice: string;
}

/** Looks at the newest tasks, threads, approvals and audit entries. */
export async function largestCheck({ store }: RoomContext): Promise<Check> {
  const [tasks, board, approvals, audit] = await Promise.all([
    store.tasks(),
    store.board(),
    store.approvals(),
    store.audit(),
  ]);
  const found = await Promise.all([
    largestInPortions((before) => tasks.largest(before), {
      kind: "task",
      advice:
        "each attempt keeps its error and its last progress note: put long output into a file " +
        "and name it there; agentcoord task prune removes tasks that ended long ago",
    }),
    largestInPortions((before) => board.largest(before), {
      kind: "thread",
      advice:
        "resolve it and open another for what comes; agentcoord board prune removes threads " +
        "that were resolved long ago",
    }),
    approvals.list({ limit: NEWEST }).then((page) =>
      largestOf("approval", page?.approvals ?? [], "put what is long into a file and name it there")
    ),
    audit.list({ limit: NEWEST }).then((page) =>
      largestOf("audit entry", page?.entries ?? [], "put what is long into a file and refer to it")
    ),
  ]);
  const { subject, bytes, advice } = found.reduce((a, b) => b.bytes > a.bytes ? b : a);
  return {
    name: "largest_record_bytes",
    ok: true,
    value: bytes,
    ...(subject === "" ? {} : { subject }),
    ...(bytes < LARGE_BYTES ? {} : { hint: advice }),
  };
}

async function largestInPortions(
  operation: (before: number | undefined) => Promise<LargestPortion>,
  { kind, advice }: { readonly kind: string; readonly advice: string },
): Promise<Largest> {
  let most: Largest = { subject: "", bytes: 0, advice };
  let looked = 0;
  let before: number | undefined;
  for (let portions = 0; portions < PORTIONS; portions++) {
    const portion = await operation(before);
    looked += portion.looked;
    if (portion.id !== undefined && portion.bytes > most.bytes) {
      most = { subject: `${kind} ${portion.id}`, bytes: portion.bytes, advice };
    }
    before = portion.next;
    if (before === undefined) return most;
  }
  return { ...most, subject: `${most.subject}, of the newest ${looked}` };
}

function largestOf(
  kind: string,
  records: readonly { readonly id: string }[],
  advice: string,
): Largest {
  let most: Largest = { subject: "", bytes: 0, advice };
  for (const record of records) {
    const bytes = new TextEncoder().encode(JSON.stringify(record)).length;
    if (bytes > most.bytes) most = { subject: `${kind} ${record.id}`, bytes, advice };
  }
  return most;
}
