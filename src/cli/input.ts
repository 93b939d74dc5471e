/**
 * Values that an option takes from elsewhere: `-` is standard input, `@FILE` a file.
 * @module
 */
import { invalid } from "../check.ts";
import { InvalidArgumentError } from "../errors.ts";
import { printable, quote } from "../name.ts";
import { readWhole } from "./bounded_input.ts";
import type { JsonValue } from "../task/model.ts";
import type { Cli } from "./command.ts";
import { JsonError, parseJson } from "./json.ts";
import { utf8Text } from "./utf8.ts";

/** The text itself, or all of standard input when it is `-`; a final line feed there is dropped. */
export async function textFrom(cli: Cli, text: string): Promise<string>;
export async function textFrom(cli: Cli, text: string | undefined): Promise<string | undefined>;
export async function textFrom(cli: Cli, text: string | undefined): Promise<string | undefined> {
  if (text !== "-") return text;
  const input = utf8Text(await standardInput(cli, "-"), "standard input");
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
  if (path === "-") {
    return utf8Text(await standardInput(cli, field), `standard input, which ${field} reads`);
  }
  return utf8Text(await bytesOf(cli, path, field), `the file ${quote(path)} of ${field}`);
}

async function bytesOf(cli: Cli, path: string, field: string): Promise<Uint8Array> {
  const refuse = (why: string) =>
    new InvalidArgumentError(`Cannot read the file ${quote(path)} of ${field}: ${why}`, {
      field,
      value: printable(path),
    });
  const place = path.startsWith("/") ? path : `${cli.cwd}/${path}`;
  try {
    const odd = oddity(await Deno.stat(place), place);
    if (odd !== undefined) throw refuse(odd);
    return await readWhole((await Deno.open(place)).readable);
  } catch (error) {
    if (!(error instanceof Error) || error instanceof InvalidArgumentError) throw error;
    throw refuse(printable(error.message.replace(/ \(os error.*$/s, "")));
  }
}

/** Open files of this process by their number: pipes there are somebody's output, as in `<(…)`. */
const OPEN_FILE = /^\/(?:dev\/(?:stdin|fd\/\d+)|proc\/(?:self|\d+)\/fd\/\d+)$/;

/**
 * Why something is not read: opening a pipe that has a name may wait for ever for a writer, and a device may never
 * end. `undefined` when it can be read to its end.
 */
function oddity(file: Deno.FileInfo, place: string): string | undefined {
  if (file.isDirectory) return "it is a directory";
  if (file.isFifo && !OPEN_FILE.test(place)) {
    return `it is a named pipe, which may never be written to; use - in its place, and < before it`;
  }
  if (file.isSocket && !OPEN_FILE.test(place)) return "it is a socket";
  return isEndless(file, place) ? "it is a device, which may never end" : undefined;
}

/** Whether it is a device; not the null device, nor a terminal that standard input is. */
function isEndless({ isCharDevice, isBlockDevice }: Deno.FileInfo, place: string): boolean {
  if (isBlockDevice === true) return true;
  if (isCharDevice !== true || place === "/dev/null") return false;
  return !(OPEN_FILE.test(place) && isTerminalOrNull(place));
}

function isTerminalOrNull(place: string): boolean {
  try {
    // The kernel names what is open there (proc_pid_fd(5)).
    const name = Deno.realPathSync(place);
    return name === "/dev/null" || /^\/dev\/(?:tty|pts\/|console)/.test(name);
  } catch {
    return true;
  }
}

/** Standard input, unless it is a device that may never end. */
async function standardInput(cli: Cli, field: string): Promise<Uint8Array> {
  let file: Deno.FileInfo | undefined;
  try {
    file = await Deno.stat("/dev/stdin");
  } catch {
    // Where there is no such file nothing tells what standard input is.
  }
  const odd = file === undefined ? undefined : oddity(file, "/dev/stdin");
  if (odd === undefined) return await cli.stdin();
  throw new InvalidArgumentError(`Cannot read standard input: ${odd}`, {
    field,
    value: "-",
  });
}
