/**
 * How results reach a reader: one JSON document, or text for people.
 * @module
 */
import { given } from "../given.ts";
import { formatDuration } from "../duration.ts";
import type { CoordError } from "../errors.ts";
import { printable } from "../name.ts";

/** Version of the JSON envelope. Adding fields does not change it. */
export const SCHEMA_VERSION = 1;

/** What text output may assume about its reader. */
export interface View {
  /** Whether stdout is a terminal. */
  readonly terminal: boolean;
  /** Whether colour is wanted there. */
  readonly color: boolean;
  /** Columns to fit into; `Infinity` when nothing may be cut. */
  readonly columns: number;
  /** The present, for relative times. */
  readonly nowMs: number;
}

/** Decides on colour as https://no-color.org and https://bixense.com/clicolors ask. */
export function viewOf(
  terminal: boolean,
  env: Readonly<Record<string, string>>,
  columns: () => number,
  nowMs: number,
): View {
  const forced = (env.CLICOLOR_FORCE ?? "0") !== "0" && !env.NO_COLOR;
  const color = forced || (terminal && !env.NO_COLOR && env.TERM !== "dumb");
  return { terminal, color, columns: terminal ? columns() : Infinity, nowMs };
}

/** The document of a call that succeeded. */
export function successDocument(
  data: unknown,
  nextCursor: string | undefined,
  warnings: readonly string[],
): string {
  const cursor = given({ nextCursor });
  return JSON.stringify({ schemaVersion: SCHEMA_VERSION, ok: true, data, ...cursor, warnings });
}

/** The document of a call that failed. */
export function failureDocument(error: CoordError, warnings: readonly string[]): string {
  const { code, message, retryable, details } = error;
  const failure = { code, message, retryable, details };
  return JSON.stringify({ schemaVersion: SCHEMA_VERSION, ok: false, error: failure, warnings });
}

/** The identifiers in a result, or in the `records` that it is about, one per line, for `--quiet`. */
export function identifiers(data: unknown): string {
  const { records } = (data ?? {}) as { records?: unknown };
  const rows = [Array.isArray(records) ? records : data].flat();
  return rows.flatMap((row) => {
    const { id, path, name } = (row ?? {}) as { id?: string; path?: string; name?: string };
    // An agent is known by its name, everything else by its identifier or path.
    const known = id?.startsWith("agt_") ? name : id ?? path ?? name;
    return known === undefined ? [] : [`${printable(known, Infinity)}\n`];
  }).join("");
}

/** Every place where the table library would draw a line. */
const BORDERS = ("top top-mid top-left top-right bottom bottom-mid bottom-left bottom-right " +
  "left left-mid mid mid-mid right right-mid middle").split(" ");

/** One column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
}

/**
 * Aligned columns under a header line, or `empty` when there are no rows. On a terminal the last column is
 * cut to fit; anywhere else nothing is.
 */
export async function table<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  view: View,
  empty: string,
): Promise<string> {
  if (rows.length === 0) return `${empty}\n`;
  const { default: Table } = await import("cli-table3");
  const cells = rows.map((row) =>
    columns.map(({ value }) => printable(String(value(row)), Infinity))
  );
  const header = columns.map(({ title }) => title);
  const widths = header.map((title, index) =>
    Math.max(title.length, ...cells.map((line) => wide(line[index] ?? ""))) + 2
  );
  const used = widths.slice(0, -1).reduce((sum, width) => sum + width, 0);
  const last = widths.length - 1;
  widths[last] = Math.max(8, Math.min(widths[last] ?? 0, view.columns - used));
  const none = Object.fromEntries(BORDERS.map((place) => [place, ""]));
  const grid = new Table({
    colWidths: widths,
    chars: none,
    style: { head: [], border: [], "padding-left": 0, "padding-right": 2 },
  });
  grid.push(header.map((title) => paint(view, "bold", title)), ...cells);
  return grid.toString().split("\n").map((line) => line.trimEnd()).join("\n") + "\n";
}

/** Room for text that may hold wide characters: an upper bound is enough to align. */
function wide(text: string): number {
  let width = 0;
  for (const character of text) width += (character.codePointAt(0) ?? 0) >= 0x1100 ? 2 : 1;
  return width;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Colours `text` where colour is wanted. */
export function paint(view: View, style: keyof typeof CODES, text: string): string {
  return view.color ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text;
}

/** Counts with their states in this order: a store may give them in any. */
export function inOrder<State extends string>(
  counts: Readonly<Record<State, number>>,
  order: readonly State[],
): Record<State, number> {
  return Object.fromEntries(order.map((state) => [state, counts[state]])) as Record<State, number>;
}

/** How long ago an instant was: `4m ago`, `now`, or `in 3s` when it lies ahead. */
export function ago(view: View, atMs: number): string {
  const ms = view.nowMs - atMs;
  if (Math.abs(ms) < 1000) return "now";
  return ms > 0 ? `${formatDuration(ms)} ago` : `in ${formatDuration(-ms)}`;
}

/** Text an agent wrote, safe on a terminal; keeps line feeds and tabs. */
export function safeText(text: string): string {
  return text.split(/(?<=[\n\t])/).map((part) => {
    const end = /[\n\t]$/.exec(part)?.[0] ?? "";
    return printable(part.slice(0, part.length - end.length), Infinity) + end;
  }).join("");
}
