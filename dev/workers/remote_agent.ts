// remote_agent.ts STORE NAME: an agent in a process of its own, which does what the lines of its standard input say, one
// after the other, and answers each with a line: ["locks", "acquire", "a.py"] calls a room, ["store", "failback"] the
// store itself. It ends with its input.
import process from "node:process";
import { createInterface } from "node:readline";
import { Locks } from "../../src/lock/lock.ts";
import { Tasks } from "../../src/task/task.ts";
import { openAs } from "./context.ts";

const [location, name] = Deno.args as [string, string];
const context = await openAs(location, name);
const { store } = context;
const rooms: Readonly<Record<string, object>> = {
  store,
  locks: new Locks(context),
  tasks: new Tasks(context),
};

async function obey(line: string): Promise<unknown> {
  const [room, method, ...args] = JSON.parse(line) as [string, string, ...unknown[]];
  const owner = rooms[room] as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
  try {
    return { value: await owner[method]!(...args) };
  } catch (error) {
    const { code, message } = error as Error & { code?: string };
    return { error: { code, message } };
  }
}

const say = (answer: unknown) =>
  Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
say({ value: "open" });
for await (const line of createInterface({ input: process.stdin })) say(await obey(line));
await store.close();
