/**
 * Durations and instants as people write them, to and from integer milliseconds.
 * @module
 */

import { invalid } from "./check.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const DURATION = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h|d)?$/;
const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(.*))?$/i;
const ZONE = /^(?:Z|([+-]\d{2}):?(\d{2}))$/i;
/** The last instant a `Date` can hold (ECMA-262, 21.4.1.1). */
const LAST_INSTANT_MS = 8.64e15;

const DURATION_FIX = "use a number with ms, s, m, h or d, such as 30s or 5m";
const INSTANT_FIX = "use a time with a zone such as 2030-01-31T09:00:00Z, a date such as " +
  "2030-01-31, epoch milliseconds, or +5m for five minutes from now";

/**
 * Milliseconds in `500ms`, `30s`, `5m`, `2h`, `1d`, `1.5h`; a bare number is seconds. Rounded to a
 * whole millisecond.
 *
 * @param field what the caller calls it, such as `--ttl`
 * @throws {InvalidArgumentError} for anything else, and past `Number.MAX_SAFE_INTEGER`
 *
 * @example
 * ```ts
 * import { parseDuration } from "./duration.ts";
 * parseDuration("1.5h", "--ttl"); // 5400000
 * ```
 */
export function parseDuration(text: string, field: string): number {
  const match = DURATION.exec(text);
  if (match === null) throw invalid(text, field, DURATION_FIX);
  const ms = Math.round(Number(match[1]) * (UNIT_MS[match[2] ?? "s"] ?? 1));
  if (ms > Number.MAX_SAFE_INTEGER) {
    throw invalid(text, field, `it is too long; ${DURATION_FIX}`);
  }
  return ms;
}

/**
 * A duration for people: `450ms`, `2.5s`, `12s`, `1m30s`, `2h5m`, `2d`. At most two units, rounded
 * to the smaller.
 *
 * @param ms milliseconds; a negative one is shown with `-`
 */
export function formatDuration(ms: number): string {
  if (!Number.isFinite(ms)) return String(ms);
  if (ms < 0) return ms > -0.5 ? "0ms" : `-${formatDuration(-ms)}`;
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  const tenths = Math.round(ms / 100);
  if (tenths < 100) return `${tenths / 10}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return twoUnits(seconds, 60, "m", "s");
  const minutes = Math.round(ms / 60_000);
  if (minutes < 1440) return twoUnits(minutes, 60, "h", "m");
  return twoUnits(Math.round(ms / 3_600_000), 24, "d", "h");
}

/**
 * Epoch milliseconds of an ISO 8601 date-time with a zone, a plain date (its midnight in UTC), epoch
 * milliseconds, or `+5m` counted from `nowMs`.
 *
 * @param field what the caller calls it, such as `--not-before`
 * @throws {InvalidArgumentError} for anything else: a time without a zone, a day that no calendar
 * has, and 8 to 10 digits, which are a date or seconds and would silently mean 1970
 */
export function parseInstant(text: string, field: string, nowMs: number): number {
  if (/^\+[\d.]/.test(text)) {
    const match = DURATION.exec(text.slice(1));
    if (match === null) throw invalid(text, field, INSTANT_FIX);
    return checkInstant(nowMs + parseDuration(text.slice(1), field), text, field);
  }
  if (/^\d+$/.test(text)) {
    if (text.length >= 8 && text.length <= 10) {
      throw invalid(text, field, `it looks like seconds or a date; ${INSTANT_FIX}`);
    }
    return checkInstant(Number(text), text, field);
  }
  const match = ISO.exec(text);
  if (match === null) throw invalid(text, field, INSTANT_FIX);
  const [, year = "", month = "", day = "", time, zoneText = ""] = match;
  // Date rolls 30 February over to March; such a day is a mistake, not a date.
  const midnight = new Date(0);
  midnight.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (midnight.getUTCMonth() !== Number(month) - 1 || midnight.getUTCDate() !== Number(day)) {
    throw invalid(text, field, `there is no such day; ${INSTANT_FIX}`);
  }
  if (time === undefined) return midnight.getTime();
  const zone = ZONE.exec(zoneText);
  if (zone === null) {
    throw invalid(text, field, zoneText === "" ? `it has no zone; ${INSTANT_FIX}` : INSTANT_FIX);
  }
  const offset = zone[1] === undefined ? "Z" : `${zone[1]}:${zone[2]}`;
  return checkInstant(Date.parse(`${year}-${month}-${day}T${time}${offset}`), text, field);
}

function checkInstant(ms: number, text: string, field: string): number {
  if (Number.isNaN(ms)) throw invalid(text, field, INSTANT_FIX);
  if (Math.abs(ms) > LAST_INSTANT_MS) {
    throw invalid(text, field, `it is beyond every calendar; ${INSTANT_FIX}`);
  }
  return ms;
}

function twoUnits(count: number, perLarge: number, large: string, small: string): string {
  const rest = count % perLarge;
  return `${Math.floor(count / perLarge)}${large}${rest === 0 ? "" : `${rest}${small}`}`;
}
