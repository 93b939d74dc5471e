/**
 * What is going on in a store, for those who are about to leave it.
 * @module
 */
import { Agents } from "../agent/agent.ts";
import type { Config } from "../config.ts";
import { CoordError } from "../errors.ts";
import { Locks } from "../lock/lock.ts";
import { lazyContext } from "../open/open.ts";
import { Tasks } from "../task/task.ts";

/** How much of it there is. */
export interface Alive {
  readonly locks: number;
  /** Not yet at an end. */
  readonly tasks: number;
  /** Neither gone nor silent. */
  readonly agents: number;
}

/** Counts without making anything; the reason when the store cannot be looked into. */
export async function countAlive(config: Config): Promise<Alive | string> {
  if (config.denial !== undefined) return config.denial;
  const context = lazyContext(config);
  try {
    const [agents, locks, tasks] = await Promise.all([
      new Agents(context).summary(),
      new Locks(context).count(),
      new Tasks(context).counts(),
    ]);
    const { scheduled, blocked, pending, claimed } = tasks;
    const { active, idle, blocked: stuck, hung } = agents;
    return {
      locks,
      tasks: scheduled + blocked + pending + claimed,
      agents: active + idle + stuck + hung,
    };
  } catch (error) {
    if (error instanceof CoordError) return error.message;
    throw error;
  } finally {
    await context.store.close();
  }
}
