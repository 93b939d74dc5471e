import { given } from "../../src/given.ts";
import type { Approval } from "../../src/approval/model.ts";
import { Approvals, type RequestOptions } from "../../src/approval/approval.ts";
import { type Cli, defineCommand } from "../../src/cli/command.ts";
import { duration, LEASE, list } from "../../src/cli/options.ts";
import { exitCodesHelp, type Tenure, wrap } from "../../src/cli/wrapper.ts";
import { commandDigest, shellWords } from "../../src/cli/wrapper_words.ts";
import { formatDuration } from "../../src/duration.ts";
import { DeniedError, EXIT_CODES, TimeoutError } from "../../src/errors.ts";
import { printable, quote } from "../../src/name.ts";
import { hintAgents } from "../agent/hint.ts";
import { engineOf } from "../../src/open/engines.ts";

/** `agentcoord approval run` */
export const command = defineCommand({
  build: (command) =>
    command
      .argument("[type]", "kind of action (default: command)")
      .usage("[options] [type] -- <command> [args...]")
      .addHelpText("after", exitCodesHelp("8 rejected, 6 nobody decided in time"))
      .option("--description <text>", "why it is to be run; the command line is always shown")
      .option("--timeout <duration>", "time to decide (default: 5m)", duration("--timeout", LEASE))
      .option(
        "--approvers <names>",
        "who may decide (default: anybody but the acting agent)",
        list("--approvers"),
      ),
  takesRest: true,
  examples: [
    "agentcoord approval run --agent ada -- git push --force",
    "agentcoord approval run deploy --agent ci --description 'release 1.2' --approvers lead -- ./deploy.sh",
  ],
  run: async (cli, { description, timeout, approvers }, type) =>
    await wrap(cli, {
      exitCodes: { denied: EXIT_CODES.denied, timeout: EXIT_CODES.timeout },
      begin: async (signal) => {
        const digest = await commandDigest(cli.rest, cli.cwd);
        return await begin(cli, signal, {
          actionType: type ?? "command",
          description: describe(cli, description),
          digest,
          ...given({ timeoutMs: timeout, approvers }),
        });
      },
    }),
  text: () => "",
});

/** Asks, waits, and uses the approval up: what follows is run exactly once. */
async function begin(
  cli: Cli,
  signal: AbortSignal,
  request: RequestOptions & { readonly digest: string },
): Promise<Tenure> {
  const approvals = new Approvals(await cli.context());
  const asked = await approvals.request(request);
  await hintAgents(cli, asked.approvers ?? []);
  await explain(cli, asked);
  refuseUnapproved(await approvals.wait(asked.id, { signal }));
  // Interrupted at the last moment: nothing runs, so nothing is used.
  if (!signal.aborted) await approvals.use(asked.id, { digest: request.digest });
  return { env: { AGENTCOORD_APPROVAL_ID: asked.id }, end: () => Promise.resolve() };
}

/** What approvers see: the exact command line and where it will run, whatever else is said about it. */
function describe(cli: Cli, why: string | undefined): string {
  const command = `$ ${shellWords(cli.rest)}\nin ${shellWords([cli.cwd])}`;
  return why === undefined ? command : `${why}\n\n${command}`;
}

/** Tells people, on stderr, what is to be decided and how. */
async function explain(cli: Cli, approval: Approval): Promise<void> {
  const { id, approvers, requestedBy, createdAtMs, expiresAtMs } = approval;
  const { namespace, store, sources } = await cli.config();
  const engine = engineOf(store);
  const who = approvers === undefined ? `anybody but ${requestedBy}` : approvers.join(" or ");
  // Only what the decider's own settings cannot tell; a URL may hold a secret.
  const where = [
    ...(sources.store === "default" || engine.isShared ? [] : ["--store", engine.value]),
    ...(sources.namespace === "default" ? [] : ["--namespace", namespace]),
  ];
  const words = ["agentcoord", "approve", id, ...where, "--agent"];
  cli.tell(`Waiting for approval of: ${printable(shellWords(cli.rest), 1000)}`);
  cli.tell(
    `To approve it (${who}, within ${formatDuration(expiresAtMs - createdAtMs)}): ` +
      `${shellWords(words)} NAME; or "reject" in place of "approve"`,
  );
}

function refuseUnapproved({ id, status, decidedBy, comment }: Approval): void {
  const details = { id, status, decidedBy: decidedBy ?? null, comment: comment ?? null };
  if (status === "rejected") {
    const said = comment === undefined ? "" : `: ${printable(comment)}`;
    throw new DeniedError(`Approval ${id} was rejected by ${quote(decidedBy)}${said}`, details);
  }
  if (status !== "approved") {
    throw new TimeoutError(`Approval ${id} has expired: nobody decided in time`, details);
  }
}
