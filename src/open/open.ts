/**
 * Opens a store and gathers what every room is given.
 * @module
 */
import { type Clock, systemClock } from "../clock.ts";
import type { Durability } from "../durability.ts";
import { InvalidArgumentError } from "../errors.ts";
import { printable } from "../name.ts";
import type { Fallback, StoreConfig } from "../store_config.ts";
import { engineOf } from "./engines.ts";
import type { RoomContext } from "../context.ts";
import type { Project } from "../project.ts";
import { LazyStore } from "./lazy.ts";
import type { Store } from "../store.ts";
import type { MakingHooks } from "../engine/directory/unmade_engine.ts";
import type { Actor } from "../engine/actor.ts";
import type { Warn } from "../engine/warning.ts";

/** What {@linkcode openContext} needs. */
export interface OpenOptions {
  readonly store: StoreConfig;
  readonly namespace: string;
  /** Of a directory; a Redis server has its own settings. */
  readonly durability: Durability;
  readonly project: Project;
  readonly actor?: Actor | undefined;
  readonly clock?: Clock;
  /** What happens when a server cannot be reached. Default `never`. */
  readonly fallback?: Fallback;
  /** The directory that may take over then. Default: none. */
  readonly standInDirectory?: string;
  /** Called with what the store finds that whoever acts should know. Default: the store does not look. */
  readonly onWarning?: Warn;
}

/** What {@linkcode lazyContext} takes besides. */
export interface LazyOptions extends MakingHooks {
  /** Called when the store is about to be opened. Default: nothing. */
  readonly onOpen?: () => void;
  /** Called with what the caller should know though a call went well. Default: nobody. */
  readonly warn?: (message: string) => void;
}

/**
 * Opens the store and binds it to a project and, if one is named, an acting agent.
 *
 * @throws {StoreUnavailableError} when the store cannot be used.
 */
export async function openContext(options: OpenOptions): Promise<RoomContext> {
  return contextOf(options, await openStore(options));
}

/**
 * As {@linkcode openContext}, but the first operation that needs the store opens it, and the first that writes
 * makes it: what is refused before, or only looks, leaves no store behind.
 */
export function lazyContext(
  options: OpenOptions,
  { onOpen = () => undefined, warn, ...making }: LazyOptions = {},
): RoomContext {
  const { store } = options;
  const { location } = engineOf(store);
  const lazy = new LazyStore({ kind: store.kind, location }, () => {
    onOpen();
    return openStore(options, making);
  });
  return contextOf(options, lazy, warn);
}

function contextOf(
  { actor, clock = systemClock, project }: OpenOptions,
  store: Store,
  warn?: (message: string) => void,
): RoomContext {
  let folds: boolean | undefined;
  return {
    store,
    actor,
    clock,
    // Only who locks something needs this code, and every call pays for what is loaded at the start.
    lockPath: async (path, rules) => {
      const { foldsCase, resolveLockPath } = await import("../lock_name.ts");
      folds ??= foldsCase(project);
      return resolveLockPath(path, project, { ...rules, foldsCase: folds });
    },
    ...(warn && {
      warn,
      doubtsAbout: async (path) => (await import("../lock_doubt.ts")).doubtsAbout(path, project),
    }),
  };
}

/** Loads the code of the one engine it needs: the other would cost start-up time for nothing. */
async function openStore(
  options: OpenOptions,
  making?: MakingHooks,
): Promise<Store> {
  const { store, namespace, durability, actor, clock = systemClock, onWarning: warn } = options;
  // Sessions of a client act, each as another agent.
  const acts = making === undefined || actor !== undefined;
  const standIn = standInOf(options);
  return await engineOf(store).open({ namespace, durability, clock, making, warn, acts, standIn });
}

/**
 * The directory that takes over when a server cannot be reached, where there may be one, and when it may.
 *
 * @throws {InvalidArgumentError} when there has to be one and there is no place for it.
 */
function standInOf(
  { store, fallback = "never", standInDirectory: directory, project }: OpenOptions,
) {
  if (!engineOf(store).isShared) return undefined;
  if (directory !== undefined) return { directory, mode: fallback };
  if (fallback !== "directory") return undefined;
  throw new InvalidArgumentError(
    `No directory can stand in for the server in ${
      printable(project.root, 300)
    }, which everything below would share: ` +
      "go to a project, or say --fallback auto or never",
    { field: "fallback", value: fallback },
  );
}
