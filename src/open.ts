/**
 * Opens a store and gathers what every room is given.
 * @module
 */
import { type Clock, systemClock } from "./clock.ts";
import type { Durability, StoreConfig } from "./config.ts";
import type { RoomContext } from "./context.ts";
import { InvalidArgumentError } from "./errors.ts";
import type { Project } from "./project.ts";
import { resolveLockPath } from "./project.ts";
import type { Store } from "./store/store.ts";
import type { Actor } from "./store/transaction.ts";

/** What {@linkcode openContext} needs. */
export interface OpenOptions {
  readonly store: StoreConfig;
  readonly namespace: string;
  readonly durability: Durability;
  readonly project: Project;
  readonly actor?: Actor | undefined;
  readonly clock?: Clock;
}

/**
 * Opens the store and binds it to a project and, if one is named, an acting agent.
 *
 * @throws {StoreUnavailableError} when the store cannot be used.
 */
export async function openContext(options: OpenOptions): Promise<RoomContext> {
  const { actor, clock = systemClock, project } = options;
  return {
    store: await openStore(options),
    actor,
    clock,
    lockPath: (path, rules) => resolveLockPath(path, project, rules),
  };
}

async function openStore(
  { store, namespace, durability, clock = systemClock }: OpenOptions,
): Promise<Store> {
  if (store.kind === "redis") {
    throw new InvalidArgumentError(
      "This version keeps state in a directory only; name one with --store DIR",
      { field: "store" },
    );
  }
  const { DirectoryStore } = await import("./store/directory.ts");
  return await DirectoryStore.open(store.directory, { namespace, durability, clock });
}
