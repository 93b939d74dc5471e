/**
 * The embedded database file of one namespace: opening, refusing what is damaged or foreign, and schema
 * versions.
 * @module
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { StoreUnavailableError } from "../../errors.ts";
import { damaged, directoryOf, storeFailure } from "./failure.ts";
import { isOpenHere } from "./files.ts";
import { hasOwnHeader, HEADER_BYTES } from "./header.ts";
import { refuseOddDatabaseFiles } from "./plain_file.ts";
import { isOwnSchema, newestVersion, type Schema } from "./schema.ts";
import { parseCounts, readState } from "./state_row.ts";
import type { SqlValue } from "./transaction.ts";

/** Marks a database file as ours ("ACrd"), in SQLite's own field for that. */
const APPLICATION_ID = 0x41437264;

/**
 * An operation changes a few bytes on each of five or six pages, and the log takes whole pages: small ones
 * make claiming and completing a task a quarter faster than the usual 4096 bytes.
 */
const PAGE_BYTES = 1024;

/** How long the engine itself waits for its own short internal locks, such as at open and close. */
const BUSY_TIMEOUT_MS = 5000;

/** In both, no statement can change the schema's own tables. The types of older Deno versions lack `defensive`. */
const WRITING = { timeout: BUSY_TIMEOUT_MS, defensive: true } as const;
const READING = { ...WRITING, readOnly: true } as const;

/** One connection to each database that was refused; see {@linkcode Database.closeRefused}. */
const REFUSED = new Map<string, DatabaseSync>();

/** One open database with its statements prepared once each. */
export class Database {
  /** Whether this opening brought its schema forward: an older program knows nothing of marks. */
  cameForward = false;
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #schema: Schema;
  readonly #statements = new Map<string, StatementSync>();
  readonly #queries = new Map<string, Query>();

  private constructor(path: string, db: DatabaseSync, schema: Schema) {
    this.#path = path;
    this.#db = db;
    this.#schema = schema;
  }

  /**
   * Opens the database at `path`, creating it in one operation when it is missing, and brings its schema
   * forward to the newest version of `schema`.
   *
   * @throws {StoreUnavailableError} when the file is damaged, not ours, made by a newer version, or
   * cannot be read or written.
   */
  static async open(path: string, schema: Schema): Promise<Database> {
    try {
      refuseOddDatabaseFiles(path);
      const size = fileSize(path);
      refuseStump(path, size);
      if (size === undefined) refuseLoneLog(path);
      if (size === undefined) create(path, await schema.migrations());
      refuseForeignHeader(path);
      const database = new Database(path, new DatabaseSync(path, WRITING), schema);
      try {
        database.#check();
        if (database.version() < newestVersion(schema)) {
          migrate(database.#db, await schema.migrations());
          database.cameForward = true;
        }
        // Durability comes from syncing the log after the operation (see DirectoryEngine): many operations share
        // one sync and nobody holds the store's lock meanwhile. Checkpoints are timed there too.
        database.#db.exec("PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = 0");
      } catch (error) {
        database.closeRefused();
        throw error;
      }
      return database;
    } catch (error) {
      throw storeFailure(error, path);
    }
  }

  /**
   * Opens an existing database for reading only: nothing in it changes, not even an older schema.
   *
   * @throws {StoreUnavailableError} as {@linkcode Database.open}
   */
  static openForReading(path: string, schema: Schema): Database {
    try {
      refuseOddDatabaseFiles(path);
      refuseStump(path, fileSize(path));
      refuseLoneLog(path);
      refuseForeignHeader(path);
      const database = new Database(path, new DatabaseSync(path, READING), schema);
      try {
        database.#check();
      } catch (error) {
        database.close();
        throw error;
      }
      return database;
    } catch (error) {
      throw storeFailure(error, path);
    }
  }

  /**
   * The newest commit in the file alone, as if it had no log. `undefined` when it cannot be read so: another process is
   * writing to it, or stopped on a full disk before all of it was there.
   */
  static commitsWithoutLog(path: string): number | undefined {
    const url = new URL("file:");
    url.pathname = path.replaceAll("%", "%25");
    url.searchParams.set("immutable", "1");
    let db: DatabaseSync | undefined;
    try {
      db = new DatabaseSync(url, { readOnly: true });
      const row = db.prepare("SELECT commits FROM state").get() as { commits: number } | undefined;
      return row?.commits;
    } catch (error) {
      if ((error as { code?: unknown }).code === "ERR_SQLITE_ERROR") return undefined;
      throw error;
    } finally {
      db?.close();
    }
  }

  /** A database in memory in which nothing has happened. */
  static async empty(schema: Schema): Promise<Database> {
    const db = new DatabaseSync(":memory:");
    migrate(db, await schema.migrations());
    return new Database(":memory:", db, schema);
  }

  /** Where it is. */
  get path(): string {
    return this.#path;
  }

  /** The version of the schema in this file, and of the engine that reads it. */
  versions(): { readonly schema: number; readonly sqlite: string } {
    const row = this.get<{ version: string }>("SELECT sqlite_version() AS version", []);
    return { schema: this.#pragma("user_version"), sqlite: row?.version ?? "unknown" };
  }

  /** The first row, or `undefined`. */
  get<Row>(sql: string, values: readonly SqlValue[]): Row | undefined {
    const { statement, toRow } = this.#query(sql);
    const found = statement.get(...values) as unknown as SqlValue[] | undefined;
    return found && toRow(found) as Row;
  }

  /** Every row. */
  all<Row>(sql: string, values: readonly SqlValue[]): Row[] {
    const { statement, toRow } = this.#query(sql);
    return (statement.all(...values) as unknown as SqlValue[][]).map(toRow) as Row[];
  }

  /** Runs a statement that writes; returns how many rows it changed. */
  run(sql: string, values: readonly SqlValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes);
  }

  /**
   * Undoes the transaction under way. On a full disk, for one, the engine has done so by itself; then
   * there is nothing left to undo, and the error that led here is the one to tell.
   */
  rollback(): void {
    rollback(this.#db);
  }

  /** Copies the log into the database, as far as no reader needs it; tells whether that was all of it. */
  checkpoint(): boolean {
    const done = this.get<{ busy: number; log: number; checkpointed: number }>(
      "PRAGMA wal_checkpoint(PASSIVE)",
      [],
    );
    return done?.busy === 0 && done.log === done.checkpointed;
  }

  /** Names of the tables and indexes there are, with what the engine's own check says ("ok"). */
  integrity(): string {
    const rows = this.all<{ integrity_check: string }>("PRAGMA integrity_check(10)", []);
    return rows.map((row) => row.integrity_check).join("; ");
  }

  /** Closes the file. */
  close(): void {
    this.#statements.clear();
    this.#queries.clear();
    this.#db.close();
  }

  /**
   * Lets go of a database that was refused. Closing the last connection that may write copies the log into the
   * database and deletes it, and the log may be the only copy of the newest commits: so the first that is
   * refused at a path stays open as long as the process lives, and later ones are not the last.
   */
  closeRefused(): void {
    if (REFUSED.has(this.#path)) this.close();
    else REFUSED.set(this.#path, this.#db);
  }

  /** Turns a failure of the engine into one of ours that names the file and the way out. */
  failure(error: unknown): unknown {
    return storeFailure(error, this.#path);
  }

  #query(sql: string): Query {
    let query = this.#queries.get(sql);
    if (query === undefined) {
      query = prepareQuery(this.#db, sql);
      this.#queries.set(sql, query);
    }
    return query;
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #pragma(name: string): number {
    const row = this.get<Record<string, number>>(`PRAGMA ${name}`, []);
    return row?.[name] ?? 0;
  }

  #check(): void {
    this.#db.exec("PRAGMA trusted_schema = OFF");
    this.#verify();
    this.#verifySchema();
    parseCounts(readState(this, this.#path), this.#path);
  }

  #verify(): void {
    if (this.#pragma("application_id") !== APPLICATION_ID) throw foreign(this.#path);
    const expected = this.#pragma("page_count") * this.#pragma("page_size");
    const size = fileSize(this.#path) ?? 0;
    // Pages that are not in the file yet may still be in the log; without a log they are gone.
    if (size < expected && !fileSize(`${this.#path}-wal`)) {
      throw damaged(this.#path, `it has ${size} of ${expected} bytes`);
    }
  }

  /** In one view: another process may be bringing the schema forward. */
  #verifySchema(): void {
    this.#db.exec("BEGIN");
    const isOwn = isOwnSchema(this.#schema, this.#db, this.version());
    this.#db.exec("COMMIT");
    if (isOwn) return;
    throw damaged(this.#path, "its tables are not those that agentcoord makes");
  }

  /**
   * Version of its schema.
   *
   * @throws {StoreUnavailableError} when this program is too old for it.
   */
  version(): number {
    const version = this.#pragma("user_version");
    const supported = newestVersion(this.#schema);
    if (version <= supported) return version;
    throw new StoreUnavailableError(
      `Cannot use the store: ${this.#path} has schema version ${version}, this program knows ` +
        `${supported}; upgrade agentcoord`,
      { path: this.#path, reason: "schema", version, supported },
    );
  }
}

function foreign(path: string): StoreUnavailableError {
  return new StoreUnavailableError(
    `Cannot use the store: ${path} is not an AgentCoord database; move the directory ` +
      `${directoryOf(path)} away or choose another --store`,
    { path },
  );
}

/**
 * Closing another descriptor of a database ends the locks that the engine has on it in this process (fcntl(2)), and
 * another process would then delete the log: so the header of one that is open is not read again.
 */
function refuseForeignHeader(path: string): void {
  if (!isOpenHere(path) && !hasOwnHeader(path, APPLICATION_ID)) throw foreign(path);
}

/** The engine takes a file that ends within its header for an empty database, and would fill it. */
function refuseStump(path: string, size: number | undefined): void {
  if (size === 0) throw damaged(path, "it is empty");
  if (size !== undefined && size < HEADER_BYTES) throw damaged(path, `it has ${size} bytes`);
}

/**
 * The log belongs to the database that was there: beside a new one, its pages would be read into it. It may be
 * the only copy of the newest commits, so it is not taken away either.
 */
function refuseLoneLog(path: string): void {
  if (!fileSize(`${path}-wal`)) return;
  // Looked at after the log: another process may just have made both.
  if (fileSize(path) === undefined) throw damaged(path, "it is missing, and its log is there");
}

/** A statement that reads, and how its values become a row. */
interface Query {
  readonly statement: StatementSync;
  readonly toRow: (values: readonly SqlValue[]) => Record<string, SqlValue>;
}

/** Rows as arrays made into objects here: what the binding makes of a wide row takes three times as long. */
function prepareQuery(db: DatabaseSync, sql: string): Query {
  // Node's API since 22.15; the types of older Deno versions lack it.
  const statement = db.prepare(sql) as StatementSync & { setReturnArrays(wanted: boolean): void };
  const names = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  const toRow = (values: readonly SqlValue[]) => {
    const row: Record<string, SqlValue> = {};
    for (let index = 0; index < names.length; index++) row[names[index]!] = values[index]!;
    return row;
  };
  return { statement, toRow };
}

/** Applies the migrations a database lacks, all or none; a second process waits and finds it done. */
function migrate(db: DatabaseSync, migrations: readonly string[]): void {
  db.exec("BEGIN IMMEDIATE");
  try {
    const row = db.prepare("PRAGMA user_version").get() as { user_version: number };
    for (const migration of migrations.slice(row.user_version)) db.exec(migration);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
  } catch (error) {
    rollback(db);
    throw error;
  }
}

function rollback(db: DatabaseSync): void {
  if (db.isTransaction) db.exec("ROLLBACK");
}

/**
 * Makes a complete database beside `path` and moves it into place, so that a file at `path` is never
 * half made: an empty one there was truncated by somebody, and is refused. Two processes that create
 * at once race on the link, and the loser uses the winner's.
 */
function create(path: string, migrations: readonly string[]): void {
  const draft = `${path}.${Deno.pid}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    const db = new DatabaseSync(draft);
    try {
      db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA journal_mode = WAL`);
      migrate(db, migrations);
    } finally {
      db.close();
    }
    Deno.chmodSync(draft, 0o600);
    Deno.linkSync(draft, path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  } finally {
    for (const suffix of ["", "-wal", "-shm"]) removeIfPresent(draft + suffix);
  }
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function fileSize(path: string): number | undefined {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
