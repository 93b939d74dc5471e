/**
 * A real Redis Cluster for tests: nodes on this machine that share the 16384 hash slots evenly.
 * @module
 */
import { pause, type RedisServer, type RespValue, startRedis } from "./redis_server.ts";

const SLOTS = 16_384;
const READY_MS = 15_000;
/** How often a node that should own a slot is asked to hand it over, and the pause between. */
const OWNER_TRIES = 40;
const OWNER_PAUSE_MS = 50;

/** A cluster under way. */
export interface RedisCluster extends AsyncDisposable {
  /** The primaries in the order of their slots, then the replicas. */
  readonly nodes: readonly RedisServer[];
  /** Names every primary. */
  readonly url: string;
  /** The hash slot of a key, as the cluster computes it. */
  slotOf(key: string): Promise<number>;
  /** The node that answers for a key now. */
  ownerOf(key: string): Promise<RedisServer>;
  /** Gives the slot of `key`, with the keys in it, to another node. */
  moveSlot(key: string, to: RedisServer): Promise<void>;
  /** Ends all nodes. */
  stop(): Promise<void>;
}

/** Starts `nodes` primaries, each with `replicas` replicas, and waits until all agree that it is up. */
export async function startCluster(
  { nodes: primaries = 3, replicas = 0 }: {
    readonly nodes?: number;
    readonly replicas?: number;
  } = {},
): Promise<RedisCluster> {
  const started = await Promise.allSettled(
    Array.from({ length: primaries * (1 + replicas) }, () =>
      startRedis({
        config: {
          "cluster-enabled": "yes",
          "cluster-config-file": "nodes.conf",
          "cluster-node-timeout": "1000",
          "repl-diskless-sync-delay": "0",
          // A replica counts only once something has come from its primary, if only a ping.
          "repl-ping-replica-period": "1",
        },
      })),
  );
  const nodes = started.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  const cluster = new Cluster(nodes, primaries);
  try {
    for (const one of started) if (one.status === "rejected") throw one.reason;
    await cluster.join();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

class Cluster implements RedisCluster {
  readonly nodes: readonly RedisServer[];
  readonly #primaries: readonly RedisServer[];

  constructor(nodes: readonly RedisServer[], primaries: number) {
    this.nodes = nodes;
    this.#primaries = nodes.slice(0, primaries);
  }

  get url(): string {
    return `redis+cluster://${this.#primaries.map(({ port }) => `127.0.0.1:${port}`).join(",")}`;
  }

  async join(): Promise<void> {
    const first = this.nodes[0]!;
    const count = this.#primaries.length;
    for (const [i, node] of this.nodes.entries()) {
      // Nodes that all begin with the same epoch first have to agree who changes.
      await node.command("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
      if (i < count) {
        const from = Math.floor(i * SLOTS / count);
        const to = Math.floor((i + 1) * SLOTS / count);
        // ADDSLOTSRANGE came with 7.0.
        const slots = Array.from({ length: to - from }, (_, offset) => from + offset);
        await node.command("CLUSTER", "ADDSLOTS", ...slots);
      }
      if (i > 0) await node.command("CLUSTER", "MEET", "127.0.0.1", first.port);
    }
    await this.#until("all nodes know each other", async (node) => {
      const lines = String(await node.command("CLUSTER", "NODES")).trim().split("\n");
      return lines.length === this.nodes.length && !lines.some((line) => /handshake/.test(line));
    });
    for (const [i, node] of this.nodes.slice(count).entries()) {
      const id = String(await this.#primaries[i % count]!.command("CLUSTER", "MYID"));
      await node.command("CLUSTER", "REPLICATE", id);
    }
    await this.#until("the cluster is up", async (node) => {
      const info = String(await node.command("CLUSTER", "INFO"));
      if (!info.includes("cluster_state:ok")) return false;
      if (this.#primaries.includes(node)) return true;
      return String(await node.command("INFO", "replication")).includes("master_link_status:up");
    });
    const replicas = this.nodes.length / count - 1;
    await this.#until("all nodes tell clients the same", async (node) => {
      const ranges = await node.command("CLUSTER", "SLOTS") as RespValue[][];
      return ranges.length === count && ranges.every((range) => range.length === 3 + replicas);
    });
  }

  /** Waits until `condition` holds for every node. */
  async #until(what: string, condition: (node: RedisServer) => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + READY_MS;
    for (const node of this.nodes) {
      while (!await condition(node)) {
        if (performance.now() > deadlineMs) {
          throw new Error(`not within ${READY_MS} ms: ${what}\n${node.log()}`);
        }
        await pause(20);
      }
    }
  }

  async slotOf(key: string): Promise<number> {
    return Number(await this.#running.command("CLUSTER", "KEYSLOT", key));
  }

  async ownerOf(key: string): Promise<RedisServer> {
    const slot = await this.slotOf(key);
    const ranges = await this.#running.command("CLUSTER", "SLOTS");
    for (const [from, to, [, port]] of ranges as [number, number, [string, number]][]) {
      const owner = this.nodes.find((node) => node.port === port);
      if (from <= slot && slot <= to && owner !== undefined) return owner;
    }
    throw new Error(`no node answers for slot ${slot}`);
  }

  get #running(): RedisServer {
    const node = this.nodes.find(({ running }) => running);
    if (node === undefined) throw new Error("no node of the cluster runs");
    return node;
  }

  async moveSlot(key: string, to: RedisServer): Promise<void> {
    const slot = await this.slotOf(key);
    let from = await this.ownerOf(key);
    if (from === to) return;
    const id = async (node: RedisServer) => String(await node.command("CLUSTER", "MYID"));
    await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", await id(from));
    // Right after another move the nodes may still tell each other who the owner is: it is the one that agrees.
    for (let tries = 1;; tries++) {
      try {
        await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", await id(to));
        break;
      } catch (error) {
        if (!/not the owner/.test(String(error)) || tries === OWNER_TRIES) throw error;
        await pause(OWNER_PAUSE_MS);
        from = await this.ownerOf(key);
        if (from === to) return void await to.command("CLUSTER", "SETSLOT", slot, "STABLE");
        await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", await id(from));
      }
    }
    for (;;) {
      const keys = await from.command("CLUSTER", "GETKEYSINSLOT", slot, 100) as string[];
      if (keys.length === 0) break;
      await from.command("MIGRATE", "127.0.0.1", to.port, "", 0, 5000, "KEYS", ...keys);
    }
    for (const node of [to, from, ...this.#primaries.filter((one) => one !== to && one !== from)]) {
      await node.command("CLUSTER", "SETSLOT", slot, "NODE", await id(to));
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
