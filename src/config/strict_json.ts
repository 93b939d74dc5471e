/**
 * JSON as configuration files hold it: one object, in which no key stands twice.
 * @module
 */

/** What is wrong with the text, as the end of a sentence that names the file. */
export class StrictJsonError extends Error {}

/**
 * The object that `text` holds.
 *
 * @throws {StrictJsonError} without any of the text's values, which may be secret.
 */
export function parseObject(text: string): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    const place = /\(line \d+ column \d+\)/.exec(String(error))?.[0];
    throw new StrictJsonError(`it is not JSON${place === undefined ? "" : ` ${place}`}`);
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) {
    throw new StrictJsonError('use one JSON object, such as {"namespace": "default"}');
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) {
    // One reader takes the first and another the last: neither is what everybody sees.
    throw new StrictJsonError(`the key ${repeated} stands there twice; remove one of them`);
  }
  return parsed as Record<string, unknown>;
}

/** The first key that its object has had before, with its quotes; `text` is known to be JSON. */
function repeatedKey(text: string): string | undefined {
  const seen: Set<string>[] = [];
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"(?:\s*:)?|[{}]/g)) {
    if (token === "{") seen.push(new Set());
    else if (token === "}") seen.pop();
    else if (token.endsWith(":")) {
      const written = token.slice(0, token.lastIndexOf('"') + 1);
      const key: string = JSON.parse(written);
      if (seen.at(-1)?.has(key)) return JSON.stringify(key).slice(0, 80);
      seen.at(-1)?.add(key);
    }
  }
  return undefined;
}
