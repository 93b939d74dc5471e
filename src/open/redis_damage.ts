/**
 * Which record of a namespace on a server is damaged: loaded once an operation has failed in a way that only
 * a record which no script writes can explain. Scripts trust what they read, so that good records cost nothing;
 * after a failure the records are read by pages, others work in between, and the first one that is none is named.
 * @module
 */
import { CoordError, StoreUnavailableError } from "../errors.ts";
import type { RedisConnection } from "../engine/redis/connection.ts";
import { printable } from "../name.ts";

/** The records of one kind. */
interface Kind {
  /** The hash that holds them. */
  readonly key: string;
  /** What a record is called. */
  readonly noun: string;
  /** What is wrong with one; nothing when it is as a script writes it. */
  readonly wrong: (field: string, value: string) => string | undefined;
}

const NOT_JSON = "holds text that is not JSON";
const OTHER_SHAPE = "has not the fields that it should";
const PAGE = 200;

/** What names records: an index, and where the record that a member of it names must be. */
interface Index {
  readonly key: string;
  readonly command: "HSCAN" | "ZSCAN";
  readonly noun: string;
  /** The hash that must hold the record. */
  readonly records: string;
  /** The record's field there; nothing where the member names none. */
  readonly named: (member: string, value: string) => string | undefined;
}

const INDEXES: readonly Index[] = [
  { key: "task_order", command: "ZSCAN", noun: "task", records: "tasks", named: (id) => id },
  { key: "task_created", command: "ZSCAN", noun: "task", records: "tasks", named: (id) => id },
  { key: "lock_paths", command: "ZSCAN", noun: "lock", records: "locks", named: (path) => path },
  { key: "seen", command: "ZSCAN", noun: "agent", records: "agents", named: (name) => name },
  {
    key: "approval_lists",
    command: "ZSCAN",
    noun: "approval",
    records: "approvals",
    named: (member) => /apr_\w{26}$/.exec(member)?.[0],
  },
  {
    key: "board_ids",
    command: "HSCAN",
    noun: "thread",
    records: "threads",
    named: (id, number) => id.startsWith("t") ? number : undefined,
  },
  {
    key: "board_ids",
    command: "HSCAN",
    noun: "message",
    records: "messages",
    named: (id, number) => id.startsWith("m") ? number : undefined,
  },
  {
    key: "threads",
    command: "HSCAN",
    noun: "message",
    records: "messages",
    // A thread that is being pruned in portions may have lost its messages before it goes itself.
    named: (number, thread) => thread.split("\0")[1] === "removing" ? undefined : number,
  },
];

const TASK_FIELD = /^tsk_[0-9A-Z]{26}(|w|r|a\d+)$/;
const TASK_SPEC = /^\[\d+,\d,\d+,\d+,"[^"]*","\w",\d+,\w+,\d+,"[^"]*","[^"]*",\n/;
const TASK_STATUSES = [
  "blocked",
  "scheduled",
  "pending",
  "claimed",
  "completed",
  "dead",
  "cancelled",
];
const APPROVAL_STATUSES = ["pending", "approved", "rejected", "expired"];
const THREAD_STATUSES = ["active", "waiting", "resolved", "removing"];

const KINDS: readonly Kind[] = [
  { key: "tasks", noun: "task", wrong: wrongTask },
  { key: "locks", noun: "lock", wrong: (_, value) => wrongLock(value) },
  { key: "agents", noun: "agent", wrong: (_, value) => wrongAgent(value) },
  { key: "approvals", noun: "approval", wrong: (_, value) => wrongApproval(value) },
  { key: "threads", noun: "thread", wrong: (_, value) => wrongThread(value) },
  { key: "messages", noun: "message", wrong: (_, value) => wrongMessage(value) },
];

/**
 * What to throw in place of `error`: what is damaged, or the error itself where nothing is.
 *
 * @param prefix what the keys of the namespace begin with
 */
export async function explainFailure(
  error: unknown,
  connection: RedisConnection,
  prefix: string,
): Promise<unknown> {
  if (error instanceof CoordError) return error;
  try {
    for (const kind of KINDS) {
      const found = await firstWrong(connection, prefix + kind.key, kind);
      if (found === undefined) continue;
      return damage(error, connection, { ...found, noun: kind.noun, key: prefix + kind.key });
    }
    for (const index of INDEXES) {
      const field = await firstMissing(connection, prefix, index);
      if (field === undefined) continue;
      const why = `is missing, and ${printable(prefix + index.key)} names it`;
      return damage(error, connection, {
        noun: index.noun,
        key: prefix + index.records,
        field,
        why,
      });
    }
    const event = await wrongEvent(error, connection, `${prefix}events`);
    if (event !== undefined) {
      return damage(error, connection, { ...event, noun: "event", key: `${prefix}events` });
    }
  } catch {
    // A server that cannot be asked explains nothing: the failure stands as it is.
  }
  return error;
}

function damage(
  error: unknown,
  { location }: RedisConnection,
  { noun, field, key, why }: Record<"noun" | "field" | "key" | "why", string>,
): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${noun} ${printable(field)} in ${printable(key)} at ` +
      `${location} is damaged (it ${why}); put it right or restore ` +
      `the server from a backup, or use another namespace to start an empty store`,
    { location, reason: "damaged", key, field },
    false,
    error,
  );
}

/** The first record that is named and not there. */
async function firstMissing(
  connection: RedisConnection,
  prefix: string,
  { key, command, records, named }: Index,
): Promise<string | undefined> {
  let cursor = "0";
  do {
    const page = await connection.send(command, [prefix + key, cursor, "COUNT", String(PAGE)]);
    const [next, items] = page as readonly [string, readonly string[]];
    const fields: string[] = [];
    for (let index = 0; index < items.length; index += 2) {
      const field = named(items[index]!, items[index + 1]!);
      if (field !== undefined) fields.push(field);
    }
    if (fields.length > 0) {
      const kept = await connection.send("HMGET", [prefix + records, ...fields]);
      const missing = (kept as readonly unknown[]).findIndex((record) => record === null);
      if (missing >= 0) return fields[missing];
    }
    cursor = String(next);
  } while (cursor !== "0");
  return undefined;
}

/** The first event that no script writes, or the last one where none can follow it. */
async function wrongEvent(error: unknown, connection: RedisConnection, key: string) {
  for (let from = "-";;) {
    const page = await connection.send("XRANGE", [key, from, "+", "COUNT", String(PAGE)]);
    const entries = page as readonly (readonly [string, readonly string[]])[];
    for (const [field, values] of entries) {
      // Its events, then whose they are and the answer that was kept.
      const ends = values.findIndex((name, at) => at % 2 === 0 && (name === "o" || name === "r"));
      const texts = values.slice(0, ends < 0 ? undefined : ends).filter((_, at) => at % 2 === 1);
      for (const text of texts) {
        const [, data, subject] = text.split("\0");
        if (subject === undefined) return { field, why: OTHER_SHAPE };
        if (data !== "" && parse(data!) === undefined) return { field, why: NOT_JSON };
      }
    }
    const last = entries.at(-1)?.[0];
    if (entries.length < PAGE) {
      const follows = error instanceof Error && /XADD is equal or smaller/.test(error.message);
      return follows && last !== undefined
        ? { field: last, why: "is later than any that an operation wrote" }
        : undefined;
    }
    from = `(${last}`;
  }
}

async function firstWrong(connection: RedisConnection, key: string, { wrong }: Kind) {
  let cursor = "0";
  do {
    const page = await connection.send("HSCAN", [key, cursor, "COUNT", String(PAGE)]);
    const [next, items] = page as readonly [string, readonly string[]];
    for (let index = 0; index < items.length; index += 2) {
      const why = wrong(items[index]!, items[index + 1]!);
      if (why !== undefined) return { field: items[index]!, why };
    }
    cursor = String(next);
  } while (cursor !== "0");
  return undefined;
}

function wrongTask(field: string, value: string): string | undefined {
  const [, part] = TASK_FIELD.exec(field) ?? [];
  if (part === undefined) return undefined;
  const parsed = parse(value);
  if (parsed === undefined) return NOT_JSON;
  if (part === "") return TASK_SPEC.test(value) ? undefined : OTHER_SHAPE;
  if (part === "r") return undefined;
  if (!isObject(parsed)) return OTHER_SHAPE;
  if (part !== "w") return undefined;
  const { status, spent, worker, fence } = parsed;
  const held = worker === undefined || typeof worker === "string" && typeof fence === "number";
  return TASK_STATUSES.includes(String(status)) && typeof spent === "number" && held
    ? undefined
    : OTHER_SHAPE;
}

function wrongLock(value: string): string | undefined {
  const parsed = parse(value);
  if (parsed === undefined) return NOT_JSON;
  const isLease = (entry: unknown) =>
    isObject(entry) && typeof entry.fence === "number" &&
    (typeof entry.of === "string" ||
      typeof entry.holder === "string" && typeof entry.mode === "string");
  return Array.isArray(parsed) && parsed.every(isLease) ? undefined : OTHER_SHAPE;
}

function wrongAgent(value: string): string | undefined {
  const parsed = parse(value);
  if (parsed === undefined) return NOT_JSON;
  if (!isObject(parsed)) return OTHER_SHAPE;
  const { id, host, tags, ttlMs, registeredAtMs } = parsed;
  const texts = [id, host, tags].every((text) => typeof text === "string");
  const numbers = [ttlMs, registeredAtMs].every((number) => typeof number === "number");
  return texts && numbers && areTexts(String(tags)) ? undefined : OTHER_SHAPE;
}

function wrongApproval(value: string): string | undefined {
  const fields = value.split("\0");
  if (fields.length !== 11) return OTHER_SHAPE;
  const [number, status, requester, created, expires, used, , approvers, head, decision] = fields;
  if (!APPROVAL_STATUSES.includes(status!)) return `has the status ${printable(status!, 40)}`;
  const numbers = [number, created, expires, used || "0"].every((text) => /^\d+$/.test(text!));
  const isWhole = parse(`${head}${decision}}`) !== undefined && requester !== "";
  return numbers && isWhole && (approvers === "" || areTexts(approvers!)) ? undefined : OTHER_SHAPE;
}

function wrongThread(value: string): string | undefined {
  const fields = value.split("\0");
  if (fields.length !== 9) return OTHER_SHAPE;
  const [, status, replies, updated, , , created, tags, title] = fields;
  const numbers = [replies, updated, created].every((text) => /^\d+$/.test(text!));
  const known = THREAD_STATUSES.includes(status!);
  return numbers && known && areTexts(tags!) && typeof parse(title!) === "string"
    ? undefined
    : OTHER_SHAPE;
}

function wrongMessage(value: string): string | undefined {
  const fields = value.split("\0");
  if (fields.length !== 8) return OTHER_SHAPE;
  const [, , , at, to, , , text] = fields;
  return /^\d+$/.test(at!) && areTexts(to!) && typeof parse(text!) === "string"
    ? undefined
    : OTHER_SHAPE;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON text means `undefined`.
  }
}

function areTexts(text: string): boolean {
  const value = parse(text);
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
