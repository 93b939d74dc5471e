/**
 * Everything a server holds for one namespace, to compare two of them.
 * @module
 */
import type { RespClient, RespValue } from "../../dev/redis_server.ts";

/** Numbers of the state string, which is packed; see state.lua. */
const STATE = `
local values = { struct.unpack('>dc40c40' .. string.rep('d', 15), redis.call('GET', KEYS[1])) }
for i, value in ipairs(values) do values[i] = tostring(value) end
return values`;

/** Where the state has instants that each call may move on: its clocks, and how long such calls are remembered. */
const INSTANTS = [3, 16, 17];

/**
 * Keys of a namespace without what they all begin with, each with what is in it, in a fixed order; without what is
 * remembered for a while of calls that were made again.
 */
export async function contentsOf(
  client: RespClient,
  namespace: string,
): Promise<Record<string, unknown>> {
  const prefix = `{agentcoord:${namespace}}:`;
  const keys = await client.command("KEYS", `${prefix}*`) as string[];
  const contents: Record<string, unknown> = {};
  for (const key of keys.toSorted()) {
    const name = key.slice(prefix.length);
    const content = await read(client, key);
    if (name === "state") { for (const index of INSTANTS) (content as unknown[])[index] = ""; }
    const kept = name === "listeners"
      ? (content as [string, string][]).filter(([topic]) => topic !== " retried")
      : content;
    if (name !== "replay_index" && (name !== "listeners" || (kept as unknown[]).length > 0)) {
      contents[name] = kept;
    }
  }
  return contents;
}

async function read(client: RespClient, key: string): Promise<unknown> {
  const type = String(await client.command("TYPE", key));
  switch (type) {
    case "string":
      return key.endsWith(":state")
        ? await client.command("EVAL", STATE, 1, key)
        : await client.command("GET", key);
    case "hash":
      return pairs(await client.command("HGETALL", key)).sort(byFirst);
    case "zset":
      return pairs(await client.command("ZRANGE", key, 0, -1, "WITHSCORES"));
    case "set":
      return (await client.command("SMEMBERS", key) as string[]).toSorted();
    case "list":
      return await client.command("LRANGE", key, 0, -1);
    case "stream":
      return await client.command("XRANGE", key, "-", "+");
    default:
      throw new Error(`${key} is a ${type}`);
  }
}

function pairs(values: RespValue): (readonly [string, string])[] {
  const list = values as string[];
  return list.flatMap((first, i) => i % 2 === 0 ? [[first, list[i + 1]!] as const] : []);
}

function byFirst([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : 1;
}
