import assert from "node:assert/strict";
import { cli, cliJson, withProject } from "../support/cli.ts";
import { eventually, gone, Running, runs, textOf, written } from "../support/wrapped.ts";

/** Adds tasks and answers with their identifiers. */
async function add(dir: string, ...titles: readonly string[]): Promise<readonly string[]> {
  const ids: string[] = [];
  for (const title of titles) {
    ids.push((await cliJson(dir, ["task", "add", title, "--agent", "ada"])).document.data.id);
  }
  return ids;
}

async function show(dir: string, id: string) {
  return (await cliJson(dir, ["task", "show", id])).document.data;
}

/** Runs a worker that leaves after `count` attempts of a shell's script. */
async function work(dir: string, script: string, count = 1, ...options: readonly string[]) {
  const args = ["work", "--json", "--max-tasks", `${count}`, ...options, "--", "sh", "-c", script];
  const { code, stdout, stderr } = await cli(dir, args);
  const attempts = stdout.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  return { code, attempts, stderr };
}

/** Ignores SIGTERM, with a grandchild in a session of its own that does so, too. */
const STUBBORN =
  `trap '' TERM; echo $$ > pid; setsid sh -c "trap '' TERM; echo \\$\\$ > grandchild; while :; do sleep 0.05; done" & while :; do sleep 0.05; done`;

Deno.test("work gives the command its task, and completes it with what the command leaves", async () => {
  await withProject(async (dir) => {
    const payload = JSON.stringify({ path: "a b" });
    const { document } = await cliJson(dir, [
      "task",
      "add",
      'fix "it"',
      "--payload",
      payload,
      "--agent",
      "ada",
    ]);
    const { id } = document.data;
    const script =
      'cat > task.json; cmp task.json "$AGENTCOORD_TASK_FILE" && env > env; printf %s "$AGENTCOORD_TASK_ID" > "$AGENTCOORD_RESULT"; echo out; echo err >&2';
    const { code, attempts } = await work(dir, script);
    assert.equal(code, 0);
    assert.deepEqual([attempts[0].id, attempts[0].outcome], [id, "completed"]);
    const task = await show(dir, id);
    assert.deepEqual([task.status, task.result], ["completed", id]);
    assert.equal(task.attempts[0].progress, "exit code 0\nout\nerr");
    const given = JSON.parse(textOf(`${dir}/task.json`));
    assert.deepEqual([given.title, given.payload, given.lease.fence], [
      'fix "it"',
      { path: "a b" },
      attempts[0].fence,
    ]);
    const env = textOf(`${dir}/env`);
    assert.match(env, new RegExp(`^AGENTCOORD_TASK_FENCE=${attempts[0].fence}$`, "m"));
    assert.match(env, /^AGENTCOORD_TASK_ATTEMPT=1$/m);
    assert.match(env, new RegExp(`^AGENTCOORD_AGENT=${task.attempts[0].holder}$`, "m"));
    assert.deepEqual([...Deno.readDirSync(`${dir}/.agentcoord/logs`)].map(({ name }) => name), [
      `${id}.1.log`,
    ]);
    assert.equal(
      (await cliJson(dir, ["agents"])).document.data.find(({ role }: { role: string }) =>
        role === "worker"
      ).status,
      "gone",
    );
  });
});

Deno.test("work takes a result of JSON as it is, and fails an attempt whose result is none", async () => {
  await withProject(async (dir) => {
    const [first, second, third] = await add(dir, "json", "large", "not UTF-8");
    const script = `case $(cat) in
      *'"title":"json"'*) echo '{"ok": [1]}' > "$AGENTCOORD_RESULT";;
      *large*) head -c 300000 /dev/zero | tr '\\0' x > "$AGENTCOORD_RESULT";;
      *) printf '\\377' > "$AGENTCOORD_RESULT";;
    esac`;
    const { attempts } = await work(dir, script, 3);
    assert.deepEqual((await show(dir, first!)).result, { ok: [1] });
    assert.deepEqual(attempts.map(({ outcome }) => outcome), ["completed", "failed", "failed"]);
    assert.match((await show(dir, second!)).attempts[0].error, /300000 bytes.*at most 262144/);
    assert.match((await show(dir, third!)).attempts[0].error, /UTF-8/);
  });
});

Deno.test("work fails the attempt of a command that does not exit with 0, and keeps the end of its output", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const { code, attempts } = await work(dir, "seq 100000; exit 3");
    assert.deepEqual([code, attempts[0].outcome], [0, "failed"]);
    const { error } = (await show(dir, id!)).attempts[0];
    assert.match(error, /^the command ended with exit code 3\n/);
    assert.match(error, /\n99999\n100000$/);
    assert.ok(error.length < 5000);
    const [other] = await add(dir, "y");
    await work(dir, "kill -9 $$");
    assert.match((await show(dir, other!)).attempts[0].error, /killed by signal 9/);
  });
});

Deno.test("work gives a task back when the command exits with 75, until the time it names", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const { attempts } = await work(
      dir,
      'echo 2040-01-31T09:00:00Z > "$AGENTCOORD_NOT_BEFORE"; echo limited; exit 75',
    );
    assert.equal(attempts[0].outcome, "released");
    const task = await show(dir, id!);
    assert.deepEqual([task.status, task.attemptsUsed, task.notBeforeMs], [
      "scheduled",
      0,
      Date.UTC(2040, 0, 31, 9),
    ]);
    assert.match(task.attempts[0].error, /gave it back.*\nlimited$/);
  });
});

Deno.test("work counts a completion only when the verification agrees", async () => {
  await withProject(async (dir) => {
    const [bad, good] = await add(dir, "bad", "good");
    const verify = 'grep -q good "$AGENTCOORD_TASK_FILE" || { echo not good; exit 1; }';
    await work(dir, "true", 2, "--verify", verify);
    assert.match(
      (await show(dir, bad!)).attempts[0].error,
      /its verification ended with exit code 1\nnot good$/,
    );
    assert.equal((await show(dir, good!)).status, "completed");
  });
});

Deno.test("work ends a command that takes too long, with all it started, and fails the attempt", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const { attempts } = await work(
      dir,
      "sleep 300 & echo $! > grandchild; echo $$ > pid; sleep 300",
      1,
      "--timeout",
      "500ms",
    );
    assert.equal(attempts[0].outcome, "failed");
    assert.match((await show(dir, id!)).attempts[0].error, /^it ran longer than 500ms/);
    for (const name of ["pid", "grandchild"]) await gone(Number(textOf(`${dir}/${name}`)));
  });
});

Deno.test("work is not held up by a grandchild that keeps the output open, nor by output that nobody reads", async () => {
  await withProject(async (dir) => {
    const [first, second] = await add(dir, "grandchild", "output");
    const script = `case $(cat) in
      *grandchild*) sleep 300 & echo $! > grandchild;;
      *) head -c 400000 /dev/zero | tr '\\0' x; head -c 400000 /dev/zero | tr '\\0' y >&2;;
    esac`;
    const { attempts } = await work(dir, script, 2);
    Deno.kill(Number(textOf(`${dir}/grandchild`)), "SIGKILL");
    assert.deepEqual(attempts.map(({ id, outcome }) => [id, outcome]), [[first, "completed"], [
      second,
      "completed",
    ]]);
    assert.equal(Deno.statSync(`${dir}/.agentcoord/logs/${second}.1.log`).size, 800_000);
  });
});

Deno.test("work bounds the output of an attempt on disk, and keeps its end", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const script =
      "i=0; while [ $i -lt 40 ]; do head -c 20000 /dev/zero | tr '\\0' x; echo line $i; sleep 0.05; i=$((i+1)); done";
    const { attempts } = await work(dir, script, 1, "--log-size", "100k");
    assert.equal(attempts[0].outcome, "completed");
    const log = `${dir}/.agentcoord/logs/${id}.1.log`;
    const kept = textOf(`${log}.1`) + textOf(log);
    assert.match(kept, /^\[agentcoord: \d+ bytes of output before this are gone\]\n/);
    assert.match(kept, /line 39\n$/);
    assert.ok(kept.length < 800_000 / 2, `${kept.length} bytes are kept`);
  });
});

Deno.test("work stops a command whose task was cancelled, with all it started, within a renewal", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const worker = new Running(dir, [
      "work",
      "--json",
      "--max-tasks",
      "1",
      "--lease",
      "1s",
      "--",
      "sh",
      "-c",
      STUBBORN,
    ]);
    const pids = [Number(await written(`${dir}/pid`)), Number(await written(`${dir}/grandchild`))];
    await cli(dir, ["task", "cancel", id!, "--agent", "bob"]);
    for (const pid of pids) await gone(pid);
    const { code, stdout } = await worker.result();
    assert.equal(code, 0);
    const attempt = JSON.parse(stdout);
    assert.equal(attempt.outcome, "lost");
    assert.match(attempt.error, /cancelled/);
  });
});

Deno.test("work that gets SIGTERM finishes its task, claims no other, and leaves", async () => {
  await withProject(async (dir) => {
    const [first, second] = await add(dir, "first", "second");
    const worker = new Running(dir, [
      "work",
      "--",
      "sh",
      "-c",
      "echo $$ > pid; until [ -e go ]; do sleep 0.02; done",
    ]);
    await written(`${dir}/pid`);
    worker.kill("SIGTERM");
    await eventually(
      "a refusal to claim",
      async () => (await show(dir, second!)).status === "pending" || undefined,
    );
    await Deno.writeTextFile(`${dir}/go`, "");
    const { code, stderr } = await worker.result();
    assert.equal(code, 0);
    assert.match(stderr, /Leaving once the tasks under way are done/);
    assert.equal((await show(dir, first!)).status, "completed");
    assert.equal((await show(dir, second!)).status, "pending");
    assert.equal((await cliJson(dir, ["agent", "show", "ada"])).document.data.status, "gone");
  });
});

Deno.test("work that gets a second SIGTERM ends its command and gives the task back at no cost", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const worker = new Running(dir, ["work", "--", "sh", "-c", "echo $$ > pid; sleep 300"]);
    const pid = Number(await written(`${dir}/pid`));
    worker.kill("SIGTERM");
    await eventually("the first signal heard", () => runs(worker.pid) || undefined);
    await new Promise((resolve) => setTimeout(resolve, 100));
    worker.kill("SIGTERM");
    assert.equal((await worker.result()).code, 0);
    await gone(pid);
    const task = await show(dir, id!);
    assert.deepEqual([task.status, task.attemptsUsed], ["pending", 0]);
  });
});

Deno.test("work that is killed outright takes its command along, and its task comes back", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    const worker = new Running(dir, ["work", "--lease", "1s", "--", "sh", "-c", STUBBORN]);
    const pids = [Number(await written(`${dir}/pid`)), Number(await written(`${dir}/grandchild`))];
    worker.kill("SIGKILL");
    for (const pid of pids) await gone(pid);
    await worker.result();
    const again = await work(dir, "true", 1, "--agent", "bob");
    assert.deepEqual([again.attempts[0].id, again.attempts[0].outcome], [id, "completed"]);
    assert.deepEqual(
      (await show(dir, id!)).attempts.map(({ outcome }: { outcome: string }) => outcome),
      ["expired", "completed"],
    );
  });
});

Deno.test("work leaves when it was idle for long enough, and not while it works", async () => {
  await withProject(async (dir) => {
    await add(dir, "x");
    const { code, stdout } = await cli(dir, [
      "work",
      "--json",
      "--idle-exit",
      "200ms",
      "--concurrency",
      "2",
      "--",
      "sleep",
      "1",
    ]);
    assert.equal(code, 0);
    assert.equal(JSON.parse(stdout).outcome, "completed");
  });
});

Deno.test("work refuses a command that cannot be executed before it claims anything", async () => {
  await withProject(async (dir) => {
    const [id] = await add(dir, "x");
    for (
      const [args, code] of [
        [["--", "no-such-program"], 127],
        [["--", "./agentcoord.json"], 127],
        [[], 2],
        [["--log-size", "9", "--", "true"], 2],
        [["--concurrency", "101", "--", "true"], 2],
        [["--log-dir", "", "--", "true"], 2],
      ] as const
    ) {
      const result = await cli(dir, ["work", ...args]);
      assert.equal(result.code, code, `${args.join(" ")}: ${result.stderr}`);
    }
    const task = await show(dir, id!);
    assert.deepEqual([task.status, task.attempts], ["pending", []]);
    assert.deepEqual(
      (await cliJson(dir, ["agents"])).document.data.map(({ name }: { name: string }) => name),
      ["ada"],
    );
  });
});
