/**
 * Values that an option takes from elsewhere: `-` is standard input, `@FILE` a file.
 * @module
 */
import { invalid } from "../check.ts";
import { InvalidArgumentError } from "../errors.ts";
import { printable, quote } from "../name.ts";
import type { Cli } from "./command.ts";

/** Any JSON value. */
type JsonValue = string | number | boolean | null | readonly JsonValue[] | {
  readonly [key: string]: JsonValue;
};

/** The text itself, or all of standard input when it is `-`; a final line feed there is dropped. */
export async function textFrom(cli: Cli, text: string): Promise<string>;
export async function textFrom(cli: Cli, text: string | undefined): Promise<string | undefined>;
export async function textFrom(cli: Cli, text: string | undefined): Promise<string | undefined> {
  if (text !== "-") return text;
  return (await cli.stdin()).replaceAll("\r\n", "\n").replace(/\n$/, "");
}

/** The JSON value that the option holds, or the file after `@`, or standard input for `-`. */
export async function jsonFrom(cli: Cli, text: string, field: string): Promise<JsonValue> {
  const source = text.startsWith("@") ? text.slice(1) : text;
  const json = text.startsWith("@")
    ? await fileFrom(cli, source, field)
    : await textFrom(cli, text);
  try {
    return JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? printable(error.message) : "";
    throw invalid(json, field, `it is not JSON (${why}); quote texts as '"text"', or use @FILE`);
  }
}

/** The text of the file, or standard input when its name is `-`. */
export async function fileFrom(cli: Cli, path: string, field: string): Promise<string> {
  if (path === "-") return await cli.stdin();
  try {
    return await Deno.readTextFile(path.startsWith("/") ? path : `${cli.cwd}/${path}`);
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
