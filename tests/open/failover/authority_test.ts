/**
 * Who decides in a site: operations and changes exclude each other, between processes and in one, whatever dies.
 * @module
 */
import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../src/errors.ts";
import {
  Authority,
  type AuthorityOptions,
  type Hold,
} from "../../../src/open/failover/authority.ts";
import { Fleet } from "../../../dev/fleet.ts";
import { ends, GENEROUS_MS } from "../../../dev/sleepers.ts";
import { TestClock } from "../../../dev/stores.ts";

interface Bench {
  readonly home: string;
  readonly open: (options?: Partial<AuthorityOptions>) => Authority;
}

function authorityTest(name: string, body: (bench: Bench) => Promise<void>): void {
  Deno.test(name, async () => {
    const directory = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
    const home = `${directory}/home`;
    Deno.mkdirSync(home);
    const opened: Authority[] = [];
    const open = (options = {}) => {
      const authority = Authority.open(home, {
        clock: new TestClock(),
        lookEveryMs: 0,
        ...options,
      });
      opened.push(authority);
      return authority;
    };
    try {
      await body({ home, open });
    } finally {
      for (const authority of opened) authority.close();
      await Deno.remove(directory, { recursive: true });
    }
  });
}

/** What `enter` gives when nobody is in the way. */
function atOnce(authority: Authority): Hold {
  const hold = authority.enter();
  assert.ok(!(hold instanceof Promise), "had to wait");
  return hold;
}

/** Starts workers; gives the number of one of their processes once all are where the test wants them. */
async function started(fleet: Fleet, count = 1): Promise<number> {
  for (let slot = 0; slot < count; slot++) fleet.start(slot);
  const deadline = performance.now() + GENEROUS_MS;
  for (;;) {
    const records = fleet.records<{ pid: number }>();
    if (records.length >= count) return records[0]!.pid;
    assert.ok(performance.now() < deadline, "the workers did not start");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

authorityTest(
  "an authority begins with Redis, in files for the owner alone",
  async ({ home, open }) => {
    const hold = atOnce(open());
    assert.deepEqual(hold.record, {
      file: Deno.statSync(`${home}/authority`).ino,
      store: "redis",
      epoch: 1,
      sinceMs: 1_800_000_000_000,
      reason: "first use",
      others: [],
      sitesAtMs: 0,
      memory: 0,
      aheadMs: 0,
      mirror: 1_800_000_000_000,
      outage: 0,
    });
    hold.leave();
    for await (const { name } of Deno.readDir(home)) {
      assert.equal((Deno.statSync(`${home}/${name}`).mode ?? 0) & 0o777, 0o600, name);
    }
    assert.deepEqual(Array.from(Deno.readDirSync(home), ({ name }) => name).sort(), [
      "authority",
      "authority.lock",
      "turnstile.lock",
    ]);
  },
);

authorityTest("a change is seen by everybody's next operation and by peek", async ({ open }) => {
  const [one, other] = [open(), open()];
  atOnce(other).leave();
  await one.change((record, write) => {
    write({ store: "directory", epoch: record.epoch + 1, moving: { memory: 1 } });
    write({ reason: "test" });
    return Promise.resolve();
  });
  for (const authority of [one, other, open()]) {
    const { store, epoch, reason, moving } = authority.peek();
    assert.deepEqual([store, epoch, reason, moving], ["directory", 2, "test", {
      memory: 1,
    }]);
    const hold = atOnce(authority);
    assert.deepEqual(hold.record, authority.peek());
    hold.leave();
  }
  await other.change((_, write) => Promise.resolve(write({ moving: undefined })));
  assert.ok(!("moving" in one.peek()));
});

authorityTest(
  "a change waits for operations under way, and keeps new ones out",
  async ({ open }) => {
    const [one, other] = [open(), open()];
    const [first, second] = [atOnce(one), atOnce(one)];
    assert.equal(one.isContended(), false);
    const order: string[] = [];
    const change = other.change((_, write) => {
      order.push("change");
      write({ memory: 5 });
      return Promise.resolve();
    });
    while (!one.isContended()) await new Promise((resolve) => setTimeout(resolve, 1));
    const late = [one.enter(), one.enter(), one.enter()];
    assert.ok(late.every((hold) => hold instanceof Promise));
    first.leave();
    order.push("left");
    second.leave();
    await ends("the change", change);
    for (const hold of await ends("entering", Promise.all(late))) {
      assert.equal(hold.record.memory, 5);
      hold.leave();
    }
    assert.deepEqual(order, ["left", "change"]);
    // Nothing is left behind: the next change is had at once, and so is the next operation.
    await ends("another change", one.change(() => Promise.resolve()));
    atOnce(one).leave();
  },
);

authorityTest(
  "changes of one process run one after the other, also after one that failed",
  async ({ open }) => {
    const authority = open();
    const failed = authority.change((_, write) => {
      write({ memory: 1 });
      return Promise.reject(new Error("meant"));
    });
    const more = Array.from({ length: 5 }, () =>
      authority.change(async ({ memory }, write) => {
        await new Promise((resolve) => setTimeout(resolve, 0));
        write({ memory: memory + 1 });
        return memory;
      }));
    await assert.rejects(failed, /meant/);
    assert.deepEqual(await Promise.all(more), [1, 2, 3, 4, 5]);
  },
);

authorityTest(
  "operations and changes of several processes exclude each other, and no changer starves",
  async ({ home, open }) => {
    const stop = `${home}/stop`;
    const operators = new Fleet(
      "authority_worker.ts",
      [home, stop, "operate"],
      `${home}/operators`,
    );
    const changers = new Fleet("authority_worker.ts", [home, stop, "change"], `${home}/changers`);
    await started(operators, 4);
    for (let slot = 0; slot < 2; slot++) changers.start(slot);
    assert.equal(await ends("the changers", changers.finished()), 0);
    Deno.writeTextFileSync(stop, "");
    assert.equal(await ends("the operators", operators.finished()), 0);
    type Said = { readonly broken?: string; readonly operations?: number };
    const said = [...operators.records<Said>(), ...changers.records<Said>()];
    assert.deepEqual(said.filter(({ broken }) => broken !== undefined), []);
    assert.equal(said.filter(({ operations = 0 }) => operations > 0).length, 12);
    const { memory, aheadMs } = open().peek();
    assert.deepEqual([memory, aheadMs], [40, 40]);
  },
);

for (const [role, memory] of [["die", 0], ["die after a write", 7]] as const) {
  authorityTest(
    `a process killed in a change leaves what it has written (${role})`,
    async ({ home, open }) => {
      const fleet = new Fleet("authority_worker.ts", [home, `${home}/stop`, role], `${home}/fleet`);
      await started(fleet);
      const authority = open();
      assert.equal(authority.isContended(), true);
      const entering = authority.enter();
      await fleet.kill(0);
      const hold = await ends("entering", Promise.resolve(entering));
      assert.equal(hold.record.memory, memory);
      hold.leave();
      await ends("a change", authority.change((_, write) => Promise.resolve(write({ memory: 9 }))));
      assert.equal(authority.peek().memory, 9);
    },
  );
}

authorityTest(
  "a process frozen in an operation keeps a change out, and is named",
  async ({ home, open }) => {
    const fleet = new Fleet(
      "authority_worker.ts",
      [home, `${home}/stop`, "stay inside"],
      `${home}/fleet`,
    );
    const pid = await started(fleet);
    fleet.stun(0);
    const authority = open({ lockTimeoutMs: 200 });
    // This process has a part of its own in the hold, but the other one is to blame.
    const hold = atOnce(open());
    await assert.rejects(
      authority.change(() => Promise.reject(new Error("must not run"))),
      (error) =>
        error instanceof StoreUnavailableError && error.details.pid === pid && error.retryable &&
        error.message.includes(`process ${pid} has held ${home}/authority.lock`),
    );
    hold.leave();
    // The turnstile is open again: operations go on.
    atOnce(authority).leave();
    await fleet.kill(0);
    await ends("a change", open().change(() => Promise.resolve()));
  },
);

authorityTest(
  "a process frozen in a change keeps operations out, and is named",
  async ({ home, open }) => {
    const fleet = new Fleet("authority_worker.ts", [home, `${home}/stop`, "die"], `${home}/fleet`);
    const pid = await started(fleet);
    fleet.stun(0);
    const authority = open({ lockTimeoutMs: 200 });
    const named = (error: unknown) =>
      error instanceof StoreUnavailableError && error.details.pid === pid && error.retryable;
    const entering = [authority.enter(), authority.enter()];
    for (const hold of entering) await assert.rejects(Promise.resolve(hold), named);
    await assert.rejects(authority.change(() => Promise.resolve()), named);
    await fleet.kill(0);
    const hold = await ends("entering", Promise.resolve(authority.enter()));
    hold.leave();
  },
);

authorityTest(
  "files that were removed are made anew while Redis decides",
  async ({ home, open }) => {
    const authority = open();
    const old = atOnce(authority);
    Deno.removeSync(home, { recursive: true });
    const hold = await ends("entering", Promise.resolve(authority.enter()));
    const other = open();
    assert.equal(hold.record.epoch, 1);
    old.leave();
    // Both are in the same files: the one keeps the other's change out.
    let changed = false;
    const change = other.change(() => Promise.resolve(void (changed = true)));
    while (!authority.isContended()) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(changed, false);
    hold.leave();
    await ends("the change", change);
  },
);

authorityTest(
  "files that were just seen are not looked at for each entry, but for each change",
  async ({ home, open }) => {
    const authority = open({ lookEveryMs: 3_600_000 });
    atOnce(authority).leave();
    Deno.removeSync(home, { recursive: true });
    atOnce(authority).leave();
    assert.throws(() => Deno.statSync(home), Deno.errors.NotFound);
    await authority.change((_, write) => Promise.resolve(write({ memory: 3 })));
    assert.equal(open().peek().memory, 3);
  },
);

authorityTest(
  "a change in files that were replaced is made in the new ones",
  async ({ home, open }) => {
    const authority = open();
    Deno.renameSync(home, `${home}.old`);
    Deno.mkdirSync(home);
    const other = open();
    await authority.change((_, write) => Promise.resolve(write({ memory: 3 })));
    assert.equal(other.peek().memory, 3);
  },
);

authorityTest(
  "the directory of an outage that was removed is told, not made anew",
  async ({ home, open }) => {
    const authority = open();
    await authority.change((_, write) =>
      Promise.resolve(write({ store: "directory", epoch: 2, outage: 2 }))
    );
    Deno.removeSync(home, { recursive: true });
    const told = (error: unknown) =>
      error instanceof StoreUnavailableError && error.details.removed === true &&
      error.message.includes(home);
    for (let time = 0; time < 2; time++) {
      await assert.rejects(async () => await authority.enter(), told);
      await assert.rejects(authority.change(() => Promise.resolve()), told);
    }
    assert.throws(() => Deno.statSync(home), Deno.errors.NotFound);
  },
);

authorityTest(
  "an empty record file is one that was never written; a damaged one is refused",
  async ({ home, open }) => {
    Deno.writeTextFileSync(`${home}/authority`, "");
    atOnce(open()).leave();
    Deno.writeTextFileSync(`${home}/authority`, "nonsense");
    await assert.rejects(
      () => Promise.resolve().then(() => open()),
      (error) =>
        error instanceof StoreUnavailableError && error.message.includes(`${home}/authority`),
    );
    assert.equal(Deno.readTextFileSync(`${home}/authority`), "nonsense");
  },
);
