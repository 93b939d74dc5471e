/**
 * What a worker of the soak test writes down of what it was told, for the judge to hold against the store.
 * @module
 */

/** The locks that workers fight for. */
export const PATHS: readonly string[] = ["a", "b", "c", "d", "e", "f"];

/** One line of a worker's log. */
export type SoakRecord =
  /** It holds `path` until `expiresAtMs` or, if it still does something, longer. */
  | {
    readonly kind: "took";
    readonly path: string;
    readonly fence: number;
    readonly acquiredAtMs: number;
    readonly expiresAtMs: number;
  }
  /** From `atMs` on its release may take effect. */
  | { readonly kind: "releasing"; readonly fence: number; readonly atMs: number }
  | { readonly kind: "released"; readonly fence: number }
  | { readonly kind: "created"; readonly ids: readonly string[] }
  | { readonly kind: "claimed"; readonly id: string; readonly fence: number }
  | { readonly kind: "completed"; readonly id: string; readonly fence: number }
  | { readonly kind: "replied"; readonly id: string }
  | { readonly kind: "logged"; readonly id: string }
  | { readonly kind: "asked"; readonly id: string }
  | {
    readonly kind: "decided";
    readonly id: string;
    readonly status: string;
    readonly by: string;
  }
  /** The fence was the current one of `path` at some time after `atMs`. */
  | {
    readonly kind: "verified";
    readonly path: string;
    readonly fence: number;
    readonly atMs: number;
  }
  /** A call that was refused for a reason that chaos explains. */
  | { readonly kind: "refused"; readonly code: string; readonly reason: string }
  /** Bytes of a worker: all it has, what lives in the heap after a full collection, and what is not heap. */
  | {
    readonly kind: "size";
    readonly slot: string;
    readonly rss: number;
    readonly heap: number;
    readonly native: number;
    readonly atMs: number;
  };
