/**
 * Which servers and directories a user lets the files of which projects name.
 *
 * A cloned repository must not be able to point somebody's agents at a server of its own: that would read
 * their tasks and approve what they ask for. So what the project's file alone names is used after the user
 * has agreed once; that is kept by the project's root and the place, in the user's `trust.json`.
 * @module
 */
import { engineOf } from "../open/engines.ts";
import type { StoreConfig } from "../store_config.ts";
import { readPrivateFile, writePrivateFile } from "./private_file.ts";
import { unusable } from "./settings_file.ts";

/** A place that the files of one project may name. */
export interface Trust {
  /** The project's root: a real path. */
  readonly root: string;
  /** A server's URL without user, database and time limits, or a directory. */
  readonly place: string;
}

/** Where it is kept. */
export function trustPath(userDirectory: string): string {
  return `${userDirectory}/trust.json`;
}

/**
 * Everything the user trusts.
 *
 * @throws {InvalidArgumentError} when others may write the file, or it is broken.
 */
export function readTrust(userDirectory: string): readonly Trust[] {
  const path = trustPath(userDirectory);
  const { trusted = [] } = readPrivateFile(path, "own");
  if (!Array.isArray(trusted)) throw unusable(path, "trusted is no list");
  return trusted.map((entry) => {
    const { root, place } = (entry ?? {}) as { root?: unknown; place?: unknown };
    if (typeof root === "string" && typeof place === "string") return { root, place };
    throw unusable(path, 'each entry is {"root": "…", "place": "…"}');
  });
}

/** Keeps that the project at `root` may name the store; whether that is new. */
export function addTrust(userDirectory: string, root: string, store: StoreConfig): boolean {
  const before = readTrust(userDirectory);
  const place = engineOf(store).trustedPlace;
  if (before.some((entry) => entry.root === root && entry.place === place)) return false;
  writePrivateFile(trustPath(userDirectory), { trusted: [...before, { root, place }] });
  return true;
}

/** Forgets one place, or all of the project at `root`; gives what was forgotten. */
export function removeTrust(
  userDirectory: string,
  root: string,
  store: StoreConfig | undefined,
): readonly Trust[] {
  const before = readTrust(userDirectory);
  const place = store && engineOf(store).trustedPlace;
  const gone = before.filter((entry) =>
    entry.root === root && (place ?? entry.place) === entry.place
  );
  if (gone.length > 0) {
    const trusted = before.filter((entry) => !gone.includes(entry));
    writePrivateFile(trustPath(userDirectory), { trusted });
  }
  return gone;
}
