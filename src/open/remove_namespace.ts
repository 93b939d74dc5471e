/**
 * Removes a whole namespace from a Redis store.
 * @module
 */
import { RedisConnection } from "../engine/redis/connection.ts";
import { keyNames } from "../engine/redis/script.ts";

/**
 * Deletes everything that the namespace has, which nobody may be using: fences would start again at 1.
 * The keys of all scripts are known by name, so nothing is searched for.
 *
 * @throws {StoreUnavailableError} when the server cannot be used, or its user may not delete.
 */
export async function removeNamespace(url: string, namespace: string): Promise<void> {
  const keys = keyNames().map((name) => `{agentcoord:${namespace}}:${name}`);
  const connection = await RedisConnection.open(url);
  try {
    // What a process that was just killed had sent is executed before the second time at the latest.
    while (Number(await connection.send("DEL", keys)) > 0);
  } catch (error) {
    throw connection.failure(error);
  } finally {
    await connection.close();
  }
}
