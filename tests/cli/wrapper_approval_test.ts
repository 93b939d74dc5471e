import assert from "node:assert/strict";
import type { Approval } from "../../src/approval/model.ts";
import { Approvals } from "../../src/approval/approval.ts";
import { resolveConfig } from "../../src/config.ts";
import { commandDigest, shellWords } from "../../src/cli/wrapper_words.ts";
import { openContext } from "../../src/open/open.ts";
import { cli, cliJson, steady, withProject } from "../support/cli.ts";
import { eventually, Running, textOf, waiterSeen } from "../support/wrapped.ts";

const env = { AGENTCOORD_AGENT: "ada" };

/** Calls `body` with the approvals in the project's store, as `name` sees them. */
async function deciding<T>(
  dir: string,
  name: string,
  body: (approvals: Approvals) => Promise<T>,
): Promise<T> {
  const config = resolveConfig({ flags: {}, env: {}, cwd: dir });
  const context = await openContext({ ...config, actor: { name, host: "test-host" } });
  try {
    return await body(new Approvals(context));
  } finally {
    await context.store.close();
  }
}

/** The request that a running wrapper waits for. */
async function asked(dir: string): Promise<Approval> {
  await waiterSeen(dir);
  return await deciding(
    dir,
    "bob",
    (approvals) => eventually("a request", async () => (await approvals.list()).approvals[0]),
  );
}

Deno.test("approval run runs exactly the approved command, after the approval, once", async () => {
  await withProject(async (dir) => {
    const command = ["sh", "-c", 'echo "$AGENTCOORD_APPROVAL_ID" >> ran; exit 3', "a b", "x\ny"];
    const args = ["approval", "run", "deploy", "--description", "release", "--", ...command];
    const wrapper = new Running(dir, args);
    const request = await asked(dir);
    assert.equal(request.status, "pending");
    assert.equal(request.actionType, "deploy");
    assert.equal(request.digest, await commandDigest(command, dir));
    assert.equal(
      request.description,
      `release\n\n$ sh -c 'echo "$AGENTCOORD_APPROVAL_ID" >> ran; exit 3' 'a b' $'x\\ny'\nin ${dir}`,
    );
    assert.equal(textOf(`${dir}/ran`), "");
    await deciding(dir, "bob", (approvals) => approvals.approve(request.id));
    const { code, stdout, stderr } = await wrapper.result();
    assert.equal(code, 3);
    assert.equal(stdout, "");
    assert.equal(
      steady(stderr, dir),
      "agentcoord: Waiting for approval of: " +
        `sh -c 'echo "$AGENTCOORD_APPROVAL_ID" >> ran; exit 3' 'a b' $'x\\ny'\n` +
        "agentcoord: To approve it (anybody but ada, within 5m): " +
        'agentcoord approve apr_ID --agent NAME; or "reject" in place of "approve"\n',
    );
    assert.equal(textOf(`${dir}/ran`), `${request.id}\n`);
    const used = await deciding(dir, "bob", (approvals) => approvals.show(request.id));
    assert.ok(used.usedAtMs !== undefined);
  });
});

Deno.test("approval run runs nothing when it is rejected", async () => {
  await withProject(async (dir) => {
    const args = ["approval", "run", "--approvers", "lead,bob", "--", "touch", "ran"];
    const wrapper = new Running(dir, args);
    const { id, approvers, actionType } = await asked(dir);
    assert.deepEqual(approvers, ["lead", "bob"]);
    assert.equal(actionType, "command");
    await deciding(dir, "lead", (approvals) => approvals.reject(id, { comment: "not\ntoday" }));
    const { code, stdout, stderr } = await wrapper.result();
    assert.equal(code, 8);
    assert.equal(stdout, "");
    assert.match(stderr, /To approve it \(lead or bob, within 5m\)/);
    assert.match(stderr, /Approval apr_\w+ was rejected by "lead": not\\ntoday\n$/);
    assert.equal(textOf(`${dir}/ran`), "");
  });
});

Deno.test("approval run runs nothing when nobody decides in time", async () => {
  await withProject(async (dir) => {
    const args = ["approval", "run", "--timeout", "150ms", "--", "touch", "ran"];
    const { code, document, stderr } = await cliJson(dir, args, { env });
    assert.equal(code, 6);
    assert.equal(document.ok, false);
    assert.equal(document.error.code, "timeout");
    assert.equal(document.error.details.status, "expired");
    assert.match(stderr, /^agentcoord: Waiting for approval of: touch ran\n/);
    assert.equal(textOf(`${dir}/ran`), "");
  });
});

Deno.test("approval run interrupted while it waits runs nothing, even when approved later", async () => {
  await withProject(async (dir) => {
    const wrapper = new Running(dir, ["approval", "run", "--", "touch", "ran"]);
    const { id } = await asked(dir);
    wrapper.kill("SIGTERM");
    assert.equal((await wrapper.result()).code, 128 + 15);
    const late = await deciding(dir, "bob", (approvals) => approvals.approve(id));
    assert.equal(late.usedAtMs, undefined);
    assert.equal(textOf(`${dir}/ran`), "");
  });
});

Deno.test("approval run asks for nothing when the command cannot be executed", async () => {
  await withProject(async (dir) => {
    const missing = await cli(dir, ["approval", "run", "--", "no-such-program"], { env });
    assert.equal(missing.code, 127);
    const own = await cli(dir, ["approval", "run", "--approvers", "ada", "--", "true"], { env });
    assert.equal(own.code, 2);
    assert.match(own.stderr, /nobody approves their own request/);
    assert.deepEqual(await deciding(dir, "bob", (approvals) => approvals.list()), {
      approvals: [],
    });
  });
});

Deno.test("approval run says which store the decider has to name", async () => {
  await withProject(async (dir) => {
    const args = [
      "--store",
      "my state",
      "--namespace",
      "n1",
      "approval",
      "run",
      "--timeout",
      "100ms",
    ];
    const { stderr } = await cli(dir, [...args, "--", "true"], { env });
    const words = `approve apr_ID --store 'DIR/my state' --namespace n1 --agent NAME`;
    assert.ok(steady(stderr, dir).includes(words), stderr);
  });
});

Deno.test("command digest tells apart what a shell line would not", async () => {
  const digest = await commandDigest(["a", "b c"], "/x");
  assert.match(digest, /^sha256:[0-9a-f]{64}$/);
  assert.equal(await commandDigest(["a", "b c"], "/x"), digest);
  for (const [argv, cwd] of [[["a", "b", "c"], "/x"], [["a b c"], "/x"], [["a", "b c"], "/y"]]) {
    assert.notEqual(await commandDigest(argv as string[], cwd as string), digest);
  }
});

Deno.test("shell words read back as the same words", async () => {
  const words = ["a b", "it's", "", "*?[x]", "$HOME `id`", "-n", "back\\slash", "#c", "a=b"];
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `printf '%s\\0' ${shellWords(words)}`],
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\0").slice(0, -1), words);
  assert.equal(shellWords(["x\ny", "\x1b[2J'"]).includes("\x1b"), false);
  assert.equal(shellWords(["x\ny"]), "$'x\\ny'");
});
