/**
 * The rows of every list as the contract of the command line names them: each key with what it may hold.
 *
 * Adding a field is an addition here too: what a script may rely on is written down before it is printed.
 * @module
 */
import assert from "node:assert/strict";

/** Whether a value is fit for its key. */
type Check = (value: unknown) => boolean;

/** Keys of a row, in any order; one that ends in `?` may be absent, and is never `null`. */
export type Shape = Readonly<Record<string, Check>>;

const text: Check = (value) => typeof value === "string";
const name: Check = (value) => typeof value === "string" && /^[\w.-]{1,64}$/.test(value);
const count: Check = (value) => Number.isInteger(value) && (value as number) >= 0;
const fence: Check = (value) => Number.isInteger(value) && (value as number) >= 1;
const instant: Check = (value) => Number.isInteger(value) && (value as number) > 1_500_000_000_000;
const json: Check = (value) => value !== undefined;
const id = (prefix: string): Check => (value) =>
  typeof value === "string" && new RegExp(`^${prefix}_[0-9A-HJKMNP-TV-Z]{26}$`).test(value);
const word = (...words: string[]): Check => (value) => words.includes(value as string);
const list = (check: Check): Check => (value) => Array.isArray(value) && value.every(check);
const object = (shape: Shape): Check => (value) => {
  assertShape(value, shape);
  return true;
};

const lease: Shape = {
  path: text,
  mode: word("exclusive", "shared"),
  holder: name,
  fence,
  intent: text,
  acquiredAtMs: instant,
  expiresAtMs: instant,
};

const agent: Shape = {
  id: id("agt"),
  name,
  role: text,
  workingOn: text,
  status: word("active", "idle", "blocked", "hung", "gone"),
  tags: list(name),
  registeredAtMs: instant,
  lastHeartbeatAtMs: instant,
  expiresAtMs: instant,
  host: text,
  "pid?": count,
  locks: count,
  tasks: count,
};

const attempt: Shape = {
  holder: name,
  fence,
  startedAtMs: instant,
  "endedAtMs?": instant,
  "outcome?": text,
  "error?": text,
  "progress?": text,
};

const reply: Shape = { id: id("msg"), author: name, message: text, atMs: instant };

const thread: Shape = {
  id: id("thr"),
  title: text,
  message: text,
  author: name,
  priority: word("low", "normal", "high"),
  tags: list(name),
  to: list(name),
  status: word("active", "waiting", "resolved"),
  replyCount: count,
  createdAtMs: instant,
  updatedAtMs: instant,
};

/** The rows there are. */
export const SHAPES = {
  lease,
  agent,
  hungAgent: {
    ...agent,
    held: object({
      locks: list(object(lease)),
      tasks: list(object({ id: id("tsk"), title: text, sinceMs: instant })),
    }),
  },
  task: {
    id: id("tsk"),
    title: text,
    description: text,
    priority: (value) => count(value) && (value as number) <= 9,
    tags: list(name),
    status: word("scheduled", "blocked", "pending", "claimed", "completed", "dead", "cancelled"),
    dependsOn: list(id("tsk")),
    "blockedReason?": text,
    "payload?": json,
    "result?": json,
    attempts: list(object(attempt)),
    "attemptsLeftOut?": count,
    attemptsUsed: count,
    maxAttempts: count,
    "notBeforeMs?": instant,
    createdBy: name,
    createdAtMs: instant,
    updatedAtMs: instant,
    "lease?": object({ holder: name, fence, expiresAtMs: instant }),
  },
  thread,
  threadWithReplies: { ...thread, replies: list(object(reply)) },
  message: {
    id: id("msg"),
    threadId: id("thr"),
    title: text,
    author: name,
    message: text,
    reason: text,
    priority: word("low", "normal", "high"),
    atMs: instant,
  },
  approval: {
    id: id("apr"),
    actionType: name,
    description: text,
    "digest?": text,
    "approvers?": list(name),
    requestedBy: name,
    status: word("pending", "approved", "rejected", "expired"),
    "decidedBy?": name,
    "decidedAtMs?": instant,
    "comment?": text,
    createdAtMs: instant,
    expiresAtMs: instant,
    "usedAtMs?": instant,
  },
  entry: {
    id: id("aud"),
    agent: name,
    decisionType: name,
    context: text,
    reason: text,
    refs: list(text),
    contentHash: (value) => /^[0-9a-f]{64}$/.test(value as string),
    createdAtMs: instant,
    link: (value) => /^[0-9a-f]{40}$/.test(value as string),
  },
  event: {
    id: id("evt"),
    type: (value) => /^[a-z]+\.[a-z_]+$/.test(value as string),
    subject: text,
    "agent?": name,
    atMs: instant,
    "data?": json,
  },
} satisfies Readonly<Record<string, Shape>>;

/** Asserts that `value` has exactly the keys of `shape`, each with something fit for it. */
export function assertShape(value: unknown, shape: Shape): void {
  const row = value as Record<string, unknown>;
  const shown = JSON.stringify(value);
  const known = Object.keys(shape).map((key) => key.replace(/\?$/, ""));
  const required = Object.keys(shape).filter((key) => !key.endsWith("?"));
  assert.deepEqual(Object.keys(row).filter((key) => !known.includes(key)), [], shown);
  assert.deepEqual(required.filter((key) => !Object.hasOwn(row, key)), [], shown);
  for (const [key, item] of Object.entries(row)) {
    const check = shape[key] ?? shape[`${key}?`];
    assert.ok(check?.(item), `${key} in ${shown}`);
  }
}
