/**
 * Finds out why a store does not work, or shows that it does. Every check only looks: nothing is made,
 * changed or repaired, so it is safe on a store in use and on a damaged one.
 * @module
 */
import { Audit } from "../audit/audit.ts";
import type { Clock } from "../clock.ts";
import type { Config, Remark, StoreConfig } from "../config.ts";
import type { RoomContext } from "../context.ts";
import { type Check, failed, type Findings, SAMPLES, SLOW_MS } from "./check.ts";
import { largestCheck } from "./largest.ts";
import { type CoordError, DeniedError, StoreUnavailableError } from "../errors.ts";
import { newId } from "../id.ts";
import type { EngineWords } from "../open/engine_descriptor.ts";
import { engineOf } from "../open/engines.ts";
import { openContext } from "../open/open.ts";
import type { Project } from "../project.ts";

export type { Check } from "./check.ts";

/** What {@linkcode examine} works with. */
export interface Patient {
  readonly config: Config;
  readonly clock: Clock;
  /** Opens a store that is no server; called only when there is one and nothing seems wrong with it. */
  readonly open: () => Promise<RoomContext>;
}

/** The check that fails until the user agrees to the store that the project's file names. */
const TRUST = "trust";

/** Runs every check that makes sense here, in a fixed order. */
export async function examine(patient: Patient): Promise<readonly Check[]> {
  const { store, namespace, durability, project } = patient.config;
  const engine = engineOf(store);
  const checks = [
    ...projectChecks(project),
    { name: "store", ok: true, value: engine.location },
    { name: "namespace", ok: true, value: namespace },
    ...(engine.hasDurability ? [{ name: "durability", ok: true, value: durability }] : []),
    ...settingsChecks(patient.config),
  ];
  // Nothing is asked of a place that the user has not agreed to.
  if (patient.config.denial !== undefined) return checks;
  const found = await look(patient);
  checks.push(...found.checks);
  if (!found.takesOperations || checks.some(({ ok }) => !ok)) return checks;
  let context: RoomContext | undefined;
  try {
    context = await openToLook(patient);
    checks.push(
      ...await latencyChecks(context, found, engine.words),
      await largestCheck(context),
      await auditCheck(context),
      ...await found.compare?.(context) ?? [],
    );
  } catch (error) {
    checks.push(failed("steps", error));
  } finally {
    if (engine.isShared) await context?.store.close();
  }
  return checks;
}

/** A server is looked at without the directory that may stand in for it, which would be made and told of by that. */
function openToLook({ config, clock, open }: Patient): Promise<RoomContext> {
  if (!engineOf(config.store).isShared) return open();
  return openContext({ ...config, fallback: "never", clock });
}

/** How the stores of each engine are examined. */
const EXAMINE: {
  readonly [Kind in StoreConfig["kind"]]: (
    store: Extract<StoreConfig, { kind: Kind }>,
    config: Config,
    clock: Clock,
  ) => Promise<Findings>;
} = {
  directory: async ({ directory }, { namespace }, clock) => {
    const { examineDirectory } = await import("./directory.ts");
    return await examineDirectory(directory, namespace, clock);
  },
  redis: async ({ url }, config, clock) => {
    const { examineRedis } = await import("./redis.ts");
    return await examineRedis(url, config, clock);
  },
};

/** Loads the code for one engine only. */
async function look({ config, clock }: Patient): Promise<Findings> {
  const { store } = config;
  const examine = EXAMINE[store.kind] as (
    store: StoreConfig,
    config: Config,
    clock: Clock,
  ) => Promise<Findings>;
  return await examine(store, config, clock);
}

/** The failure that these checks amount to; `undefined` when all is well. */
export function diagnosis(checks: readonly Check[]): CoordError | undefined {
  const bad = checks.filter(({ ok }) => !ok);
  if (bad.length === 0) return undefined;
  const [{ name, value, hint }] = bad as [Check];
  const more = bad.length === 1 ? "" : ` (and ${bad.length - 1} more)`;
  const advice = hint === undefined ? "" : `; ${hint}`;
  const sentence = `The check "${name}" failed: ${value}${advice}${more}`;
  // As every other command, which needs the same consent.
  if (name === TRUST) return new DeniedError(sentence, { checks });
  return new StoreUnavailableError(sentence, { checks });
}

function projectChecks({ root, worktree, isGit }: Project): readonly Check[] {
  const shared = worktree === root ? "" : `; this worktree is ${worktree}`;
  return [{
    name: "project",
    ok: true,
    value: root,
    ...(isGit
      ? (shared === "" ? {} : { hint: `all worktrees share the state in the root${shared}` })
      : {
        hint: "not a git repository: the project is the directory with .agentcoord, or this one",
      }),
  }];
}

/** What about the settings keeps this process from working as the others in the project do. */
function settingsChecks({ denial, remarks }: Config): readonly Check[] {
  return [
    ...(denial === undefined ? [] : [{ name: TRUST, ok: false, value: denial }]),
    ...(remarks.length === 0
      ? []
      : [{ name: "settings", ok: true, value: "valid", hint: remarks.map(textOf).join("; ") }]),
  ];
}

function textOf({ text }: Remark): string {
  return text;
}

async function latencyChecks(
  { store, clock }: RoomContext,
  { writesBecause }: Findings,
  { slow }: EngineWords,
): Promise<readonly Check[]> {
  const locks = await store.locks();
  const timed = async (name: string, call: () => Promise<unknown>): Promise<Check> => {
    const times: number[] = [];
    for (let sample = 0; sample < SAMPLES; sample++) {
      const startedAtMs = clock.monotonicMs();
      await call();
      times.push(clock.monotonicMs() - startedAtMs);
    }
    const median = times.sort((a, b) => a - b)[Math.floor(SAMPLES / 2)] ?? 0;
    const hint = median < SLOW_MS ? {} : { hint: `slow; is ${slow} overloaded?` };
    return { name, ok: true, value: Math.round(median * 1000) / 1000, ...hint };
  };
  return [
    await timed("read_ms", () => locks.covering({ path: ".", aliases: [] })),
    // This takes the writers' way and finds nothing to write: nobody waits under a new identifier.
    writesBecause === undefined
      ? await timed("write_ms", () => locks.abandon(newId("wtr")))
      : { name: "write_ms", ok: true, value: "not tried", hint: writesBecause },
  ];
}

async function auditCheck(context: RoomContext): Promise<Check> {
  const found = await new Audit(context).verify();
  if (found.ok) return { name: "audit_chain", ok: true, value: `${found.entries} entries fit` };
  const { seq, why } = found.broken;
  return {
    name: "audit_chain",
    ok: false,
    value: `broken at entry ${seq}: ${why}`,
    hint: "somebody changed the audit log past the program; agentcoord audit verify tells more",
  };
}
