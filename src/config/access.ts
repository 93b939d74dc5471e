/**
 * Whether the store may be used, and with which password.
 * @module
 */
import { DeniedError } from "../errors.ts";
import { printable } from "../name.ts";
import type { Project } from "../project.ts";
import { credentialsPath, withCredentials } from "./credentials.ts";
import { engineOf } from "../open/engines.ts";
import { isSameStore, shownStore, type StoreConfig } from "./store_value.ts";
import { readTrust } from "./trust.ts";

/** Where state lives, and what is in the way. */
export interface Access {
  /** Where state lives. Default: the project's store directory. A URL may hold a password. */
  readonly store: StoreConfig;
  /** Where the password came from, when the URL had none, and that URL. */
  readonly credentials?: { readonly path: string; readonly plainUrl: string };
  /**
   * Why the store must not be used: only the project's file names it, and the user has not agreed. See
   * {@linkcode checkAccess}.
   */
  readonly denial?: string;
}

/** What {@linkcode decideAccess} goes by. */
export interface AccessInput {
  readonly project: Project;
  readonly userDirectory: string | undefined;
  /** The project's file that names the store, or `default`; `undefined` when the user does. */
  readonly source: string | undefined;
  /** What the user's own settings name besides. */
  readonly others: readonly StoreConfig[];
}

/** Adds the user's password to a URL that has none, and finds out whether the user agreed to the place. */
export function decideAccess(store: StoreConfig, input: AccessInput): Access {
  const { userDirectory } = input;
  if (userDirectory !== undefined) {
    const engine = engineOf(store);
    const signedIn = engine.withPassword((url) => withCredentials(url, userDirectory));
    const credentials = { path: credentialsPath(userDirectory), plainUrl: engine.value };
    // Who has stored a password for the place has agreed to it.
    if (signedIn !== undefined) return { store: signedIn, credentials };
  }
  const denial = denialOf(store, input);
  return denial === undefined ? { store } : { store, denial };
}

/**
 * Lets only those through who may use the store.
 *
 * @throws {DeniedError} saying who has to agree, and how.
 */
export function checkAccess({ store, denial }: Access): void {
  if (denial === undefined) return;
  throw new DeniedError(denial, { field: "store", value: printable(shownStore(store), 300) });
}

function denialOf(
  store: StoreConfig,
  { project, userDirectory, source, others }: AccessInput,
): string | undefined {
  if (source === undefined || others.some((other) => isSameStore(store, other))) return undefined;
  const engine = engineOf(store);
  if (!engine.needsTrust(project.root)) return undefined;
  if (userDirectory !== undefined) {
    const place = engine.trustedPlace;
    const isTrusted = readTrust(userDirectory).some((entry) =>
      entry.root === project.root && entry.place === place
    );
    if (isTrusted) return undefined;
  }
  const what = source === "default"
    ? `${printable(engine.location, 300)} is a link that leads out of the project`
    : `${source} names ${engine.words.named}`;
  return `${what}, and you have not agreed to that: run "agentcoord trust" once for this project, or ` +
    "name the store yourself, in AGENTCOORD_STORE or with --store";
}
