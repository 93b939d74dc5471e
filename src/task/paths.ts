/**
 * The paths that a task declares: what its worker is going to change (`exclusive`) or only to read (`shared`).
 *
 * The protocol. A claim takes the task and the locks on its paths in one atomic operation and under one fence; who cannot
 * have all of them does not get the task. From then on they are one lease: to renew the claim renews the locks, to the
 * same instant, and whatever ends the claim (completed, failed, released, cancelled, lapsed, its holder gone) ends them
 * in the same operation. So a lock of a task is not released, renewed or broken by itself: that would leave a worker
 * believing in half of what it claimed. Whoever needs the path ends the claim, by `task cancel` if need be.
 *
 * A task whose path is held is passed over, and stays pending. A claim that finds it so moves it aside, to what holds it
 * up: an exclusive lease on a name, shared ones on a name that it wants for itself, or a waiter for a lock that came
 * first. There nobody looks at it again, so that a queue of a hundred thousand tasks of which nearly all are held up
 * costs a claim no more than an empty one. What holds them up is named by its name alone, not by its tenure: when
 * the next exclusive lease on that name follows the last one, all who waited behind the last one wait behind it without having been
 * touched. When nothing on the name is in their way any more, the first of them is let in, to its old place in the queue: of each
 * set of tags one, since a claim may ask for tags. Once that one is claimed, or found to be held up by something else,
 * the next comes after it. So each event moves a bounded number of tasks, and what many tags make too many is left to
 * later sweeps.
 *
 * The order of the queue stays what it is: priority, then age. A task that is let in stands at the place it has always
 * had. Waiters for locks that came first go before claims, as they do before other waiters. A task that wants a whole
 * directory, or alone what others share, could wait for ever while small ones follow one another there: one that claims
 * have held up for {@linkcode STARVED_MS} starves, and tasks behind it in the queue wait for it with what overlaps its
 * paths, so that it comes next once the claims that are there have ended. It does not make others wait for a lock that is no claim,
 * which may last for long.
 * @module
 */
import type { RoomContext } from "../context.ts";
import { checkChoice, invalid } from "../check.ts";
import type { LockMode } from "../lock/model.ts";
import { LIMITS } from "../name.ts";
import { checkLockPath, type LockPath, refuseNested } from "../path.ts";
import type { TaskPath } from "./model.ts";

/** A path as a caller writes it. */
export interface WantedPath {
  /** A file or directory, with everything below it; relative to where the caller is. */
  readonly path: string;
  /** Default `exclusive`: nobody else may hold it. `shared`: others may share it. */
  readonly mode?: LockMode;
}

/** The paths of a task, as far as they can be checked without looking at the project. */
export function checkPaths(value: unknown, field: string): readonly TaskPath[] {
  if (!Array.isArray(value)) {
    throw invalid(value, field, "use a list of paths, or of objects with a path and a mode");
  }
  if (value.length > LIMITS.taskPaths) {
    throw invalid(value.length, field, `use at most ${LIMITS.taskPaths}`);
  }
  return value.map((item: unknown, index) => {
    const { path, mode = "exclusive" } = typeof item === "string"
      ? { path: item }
      : asObject(item, `${field}[${index}]`);
    return {
      path: checkLockPath(path),
      mode: checkChoice(mode, `${field}[${index}].mode`, ["exclusive", "shared"]),
    };
  });
}

/**
 * The paths by the names that locks have; one that occurs twice is wanted once, exclusively if it is so anywhere.
 *
 * @throws {InvalidArgumentError} for a path outside the project, and for one that lies within another.
 */
export async function namePaths(
  { lockPath }: Pick<RoomContext, "lockPath">,
  wanted: readonly TaskPath[],
): Promise<readonly TaskPath[]> {
  const named: TaskPath[] = [];
  for (const { path: written, mode } of wanted) {
    const { path, aliases }: LockPath = await lockPath(written);
    const all = [path, ...aliases];
    const known = named.findIndex((one) =>
      [one.path, ...one.aliases ?? []].some((name) => all.includes(name))
    );
    if (known === -1) named.push({ path, mode, ...(aliases.length === 0 ? {} : { aliases }) });
    else if (mode === "exclusive") named[known] = { ...named[known]!, mode };
  }
  refuseNested(named.map(({ path }) => path));
  return named;
}

/** What was said of tasks, with their paths by the names that locks have. */
export async function withNames<Said extends { readonly paths?: readonly TaskPath[] }>(
  context: Pick<RoomContext, "lockPath">,
  all: readonly Said[],
): Promise<readonly Said[]> {
  return await Promise.all(
    all.map(async (said) =>
      said.paths === undefined ? said : { ...said, paths: await namePaths(context, said.paths) }
    ),
  );
}

/** What a claim of this fence holds of the task's paths, as leases are known. */
export function leaseKeys(
  { paths = [] }: { readonly paths?: readonly TaskPath[] },
  fence: number,
): readonly { readonly path: string; readonly fence: number }[] {
  return paths.map(({ path }) => ({ path, fence }));
}

function asObject(item: unknown, field: string): { path?: unknown; mode?: unknown } {
  if (typeof item === "object" && item !== null) return item;
  throw invalid(item, field, "use a path, or an object with a path and a mode");
}
