/**
 * Everything that a project keeps, for proving that a call changed nothing.
 * @module
 */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";

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
      place.includes("store.db ") ? text.replaceAll(beats, "BEAT") : text,
    ]),
  );
}

function walk(dir: string, below: string, found: Record<string, string>): void {
  for (const { name, isDirectory, isFile } of Deno.readDirSync(`${dir}${below}`)) {
    const place = `${below}/${name}`;
    if (place === "/.git") continue;
    // The log and its index come and go with their readers; what they hold is in the tables.
    if (/^store\.db-(?:wal|shm)$/.test(name)) continue;
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
