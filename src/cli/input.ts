/**
 * Values that an option takes from elsewhere: `-` is standard input, `@FILE` a file.
 * @module
 */
import { invalid } from "../check.ts";
import { InvalidArgumentError } from "../errors.ts";
import { printable, quote } from "../name.ts";
import type { Cli } from "./command.ts";
import { JsonError, parseJson } from "./json.ts";
import { utf8Text } from "./utf8.ts";

/** Any JSON value. */
type JsonValue = string | number | boolean | null | readonly JsonValue[] | {
  readonly [key: string]: JsonValue;
};

/** The text itself, or all of standard input when it is `-`; a final line feed there is dropped. */
export async function textFrom(cli: Cli, text: string): Promise<string>;
export async function textFrom(cli: Cli, text: string | undefined): Promise<string | undefined>;
export async function textFrom(cli: Cli, text: string | undefined): Promise<string | undefined> {
  if (text !== "-") return text;
  const input = utf8Text(await cli.stdin(), "standard input");
  return input.replaceAll("\r\n", "\n").replace(/\n$/, "");
}

/** The JSON value that the option holds, or the file after `@`, or standard input for `-`. */
export async function jsonFrom(cli: Cli, text: string, field: string): Promise<JsonValue> {
  const source = text.startsWith("@") ? text.slice(1) : text;
  const json = text.startsWith("@")
    ? await fileFrom(cli, source, field)
    : await textFrom(cli, text);
  try {
    return parseJson(json) as JsonValue;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const fix = error.kind === "syntax" ? `; quote texts as '"text"', or use @FILE` : "";
    throw invalid(json, field, `${error.message}${fix}`);
  }
}

/** The text of the file, or standard input when its name is `-`. */
export async function fileFrom(cli: Cli, path: string, field: string): Promise<string> {
  if (path === "-") return utf8Text(await cli.stdin(), `standard input, which ${field} reads`);
  return utf8Text(await bytesOf(cli, path, field), `the file ${quote(path)} of ${field}`);
}

async function bytesOf(cli: Cli, path: string, field: string): Promise<Uint8Array> {
  try {
    return await Deno.readFile(path.startsWith("/") ? path : `${cli.cwd}/${path}`);
  } catch (error) {
    const why = error instanceof Error
      ? printable(error.message.replace(/ \(os error.*$/s, ""))
      : "";
    throw new InvalidArgumentError(`Cannot read the file ${quote(path)} of ${field}: ${why}`, {
      field,
      value: printable(path),
    });
  }
}
