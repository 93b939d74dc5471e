/**
 * Identifiers: a prefix that says what they name, then a ULID (https://github.com/ulid/spec), so that
 * they sort by creation.
 * @module
 */
import { monotonicFactory } from "npm:ulid@3.0.2";

/** Prefix of each kind of identifier. */
export type IdPrefix = "agt" | "tsk" | "thr" | "msg" | "apr" | "evt" | "aud" | "wtr" | "sit";

const next = monotonicFactory();

/** A new identifier such as `tsk_01ARZ3NDEKTSV4RRFFQ69G5FAV`; later ones of this process sort later. */
export function newId(prefix: IdPrefix): string {
  return `${prefix}_${next()}`;
}

/** Crockford's base 32 (https://www.crockford.com/base32.html), the alphabet of ULIDs. */
const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

function encode(value: number, length: number): string {
  let text = "";
  for (let rest = value; text.length < length; rest = Math.floor(rest / 32)) {
    text = ALPHABET.charAt(rest % 32) + text;
  }
  return text;
}

/**
 * The identifier of the `sequence`-th entry of an ordered stream, created at `atMs`: a ULID whose
 * random part is the sequence number, so the entry's place can be read back without a lookup.
 */
export function sequencedId(prefix: IdPrefix, atMs: number, sequence: number): string {
  return `${prefix}_${encode(atMs, 10)}${encode(sequence, 16)}`;
}

/** The sequence number inside a {@linkcode sequencedId}; `undefined` when `id` is not one. */
export function sequenceOf(prefix: IdPrefix, id: string): number | undefined {
  const body = id.slice(prefix.length + 1);
  if (!id.startsWith(`${prefix}_`) || !/^[0-9A-HJKMNP-TV-Z]{26}$/.test(body)) return undefined;
  const value = decode(body.slice(10));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The instant inside a {@linkcode sequencedId}, in epoch milliseconds. */
export function sequencedAtMs(id: string): number {
  return decode(id.slice(-26, -16));
}

function decode(digits: string): number {
  let value = 0;
  for (const digit of digits) value = value * 32 + ALPHABET.indexOf(digit);
  return value;
}
