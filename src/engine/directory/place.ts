/**
 * The directory that a store is in: made, kept out of git, and refused when it is somebody else's.
 * @module
 */
import { isDirectory } from "../../disk.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { storeFailure } from "./failure.ts";
import {
  isPlainDirectory,
  lookAtFile,
  makePlainDirectory,
  namesIn,
  refuseOddDatabaseFiles,
} from "./plain_file.ts";

/** Where one namespace lives in a store. */
export function namespaceHome(directory: string, namespace: string): string {
  return `${directory}/namespaces/${namespace}`;
}

/**
 * Makes the place of a namespace, with everything above it.
 *
 * @throws {StoreUnavailableError} when the directory is not ours, or cannot be made.
 */
export function makeHome(directory: string, home: string): void {
  try {
    prepare(directory);
    makePlainDirectory(`${directory}/namespaces`);
    makePlainDirectory(home);
  } catch (error) {
    throw storeFailure(error, directory);
  }
}

/**
 * Makes the place of a database that stands in for a server, with everything above it.
 *
 * @throws {StoreUnavailableError} when it cannot be made, or something else lies there.
 */
export function makeOutageHome(home: string): void {
  try {
    if (isPlainDirectory(home)) return;
    const above = home.slice(0, home.lastIndexOf("/"));
    if (above !== "") Deno.mkdirSync(above, { recursive: true, mode: 0o700 });
    makePlainDirectory(home);
  } catch (error) {
    throw storeFailure(error, home);
  }
}

/** Makes the store's directory, or checks that an existing one is ours. */
function prepare(directory: string): void {
  if (isPlainDirectory(`${directory}/namespaces`)) return;
  Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  refuseForeign(directory);
  hideFromGit(directory);
}

/** Keeps the directory out of git; what is there already, even a link to nowhere, is left as it is. */
export function hideFromGit(directory: string): void {
  try {
    Deno.writeTextFileSync(`${directory}/.gitignore`, "*\n", { createNew: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** What a store's directory may hold; `fallback` is there once a server was used in its place, `logs` once work ran. */
const OURS: readonly string[] = ["config.json", ".gitignore", "namespaces", "fallback", "logs"];

/**
 * Checks that a directory without a store may become one.
 *
 * @throws {StoreUnavailableError} when it holds files of somebody else.
 */
export function refuseForeign(directory: string): void {
  const foreign = [...Deno.readDirSync(directory)].find(({ name }) => !OURS.includes(name));
  if (foreign === undefined) return;
  throw new StoreUnavailableError(
    `Cannot use the store: ${directory} holds other files, such as ${foreign.name}; ` +
      `choose an empty directory, for example ${directory}/.agentcoord`,
    { path: directory, found: foreign.name },
  );
}

/** Whether there is a database, or what is left of one: that is for the engine to judge. */
export function hasDatabase(directory: string): boolean {
  return ["store.db", "store.db-wal"].some((name) => {
    try {
      Deno.lstatSync(`${directory}/${name}`);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

/**
 * Whether the namespace is yet to be made, in a place where that may be done.
 *
 * @throws {StoreUnavailableError} when the directory holds files of somebody else.
 */
export function isUnmade(directory: string, home: string): boolean {
  try {
    if (isPlainDirectory(`${directory}/namespaces`)) {
      if (!isPlainDirectory(home)) return true;
      if (hasDatabase(home)) return false;
      refuseOddFiles(home);
      return true;
    }
    if (isDirectory(directory)) refuseForeign(directory);
    return true;
  } catch (error) {
    throw storeFailure(error, directory);
  }
}

/**
 * Refuses what lies in a namespace's directory under the names of our files, and is none of them.
 *
 * @throws {StoreUnavailableError} when there is such a thing.
 */
export function refuseOddFiles(home: string): void {
  refuseOddDatabaseFiles(`${home}/store.db`);
  lookAtFile(`${home}/store.lock`);
  if (namesIn(home).has("bells")) isPlainDirectory(`${home}/bells`);
}
