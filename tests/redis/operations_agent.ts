/**
 * Operations on agents.
 * @module
 */
import type { SpawnedWorker } from "../../src/agent/model.ts";
import type { Operation } from "./operations.ts";

const DAY_MS = 86_400_000;

const SPAWNED: SpawnedWorker = {
  mode: "subprocess",
  spawnedAtMs: 1,
  spawnedBy: "bob",
  command: "./do.sh",
  place: { pids: [] },
};

/** Operations of Agents. */
export const AGENT_OPERATIONS: readonly Operation[] = [
  {
    name: "agents.register",
    method: "agents.register",
    call: ({ as }) =>
      as("ada").agents.register({ role: "engineer", tags: ["backend"], workingOn: "a" }),
  },
  {
    name: "agents.register of a live name",
    method: "agents.register",
    setup: ({ as }) => as("ada").agents.register(),
    call: ({ as }) => as("ada").agents.register(),
  },
  {
    name: "agents.register taking over",
    method: "agents.register",
    setup: async ({ as, advance }) => {
      await as("ada").agents.register({ role: "engineer" });
      advance(500);
    },
    call: ({ as }) => as("ada").agents.register({ takeover: true, workingOn: "b" }),
  },
  {
    name: "agents.heartbeat",
    method: "agents.heartbeat",
    setup: async ({ as, advance }) => {
      await as("ada").locks.acquire("a.py", { ttlMs: 3000 });
      advance(2000);
    },
    call: ({ as }) => as("ada").agents.heartbeat({ status: "idle", workingOn: "tea" }),
  },
  {
    name: "agents.heartbeat of a name that is new",
    method: "agents.heartbeat",
    call: ({ as }) => as("ada").agents.heartbeat(),
  },
  {
    name: "a session's sign of life in the background",
    method: "agents.touch",
    setup: ({ as }) => as("ada").agents.register(),
    call: async ({ contextOf }) => {
      const { store, actor } = contextOf("ada");
      await (await store.agents()).touch(actor!);
    },
  },
  {
    name: "a session's sign of life under a name that is new",
    method: "agents.touch",
    call: async ({ contextOf }) => {
      const { store, actor } = contextOf("ada");
      await (await store.agents()).touch(actor!);
    },
  },
  {
    name: "agents.deregister",
    method: "agents.deregister",
    setup: async ({ as }) => {
      await as("ada").locks.acquire(["a.py", "b.py"]);
      await as("bob").tasks.create([{ title: "t" }, { title: "u" }]);
      await as("ada").tasks.claim();
    },
    call: ({ as }) => as("ada").agents.deregister(),
  },
  {
    // The second command asks for the names that are like it.
    name: "agents.deregister of a name that is unknown",
    commands: 2,
    method: "agents.deregister",
    call: ({ as }) => as("ada").agents.deregister(),
  },
  {
    name: "agents.prune",
    method: "agents.prune",
    setup: async ({ as, advance }) => {
      await as("ada").agents.register();
      await as("bob").agents.register();
      await as("bob").agents.deregister();
      advance(DAY_MS + 1);
    },
    call: ({ as }) => as("eve").agents.prune(),
  },
  {
    name: "agents.get",
    method: "agents.get",
    setup: ({ as }) => as("ada").agents.register(),
    call: ({ as }) => as().agents.get("ada"),
  },
  {
    name: "agents.show of a name that is unknown",
    commands: 2,
    method: "agents.get",
    call: ({ as }) => as().agents.show("ada"),
  },
  {
    name: "agents.assign",
    method: "agents.assign",
    setup: ({ as }) => as("ada").agents.register({ worker: SPAWNED }),
    call: ({ as }) =>
      as("bob").agents.assign(
        { name: "ada", worker: SPAWNED },
        () => ({ ...SPAWNED, stop: "drain" }),
      ),
  },
  {
    name: "agents.explain",
    method: "agents.explain",
    setup: async ({ as }) => {
      await as("ada").locks.acquire("a.py");
      await as("ada").tasks.create([{ title: "t" }]);
      await as("ada").tasks.claim();
    },
    call: ({ as }) => as().agents.explain("ada"),
  },
  {
    name: "agents.list",
    method: "agents.list",
    setup: async ({ as, advance }) => {
      await as("bob").agents.register();
      advance(400_000);
      await as("ada").agents.register();
    },
    call: ({ as }) => as().agents.list(),
  },
  {
    name: "agents.hung",
    method: "agents.hung",
    setup: async ({ as, advance }) => {
      await as("bob").agents.register();
      advance(400_000);
      await as("ada").agents.register();
    },
    call: ({ as }) => as().agents.hung(),
  },
  {
    name: "agents.summary",
    method: "agents.summary",
    setup: async ({ as, advance }) => {
      await as("bob").agents.register();
      advance(400_000);
      await as("ada").agents.register();
    },
    call: ({ as }) => as().agents.summary(),
  },
];
