/**
 * How workers read to people.
 * @module
 */
import { ago, table, type View } from "../../src/cli/output.ts";
import type { WorkerView } from "../../src/fleet/spawner.ts";

/** A table of workers. */
export function workerTable(workers: readonly WorkerView[], view: View): Promise<string> {
  return table(
    workers,
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "STATE", value: ({ state }) => state },
      { title: "MODE", value: ({ mode }) => mode },
      { title: "TAGS", value: ({ tags }) => tags.join(" ") },
      { title: "TASKS", value: ({ tasks }) => tasks },
      { title: "HEARD", value: ({ lastHeartbeatAtMs }) => ago(view, lastHeartbeatAtMs) },
      { title: "COMMAND", value: ({ command }) => command },
      { title: "", value: ({ why = "" }) => why },
    ],
    view,
    "No workers.",
  );
}
