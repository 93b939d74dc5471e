/**
 * What everything above the engines asks of the engine that a store is on, and never which one it is.
 * @module
 */
import type { Store } from "../store.ts";
import type { Fallback, StoreConfig } from "../store_config.ts";
import type { DirectoryOptions } from "./directory.ts";

/** How to open a store; an engine takes what concerns it. */
export interface EngineOptions extends DirectoryOptions {
  /** The directory that takes over when a server cannot be reached, and when it may; with `never` it is only asked whether it decides. */
  readonly standIn?: { readonly directory: string; readonly mode: Fallback } | undefined;
}

/** Where a test of the store takes place, in a namespace that nobody uses. */
export interface TestGround {
  readonly store: StoreConfig;
  /** A file to fight for, on a disk of this host. */
  readonly scratch: string;
  /** Removes the namespace, and whatever else was made. */
  readonly remove: () => Promise<void>;
}

/** What the program says about a store of this engine. */
export interface EngineWords {
  /** What to call the place when a project's file names it, such as `the server redis://db:6379`. */
  readonly named: string;
  /** What may be overloaded when the store is slow. */
  readonly slow: string;
  /** Why those who wait may be woken late. */
  readonly wokenLate: string;
  /** What must not be used for a store that fails its test. */
  readonly place: string;
}

/** One engine, with one of its stores. Nothing of it loads the engine's code before it is needed. */
export interface EngineDescriptor {
  /** The place without secrets, to be shown and compared by people. */
  readonly location: string;
  /** The place as `AGENTCOORD_STORE` names it, secrets included. */
  readonly value: string;
  /** What makes two stores one place, whoever signs in and however long is waited. */
  readonly identity: string;
  /** What a user trusts who lets a project name it: the place, spoken to in this way. */
  readonly trustedPlace: string;
  /** Whether several projects may share it, so that a namespace is the project's own. */
  readonly isShared: boolean;
  /** Whether a client chooses how durable writes are. */
  readonly hasDurability: boolean;
  /** Whether the value itself has a password for the server. */
  readonly hasPassword: boolean;
  /** Whether the value has any password, such as one for Sentinels. */
  readonly hasSecrets: boolean;
  readonly words: EngineWords;
  /** Whether the file of the project with this root may name it only with the user's consent. */
  needsTrust(root: string): boolean;
  /** The same place with a password for its URL, if it takes one and has none and `signedIn` knows one. */
  withPassword(signedIn: (url: string) => string | undefined): StoreConfig | undefined;
  /** Opens it. */
  open(options: EngineOptions): Promise<Store>;
  /** Whether the namespace has been made there. */
  hasState(namespace: string): Promise<boolean>;
  /** Prepares a test in this new namespace; `fallback` is the directory that may stand in for the store meanwhile. */
  testGround(namespace: string, fallback?: string): Promise<TestGround>;
}
