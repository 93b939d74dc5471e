/**
 * Files of the user alone, below `~/.config/agentcoord`: read with a look at who else may, and written so
 * that a reader sees the old file or the new one, never a part.
 * @module
 */
import { given } from "../given.ts";
import { InvalidArgumentError } from "../errors.ts";
import { reasonOf, unusable } from "./settings_file.ts";
import { parseObject, StrictJsonError } from "./strict_json.ts";

/** Permissions that nobody but the owner may have: `secret` forbids reading, `own` only writing. */
const FORBIDDEN = { secret: 0o077, own: 0o022 } as const;
/** Far more than any such file needs. */
const MAX_BYTES = 1024 * 1024;

/**
 * The object in the file; an empty one when there is no such file.
 *
 * @throws {InvalidArgumentError} when others may read (`secret`) or write it, or it is no such object.
 */
export function readPrivateFile(
  path: string,
  kind: keyof typeof FORBIDDEN,
): Readonly<Record<string, unknown>> {
  try {
    const { isFile, size, mode } = Deno.statSync(path);
    if (!isFile || size > MAX_BYTES) throw unusable(path, "it is no file of ours");
    const bits = (mode ?? 0) & FORBIDDEN[kind];
    if (bits !== 0) {
      const what = kind === "secret" ? "read it, and it holds passwords" : "change it";
      throw unusable(path, `other users may ${what}; run chmod 600 ${path}`);
    }
    return parseObject(new TextDecoder("utf-8", { fatal: true }).decode(Deno.readFileSync(path)));
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof Deno.errors.NotCapable) {
      throw error;
    }
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return {};
    }
    if (error instanceof StrictJsonError) throw unusable(path, error.message);
    throw unusable(path, error instanceof TypeError ? "it is not UTF-8" : reasonOf(error));
  }
}

/** Writes the object for the user alone, making the directory when it is missing. */
export function writePrivateFile(path: string, content: unknown): void {
  try {
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
    replaceFile(path, `${JSON.stringify(content, null, 2)}\n`, 0o600);
  } catch (error) {
    if (error instanceof InvalidArgumentError || error instanceof Deno.errors.NotCapable) {
      throw error;
    }
    throw unusable(path, reasonOf(error));
  }
}

/** Puts a whole new file in the old one's place; where that is a link, in the place it leads to. */
export function replaceFile(path: string, text: string, mode?: number): void {
  let target = path;
  try {
    target = Deno.realPathSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const draft = `${target}.${crypto.randomUUID().slice(0, 8)}`;
  try {
    Deno.writeTextFileSync(draft, text, {
      createNew: true,
      ...given({ mode }),
    });
    Deno.renameSync(draft, target);
  } catch (error) {
    try {
      Deno.removeSync(draft);
    } catch (leftover) {
      if (!(leftover instanceof Deno.errors.NotFound)) throw leftover;
    }
    throw error;
  }
}
