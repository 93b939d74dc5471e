/**
 * The board on its way into Redis; see take.lua.
 * @module
 */
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Target, TransferConflict } from "../../transfer.ts";
import { textOf } from "../draft.ts";
import type { Recipient } from "../store.ts";
import type { MovedMessage, MovedThread, ThreadRecord } from "../transfer.ts";
import { wordsIn } from "../words.ts";
import { removeHidden } from "./prune.ts";

const TAKE = script("board/take");

/** How many messages, or other records, one operation takes over: a few milliseconds of the server. */
const TAKEN_AT_ONCE = 50;

type Arguments = readonly (string | number)[];

/** The board of a namespace. */
export class RedisBoardTransfer implements Target<ThreadRecord> {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async take(records: readonly ThreadRecord[]): Promise<readonly TransferConflict[]> {
    const conflicts: TransferConflict[] = [];
    let args: (string | number)[] = [];
    let taken = 0;
    const send = async () => {
      const answer: readonly ThreadRefusal[] = JSON.parse(
        String(await this.#runner.write(TAKE, undefined, ...args)),
      );
      for (const refusal of answer) conflicts.push(threadConflict(refusal));
      args = [];
      taken = 0;
    };
    for (const part of records.flatMap(partsOf)) {
      const weight = "messages" in part ? Math.max(part.messages.length, 1) : 1;
      if (taken > 0 && taken + weight > TAKEN_AT_ONCE) await send();
      args.push(...argumentsOf(part));
      taken += weight;
    }
    if (taken > 0) await send();
    if (records.some((record) => "removed" in record)) await removeHidden(this.#runner);
    return conflicts;
  }
}

/** What take.lua answers of a thread or message that was not taken over as told. */
export type ThreadRefusal = readonly [id: string, kind: "key" | "lost" | "elsewhere", more: string];

/** The conflict that this tells of. */
export function threadConflict([id, kind, more]: ThreadRefusal): TransferConflict {
  const outcomes = {
    key: `taken over without its idempotency key, which ${more} has`,
    lost: "not taken over: its thread is not there",
    elsewhere: "not taken over: a message with its identifier is in another thread",
  };
  return { kind: "thread", subject: id, outcome: outcomes[kind] };
}

/** A long thread in parts; its members come with the last one. */
function partsOf(record: ThreadRecord): readonly ThreadRecord[] {
  if (!("messages" in record) || record.messages.length <= TAKEN_AT_ONCE) return [record];
  const { members, ...thread } = record;
  const parts: MovedThread[] = [];
  for (let first = 0; first < record.messages.length; first += TAKEN_AT_ONCE) {
    parts.push({ ...thread, messages: record.messages.slice(first, first + TAKEN_AT_ONCE) });
  }
  if (members !== undefined) parts[parts.length - 1] = { ...parts.at(-1)!, members };
  return parts;
}

function argumentsOf(record: ThreadRecord): Arguments {
  if ("removed" in record) return ["removed", record.removed];
  if ("reader" in record) {
    const { reader, beforeMs, threads } = record;
    return ["reader", reader, beforeMs, threads.length, ...threads];
  }
  const { messages, members = [] } = record;
  return [
    "moved",
    record.id,
    JSON.stringify(record.title),
    record.author,
    record.priority,
    JSON.stringify(record.tags),
    record.status,
    record.createdAtMs,
    record.updatedAtMs,
    record.replyCount,
    messages.length,
    ...messages.flatMap((message) => messageArguments(record, message)),
    members.length,
    ...members.flatMap(({ name, unreadFrom = "" }) => [name, unreadFrom]),
  ];
}

function messageArguments(
  thread: MovedThread,
  { id, opens, key, author, message, to, atMs, recipients }: MovedMessage,
): Arguments {
  return [
    opens ? 1 : 0,
    id,
    (opens ? thread.key : key) ?? "",
    author,
    atMs,
    JSON.stringify(message),
    JSON.stringify(to),
    recipientsText(recipients),
    recipientsText(recipients.filter(({ unread }) => unread)),
    wordsIn(textOf(message, opens ? thread.title : "")).join(" "),
  ];
}

/** Agents as the scripts keep them; see delivery.lua. */
function recipientsText(recipients: readonly Recipient[]): string {
  return recipients.map(({ name, reason }) => `${name}:${reason.charAt(0)}`).join(" ");
}
