/**
 * The fleet as commands see it.
 * @module
 */
import type { Cli } from "../../src/cli/command.ts";
import { selfCommand } from "../../src/cli/self.ts";
import { WorkerSpawner } from "../../src/fleet/spawner.ts";
import type { SupervisorOptions } from "../../src/fleet/supervisor.ts";
import { logDirectory, makeLogDirectory } from "../../src/worker/log_directory.ts";

/** Finds, starts and ends workers; `supervision` is of those that are started. */
export async function spawnerOf(
  cli: Cli,
  supervision: Omit<SupervisorOptions, "log"> = { restart: "never", maxRestarts: 0 },
): Promise<WorkerSpawner> {
  const { project, namespace } = await cli.config();
  const { cwd } = cli;
  const directory = logDirectory({ project, cwd });
  return new WorkerSpawner(await cli.context(), {
    namespace,
    modeOf: async () => {
      const { Subprocesses } = await import("../../src/fleet/subprocess.ts");
      return new Subprocesses({
        ...supervision,
        self: selfCommand(),
        cwd,
        host: Deno.hostname(),
        logDirectory: () => {
          makeLogDirectory({ project, cwd }, directory);
          return directory;
        },
      });
    },
  });
}
