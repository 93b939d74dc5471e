/**
 * Where state lives, as settings name it.
 * @module
 */

/** A directory. */
export interface DirectoryPlace {
  readonly kind: "directory";
  readonly directory: string;
}

/** A server. Its `url` may hold a secret: show what its engine's descriptor calls its location. */
export interface RedisPlace {
  readonly kind: "redis";
  readonly url: string;
}

/** Where state lives. What can be asked of it depends on the engine: ask {@linkcode engineOf}. */
export type StoreConfig = DirectoryPlace | RedisPlace;

/**
 * What happens when Redis cannot be reached: a directory takes over where that is safe (`auto`), always, or
 * never.
 */
export type Fallback = "auto" | "directory" | "never";
