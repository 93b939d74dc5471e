/**
 * What the Redis client and server say when they fail, in our words: what is wrong, and what to do about
 * it.
 *
 * `details.reason` tells programs what it is. Reasons that are a matter of configuration are not
 * `retryable`, and no cause to work elsewhere. `details.sent` is there when no answer came: `false` when
 * the server has surely not seen the command, so that it may be sent again whatever it does.
 *
 * The client's errors carry the command with its arguments, such as a password, so none of them is
 * handed on: what is thrown has a cause of its own, without secrets.
 * @module
 */
import { given } from "../../given.ts";
import { CoordError, StoreUnavailableError } from "../../errors.ts";
import { printable } from "../../name.ts";
import {
  CONNECTION_RULES,
  type FailureContext,
  LOST,
  NEVER_SENT,
  SERVER_RULES,
} from "./failure_table.ts";

export type { FailureContext, RedisFailureReason } from "./failure_table.ts";

/** The server is older than what the scripts need. */
export class TooOldError extends Error {
  override readonly name = "TooOldError";
}

/** Whether the client refused to send a command, so that the server has surely not seen it. */
export function wasNeverSent(error: unknown): boolean {
  return error instanceof Error && NEVER_SENT.test(error.message);
}

/**
 * What `error` of the client or the server means; passes through what did not come from either. `sent`
 * is what the caller knows better.
 */
export function redisFailure(
  error: unknown,
  context: FailureContext,
  options: { readonly sent?: boolean } = {},
): unknown {
  if (error instanceof CoordError || !(error instanceof Error)) return error;
  const { message } = error;
  // The connection knows why it ended; the errors that it leaves behind do not.
  const said = LOST.test(message) && context.lastError instanceof Error &&
      /Socket timeout/.test(context.lastError.message)
    ? context.lastError.message
    : asForbidden(message);
  const rules = isReply(error) ? SERVER_RULES : [...CONNECTION_RULES, ...SERVER_RULES];
  for (const { matches, reason, retryable, sentence, ...rule } of rules) {
    const match = matches.exec(said);
    if (match === null) continue;
    const sent = options.sent ?? rule.sent;
    return new StoreUnavailableError(
      `Cannot use the store: ${printable(sentence(context, match), 400)}`,
      { location: context.location, reason, ...given({ sent }) },
      typeof retryable === "boolean" ? retryable : retryable(context),
      harmless(error, context),
    );
  }
  return "command" in error ? harmless(error, context) : error;
}

/** A runtime that keeps programs off the network says so in the words for a port where nobody listens. */
function asForbidden(message: string): string {
  const host = /connect ECONNREFUSED (\S+:\d+)/.exec(message)?.[1];
  if (host === undefined) return message;
  const { state } = Deno.permissions.querySync({ name: "net", host });
  return state === "granted" ? message : message.replace("ECONNREFUSED", "EPERM");
}

/** The same words without the command, its arguments and secrets. */
function harmless(error: Error, context: FailureContext): Error {
  const copy = new Error(printable(hide(error.message, context), 1000));
  copy.name = error.name;
  return copy;
}

function hide(text: string, { secrets }: FailureContext): string {
  let hidden = text.replace(/\b([Uu]ser) \S+ (has|is)\b/g, "$1 *** $2")
    .replace(/(with args beginning with:).*/s, "$1 ***");
  for (const secret of secrets) hidden = hidden.replaceAll(secret, "***");
  return hidden;
}

function isReply(error: Error): boolean {
  return error.name === "ReplyError" || "command" in error && !LOST.test(error.message);
}
