/**
 * One call of an operation of a store, as data: what stands in front of two stores makes it on one of them, notes what
 * it granted, and makes it again on the other.
 * @module
 */
import type { Operations, Primitive } from "../../primitives.ts";

/** One call. */
export interface Call {
  readonly primitive: Primitive;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** The operations that only read, by primitive: they need no directory, and leave nothing in one. */
const READS: Readonly<Record<Primitive, readonly string[]>> = {
  locks: ["covering", "check", "list", "count"],
  agents: ["get", "explain", "list", "hung", "summary"],
  tasks: ["get", "list", "counts", "largest"],
  board: ["get", "show", "list", "search", "counts", "largest", "addressed"],
  approvals: ["get", "list", "counts"],
  audit: ["list", "chain"],
  events: ["end"],
};

/** The operations that read, unless the caller is to be woken later: for that it leaves its name. */
const READS_UNLESS_WAITING: readonly string[] = ["events.read", "audit.follow"];

/** Whether the call only reads. */
export function isRead({ primitive, method, args }: Call): boolean {
  if (READS[primitive].includes(method)) return true;
  return READS_UNLESS_WAITING.includes(`${primitive}.${method}`) &&
    (args[0] as { readonly waits?: boolean }).waits !== true;
}

/** Makes the call on these operations. */
export function make(
  operations: Operations[Primitive],
  { method, args }: Pick<Call, "method" | "args">,
): Promise<unknown> {
  const operation = (operations as unknown as Record<string, (...args: unknown[]) => unknown>)[
    method
  ]!;
  return Promise.resolve(operation.apply(operations, [...args]));
}

/** Every method that a store offers on a primitive; the compiler names those that are missing. */
export const METHODS: { readonly [Name in Primitive]: readonly (keyof Operations[Name])[] } = {
  locks: [
    "acquire",
    "abandon",
    "renew",
    "release",
    "releaseAll",
    "covering",
    "check",
    "break",
    "list",
    "count",
  ],
  agents: [
    "register",
    "heartbeat",
    "touch",
    "deregister",
    "prune",
    "assign",
    "get",
    "explain",
    "list",
    "hung",
    "summary",
  ],
  tasks: [
    "create",
    "claim",
    "abandon",
    "renew",
    "complete",
    "fail",
    "release",
    "cancel",
    "retry",
    "update",
    "sweep",
    "prune",
    "get",
    "list",
    "counts",
    "largest",
  ],
  board: [
    "post",
    "reply",
    "resolve",
    "get",
    "show",
    "list",
    "search",
    "counts",
    "largest",
    "inbox",
    "addressed",
    "ack",
    "prune",
  ],
  approvals: ["request", "look", "decide", "use", "prune", "get", "list", "counts"],
  audit: ["append", "list", "follow", "chain"],
  events: ["read", "end"],
};
