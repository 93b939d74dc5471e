/**
 * Everything that a store keeps, as text that tests compare: a namespace on Redis, or the database of a directory.
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import type { RedisServer } from "./redis_server.ts";

/**
 * Every key of the database with all it holds, each on a line, in the order of their names. The state, which is binary,
 * comes as the numbers in it; see src/engine/redis/state.lua.
 */
const DUMP = `
local lines = {}
local function sorted(flat, size)
  local rows = {}
  for i = 1, #flat, size do rows[#rows + 1] = table.concat(flat, ' = ', i, i + size - 1) end
  table.sort(rows)
  return rows
end
local function add(key, rows)
  for _, row in ipairs(rows) do lines[#lines + 1] = key .. ': ' .. row end
end
local keys = redis.call('KEYS', '*')
table.sort(keys)
for _, key in ipairs(keys) do
  local kind = redis.call('TYPE', key).ok
  if kind == 'string' then
    local value = redis.call('GET', key)
    if string.match(key, ':state$') then
      local numbers = { struct.unpack('>dc40c40dddddddddddddddd', value) }
      for i = 1, #numbers - 1 do numbers[i] = tostring(numbers[i]) end
      -- When the server was written to last, and its memory, are of its own clock.
      numbers[19], numbers[20] = nil, nil
      value = table.concat(numbers, ' ')
    end
    add(key, { value })
  elseif kind == 'hash' then add(key, sorted(redis.call('HGETALL', key), 2))
  elseif kind == 'set' then add(key, sorted(redis.call('SMEMBERS', key), 1))
  elseif kind == 'zset' then add(key, sorted(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'), 2))
  elseif kind == 'list' then add(key, redis.call('LRANGE', key, 0, -1))
  elseif kind == 'stream' then
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
      add(key, { entry[1] .. ' ' .. table.concat(entry[2], ' | ') })
    end
  end
end
return lines`;

/** All that a server of one's own keeps, without what a repeated call or another process makes differently. */
export async function dumpRedis(server: RedisServer): Promise<readonly string[]> {
  const lines = await server.command("EVAL", DUMP, 0) as readonly string[];
  return lines.map((line) => inOneOrder(line.replaceAll(/\b[0-9a-f]{8}-[0-9a-z]+=/g, "OP=")))
    .filter((line) => !/ (retried|restored) = /.test(line));
}

/** The same line; where its value is JSON, in which a script leaves the order of fields open, these are sorted. */
function inOneOrder(line: string): string {
  const [name, ...rest] = line.split(" = ");
  const value = rest.join(" = ");
  if (!/^[[{].*[\]}]$/s.test(value)) return line;
  const sorted = JSON.stringify(
    JSON.parse(value),
    (_, part) =>
      part !== null && typeof part === "object" && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1))
        : part,
  );
  return `${name} = ${sorted}`;
}

/**
 * Every row of every table of a database. The journal's times come from the host's clock and differ from run to run, so
 * the dump shows only whether there is one.
 */
export function dumpDatabase(path: string): readonly string[] {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name",
    ).all() as { name: string }[];
    return tables.flatMap(({ name }) =>
      database.prepare(`SELECT * FROM "${name}"`).all().map((row) =>
        `${name}: ${JSON.stringify(row, (key, value) => key === "since_ms" ? value > 0 : value)}`
      ).sort()
    );
  } finally {
    database.close();
  }
}

/** Keeps all that a server has now, in its second database. */
export async function keepState(server: RedisServer): Promise<void> {
  await server.command("EVAL", copying(1), 0);
}

/** Brings back what was kept. */
export async function bringStateBack(server: RedisServer): Promise<void> {
  await server.command("FLUSHDB");
  const client = await server.connect();
  try {
    await client.command("SELECT", 1);
    await client.command("EVAL", copying(0), 0);
  } finally {
    client.close();
  }
}

function copying(to: number): string {
  return `for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('COPY', key, key, 'DB', ${to}, 'REPLACE') end`;
}
