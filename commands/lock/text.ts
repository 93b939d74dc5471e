/**
 * How leases read to people.
 * @module
 */
import { formatDuration } from "../../src/duration.ts";
import type { Lease, LockCheck } from "../../src/lock/model.ts";
import { printable } from "../../src/name.ts";
import { ago, table, type View } from "../../src/cli/output.ts";

/** A table of leases. */
export function leaseTable(leases: readonly Lease[], view: View): Promise<string> {
  return table(
    leases,
    [
      { title: "PATH", value: ({ path }) => path },
      { title: "HOLDER", value: ({ holder }) => holder },
      { title: "MODE", value: ({ mode }) => mode },
      { title: "FENCE", value: ({ fence }) => fence },
      { title: "HELD", value: ({ acquiredAtMs }) => ago(view, acquiredAtMs) },
      { title: "LAPSES", value: ({ expiresAtMs }) => ago(view, expiresAtMs) },
      ...(leases.some(({ taskId }) => taskId !== undefined)
        ? [{ title: "TASK", value: ({ taskId }: Lease) => taskId ?? "" }]
        : []),
      { title: "INTENT", value: ({ intent }) => intent },
    ],
    view,
    "No locks.",
  );
}

/** One line a path: `Free: a.py`, `Yours: b.py (fence 3), lapses in 5m`. */
export function checkLines(checks: readonly LockCheck[], view: View): string {
  return checks.map(({ path, lease }) => {
    if (lease === undefined) return `Free: ${printable(path, Infinity)}\n`;
    const where = lease.path === path ? "" : `, by the lock on ${printable(lease.path, Infinity)}`;
    const left = formatDuration(lease.expiresAtMs - view.nowMs);
    return `Yours: ${
      printable(path, Infinity)
    } (fence ${lease.fence})${where}, lapses in ${left}\n`;
  }).join("");
}

/** One line a lease: `Locked a.py (fence 3), 5m`. */
export function leaseLines(verb: string, leases: readonly Lease[], view?: View): string {
  return leases.map(({ path, fence, expiresAtMs }) => {
    const left = view === undefined
      ? ""
      : `, lapses in ${formatDuration(expiresAtMs - view.nowMs)}`;
    return `${verb} ${printable(path, Infinity)} (fence ${fence})${left}\n`;
  }).join("");
}
