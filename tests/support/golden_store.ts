/**
 * Everything that a project keeps, for proving that a call changed nothing.
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { addTrust } from "../../src/config/trust.ts";
import { ownConfigHome } from "./cli.ts";
import { freshNamespace, hasRedis, resp, sharedRedis } from "../../dev/redis_server.ts";

/** Kinds of stores that a project may keep its state in, as far as they are there. */
export const KINDS: readonly ("directory" | "redis")[] = hasRedis()
  ? ["directory", "redis"]
  : ["directory"];

/** Lets everything in `dir` work on a new namespace of the shared Redis server; gives its settings. */
export async function useRedis(
  dir: string,
): Promise<{ readonly store: string; readonly namespace: string }> {
  const settings = { store: (await sharedRedis()).url, namespace: freshNamespace() };
  await Deno.writeTextFile(`${dir}/agentcoord.json`, JSON.stringify(settings));
  const root = Deno.realPathSync(dir);
  addTrust(`${ownConfigHome()}/agentcoord`, root, { kind: "redis", url: settings.store });
  return settings;
}

/** Lets so much time pass since any agent was heard in the project's own store. */
export async function silenceAll(dir: string, ms: number): Promise<void> {
  const config = `${dir}/agentcoord.json`;
  if (existsSync(config)) {
    const { store, namespace } = JSON.parse(Deno.readTextFileSync(config));
    await using client = await resp(Number(new URL(store).port));
    const script = "for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do " +
      "redis.call('ZINCRBY', KEYS[1], ARGV[1], name) end";
    await client.command("EVAL", script, 1, `{agentcoord:${namespace}}:seen`, -ms);
    return;
  }
  const db = new DatabaseSync(`${dir}/.agentcoord/namespaces/default/store.db`, { timeout: 5000 });
  db.exec(`UPDATE agents SET last_heartbeat_at_ms = last_heartbeat_at_ms - ${ms}`);
  db.close();
}

/** Every row of every table, and every file with its content; the key says where. */
export type Contents = Readonly<Record<string, string>>;

/** What is in the project's directory: git's own files aside, all of it. */
export function contents(dir: string): Contents {
  const found: Record<string, string> = {};
  walk(dir, "", found);
  return found;
}

/** Asserts that nothing changed; shows what did, and nothing else. */
export function assertUnchanged(before: Contents, after: Contents, what: string): void {
  const places = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = places.filter((place) => before[place] !== after[place]);
  const lines = (contents: Contents) =>
    changed.flatMap((place) =>
      (contents[place] ?? "absent").split("\n").map((line) => `${place}: ${line}`)
    );
  assert.deepEqual(lines(after), lines(before), what);
}

/**
 * The same without what an act that is refused leaves all the same: the agent has been heard, which moves
 * the store's clock and renews what the agent holds, and one that waited may have left its place behind.
 */
export function contentsButHeartbeats(dir: string): Contents {
  const beats =
    /"(?:now_ms|commits|last_heartbeat_at_ms|expires_at_ms|due_at_ms|updated_at_ms)":\d+/g;
  const waiting = / (?:listeners|inbox_cursors|sqlite_sequence)$/;
  return Object.fromEntries(
    Object.entries(contents(dir)).filter(([place]) => !waiting.test(place)).map(([place, text]) => [
      place,
      place.includes("store.db ")
        ? text.replaceAll(beats, "BEAT")
        // The number of the newest commit.
        : place.endsWith("/store.lock")
        ? "MARK"
        : text,
    ]),
  );
}

function walk(dir: string, below: string, found: Record<string, string>): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(`${dir}${below}`)) {
    const place = `${below}/${name}`;
    if (place === "/.git") continue;
    // The log and its index come and go with their readers; what they hold is in the tables.
    if (/^store\.db-(?:wal|shm)$/.test(name)) continue;
    // Room for the day that the disk is full, without a meaning of its own.
    if (name === "store.reserve") continue;
    if (isDirectory) {
      found[place] = "directory";
      walk(dir, place, found);
    } else if (name === "store.db") {
      Object.assign(found, tables(`${dir}${place}`, place));
    } else {
      found[place] = isFile ? Deno.readTextFileSync(`${dir}${place}`) : "no file";
    }
  }
}

function tables(path: string, place: string): Record<string, string> {
  // In this process the engine shares its locks among connections; a copy of the file would, when it
  // is closed, drop those of the calls that run here too.
  const db = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  try {
    const names = db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();
    // A virtual table's content is in the plain tables that belong to it.
    const rows = names.filter(({ sql }) => /^CREATE TABLE/i.test(String(sql)))
      .map(({ name }) => {
        const all = db.prepare(`SELECT * FROM "${name}"`).all();
        return [`${place} ${name}`, all.map((row) => JSON.stringify(row)).join("\n")] as const;
      });
    return Object.fromEntries([[`${place} schema`, JSON.stringify(names)], ...rows]);
  } finally {
    db.close();
  }
}
