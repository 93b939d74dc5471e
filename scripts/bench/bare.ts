/**
 * The yardstick: a task queue and a lock made of nothing but the embedded database that the directory
 * store uses, too. No leases, no fences, no events for others to read, no fairness; one more row per
 * change as the trace that any such system leaves. Faster than this is not to be had from this engine,
 * one change per transaction.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";

const TABLES = `
CREATE TABLE tasks (id INTEGER PRIMARY KEY, state INTEGER, priority INTEGER, owner TEXT, at INTEGER, body TEXT);
CREATE INDEX pending ON tasks (priority, id) WHERE state = 0;
CREATE TABLE locks (path TEXT PRIMARY KEY, owner TEXT, at INTEGER) WITHOUT ROWID;
CREATE TABLE trace (id INTEGER PRIMARY KEY, at INTEGER, what TEXT, subject ANY, who TEXT);
`;

/** What a returned call survives: power loss, or the death of the process. */
export type Durability = "full" | "normal";

/** Queue and lock in one database file. */
export class Bare implements Disposable {
  readonly #db: DatabaseSync;
  readonly #who = `process-${Deno.pid}`;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #create: StatementSync;
  readonly #claim: StatementSync;
  readonly #finish: StatementSync;
  readonly #lock: StatementSync;
  readonly #unlock: StatementSync;
  readonly #trace: StatementSync;

  /** Opens or makes the database in `directory`. */
  constructor(directory: string, durability: Durability) {
    this.#db = new DatabaseSync(`${directory}/bare.db`, { timeout: 30_000 });
    const synchronous = durability === "full" ? "FULL" : "NORMAL";
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    const known = this.#db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'tasks'").get();
    if (known === undefined) this.#db.exec(TABLES);
    const prepare = (sql: string) => this.#db.prepare(sql);
    this.#begin = prepare("BEGIN IMMEDIATE");
    this.#commit = prepare("COMMIT");
    this.#create = prepare(
      "INSERT INTO tasks (state, priority, body) VALUES (0, ?, ?) RETURNING id",
    );
    this.#claim = prepare(
      `UPDATE tasks SET state = 1, owner = ?, at = ? WHERE id =
         (SELECT id FROM tasks WHERE state = 0 ORDER BY priority, id LIMIT 1) RETURNING id, body`,
    );
    this.#finish = prepare("UPDATE tasks SET state = 2, at = ? WHERE id = ?");
    this.#lock = prepare("INSERT INTO locks VALUES (?, ?, ?)");
    this.#unlock = prepare("DELETE FROM locks WHERE path = ?");
    this.#trace = prepare("INSERT INTO trace (at, what, subject, who) VALUES (?, ?, ?, ?)");
  }

  /** Adds tasks in one transaction. */
  create(tasks: readonly { readonly priority: number; readonly body: string }[]): void {
    this.#begin.run();
    for (const { priority, body } of tasks) {
      this.#note("created", (this.#create.get(priority, body) as { id: number }).id);
    }
    this.#commit.run();
  }

  /** Takes the best pending task; `undefined` when there is none. */
  claim(): number | undefined {
    this.#begin.run();
    const row = this.#claim.get(this.#who, Date.now()) as { id: number } | undefined;
    if (row !== undefined) this.#note("claimed", row.id);
    this.#commit.run();
    return row?.id;
  }

  /** Ends a claimed task. */
  finish(id: number): void {
    this.#begin.run();
    this.#finish.run(Date.now(), id);
    this.#note("finished", id);
    this.#commit.run();
  }

  /** Takes a lock that nobody holds. */
  lock(path: string): void {
    this.#begin.run();
    this.#lock.run(path, this.#who, Date.now());
    this.#note("locked", path);
    this.#commit.run();
  }

  /** Gives it back. */
  unlock(path: string): void {
    this.#begin.run();
    this.#unlock.run(path);
    this.#note("unlocked", path);
    this.#commit.run();
  }

  /** Closes the file. */
  [Symbol.dispose](): void {
    this.#db.close();
  }

  #note(what: string, subject: number | string): void {
    this.#trace.run(Date.now(), what, subject, this.#who);
  }
}
