/**
 * The operations on the audit log, on Redis.
 *
 * The log is a stream whose entries are numbered from 1. Nothing trims it, and no operation changes or deletes
 * an entry.
 * @module
 */
import { given } from "../../given.ts";
import { script } from "../../engine/redis/script.ts";
import type { ScriptRunner } from "../../engine/redis/script_runner.ts";
import type { Actor } from "../../engine/actor.ts";
import { type AuditRow, toEntry } from "../row.ts";
import type { AuditDraft, Entry } from "../entry.ts";
import { auditArguments } from "./draft.ts";
import type {
  AuditStore,
  ChainPart,
  EntryList,
  EntryQuery,
  FollowedEntries,
  FollowQuery,
} from "../store.ts";

const LOG = script("audit/log");
const LIST = script("audit/list");
const FOLLOW = script("audit/follow");
const CHAIN = script("audit/chain");

/** An entry of the stream: its id, then names and values of its fields in turn. */
type StreamEntry = readonly [string, readonly string[]];

/** {@linkcode AuditStore} on Redis. */
export class RedisAudit implements AuditStore {
  readonly #runner: ScriptRunner;

  /** Uses the runner's connection and namespace. */
  constructor(runner: ScriptRunner) {
    this.#runner = runner;
  }

  async append(actor: Actor, draft: AuditDraft, key: string | undefined): Promise<Entry> {
    const answer = await this.#runner.write(LOG, actor, ...auditArguments(draft, key));
    return read(answer as StreamEntry).entry;
  }

  async list(
    { agent = "", decisionType = "", sinceMs, before = "", limit }: EntryQuery,
  ): Promise<EntryList | undefined> {
    const found: ChainPart["places"][number][] = [];
    for (let below: number | "" = "";;) {
      const args = [agent, decisionType, sinceMs ?? "", before, limit + 1 - found.length, below];
      const part = await this.#runner.read(LIST, ...args) as
        | readonly [number, ...StreamEntry[]]
        | null;
      if (part === null) return undefined;
      const [cut, ...items] = part;
      found.push(...items.map(read));
      if (cut === 0) {
        const entries = found.slice(0, limit).reverse().map(({ entry }) => entry);
        return { entries, more: found.length > limit };
      }
      below = found.at(-1)!.seq;
    }
  }

  async follow(
    { agent = "", decisionType = "", after = "", limit, waits }: FollowQuery,
  ): Promise<FollowedEntries | undefined> {
    const waker = waits ? (await this.#runner.waker()).id : "";
    const args = [agent, decisionType, after, limit, waker];
    const answer = waker === ""
      ? this.#runner.read(FOLLOW, ...args)
      : this.#runner.write(FOLLOW, undefined, ...args);
    const found = await answer as readonly [string, ...StreamEntry[]] | null;
    if (found === null) return undefined;
    const [newest, ...items] = found;
    const entries = items.map((item) => read(item).entry);
    const last = entries.length === limit ? entries.at(-1)?.id : newest || undefined;
    return { entries, ...given({ after: last }) };
  }

  async chain(after: number, limit: number): Promise<ChainPart> {
    const answer = await this.#runner.read(CHAIN, after < 0 ? "-" : `(${after}-0`, limit);
    const [total, nowMs, more, ...items] = answer as readonly [
      number,
      number,
      number,
      ...StreamEntry[],
    ];
    return { places: items.map(read), more: more === 1, total, nowMs };
  }
}

/** What an entry that somebody has added from outside says where it has no such field. */
const NO_FIELDS = {
  agent: "",
  decision_type: "",
  context: "",
  reason: "",
  refs: "[]",
  content_hash: "",
  link: "",
};

/** The entry and its number, whatever somebody has made of them from outside. */
function read([id, fields]: StreamEntry): ChainPart["places"][number] {
  const row: Record<string, string> = { ...NO_FIELDS, id };
  for (let index = 0; index < fields.length; index += 2) row[fields[index]!] = fields[index + 1]!;
  const seq = Number.parseInt(id);
  const at = Number(row.created_at_ms);
  const created_at_ms = Number.isSafeInteger(at) ? at : 0;
  return { seq, entry: toEntry({ ...row as unknown as AuditRow, seq, created_at_ms }) };
}
