/**
 * Counts what a process changes outside of itself while it works on a store in front of two: what it sends to Redis,
 * the transactions that it commits, and the files that it makes, changes, renames and removes. A test has the process
 * die at each of them in turn. The program itself knows nothing of it: what it calls is replaced here.
 *
 * Syncs are not counted. Only a host that fails tells them from none; to a process that dies they are nothing.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { Database } from "../src/engine/directory/database.ts";
import { ScriptRunner } from "../src/engine/redis/script_runner.ts";

/** Any method: what it takes is handed on as it is. */
// deno-lint-ignore no-explicit-any -- the methods of several classes
type Method = (this: any, ...args: any[]) => any;

/** Calls `before` ahead of everything that changes something outside of this process, with what that is. */
export function watchWrites(before: (what: string) => void): void {
  const watch = (object: object, name: string, nameOf: (args: readonly unknown[]) => string) => {
    const original = Reflect.get(object, name) as Method;
    const replaced: Method = function (...args) {
      const what = nameOf(args);
      if (what !== "") before(what);
      return original.apply(this, args);
    };
    Object.defineProperty(object, name, { value: replaced, configurable: true });
  };
  const files = [
    "chmodSync",
    "linkSync",
    "mkdirSync",
    "remove",
    "removeSync",
    "renameSync",
    "utimeSync",
    "writeTextFileSync",
  ];
  for (const name of files) watch(Deno, name, ([path]) => `${name} ${lastPart(path)}`);
  watch(Deno, "openSync", ([path, options]) => {
    const { createNew = false, create = false } = (options ?? {}) as Deno.OpenOptions;
    return createNew || create ? `openSync ${lastPart(path)}` : "";
  });
  for (const name of ["writeSync", "truncateSync"]) {
    watch(Deno.FsFile.prototype, name, () => name);
  }
  watch(ScriptRunner.prototype, "write", ([script]) => (script as { name: string }).name);
  watch(Database.prototype, "run", ([sql]) => sql === "COMMIT" ? "COMMIT" : "");
  watch(Database.prototype, "checkpoint", () => "checkpoint");
  watch(DatabaseSync.prototype, "exec", ([sql]) => sql === "COMMIT" ? "COMMIT of a schema" : "");
  watch(DatabaseSync.prototype, "close", () => "close of a database");
}

/** A path as tests may compare it: without the directory, and without what names one process's draft. */
function lastPart(path: unknown): string {
  return String(path).replace(/^.*\//, "").replace(/\.\d+\.[0-9a-f]{8}/, ".draft");
}
