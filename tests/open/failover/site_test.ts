/**
 * The name of a site, in the fallback directory.
 * @module
 */
import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { siteOf } from "../../../src/open/failover/site.ts";

async function inDirectory(body: (home: string) => void | Promise<void>): Promise<void> {
  const home = await Deno.makeTempDir({ prefix: "agentcoord-test-" });
  try {
    await body(home);
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

Deno.test("site keeps its name, which is all that its directory gets", () =>
  inDirectory((home) => {
    const site = siteOf(home);
    assert.match(site, /^sit_[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.equal(siteOf(home), site);
    assert.deepEqual(Array.from(Deno.readDirSync(home), ({ name }) => name), ["site"]);
    assert.equal(Deno.statSync(`${home}/site`).mode! & 0o777, 0o600);
  }));

Deno.test("two directories are two sites", () =>
  inDirectory((one) => inDirectory((other) => assert.notEqual(siteOf(one), siteOf(other)))));

Deno.test("processes that name a site at the same moment get one name", () =>
  inDirectory(async (home) => {
    const module = new URL("../../../src/open/failover/site.ts", import.meta.url).href;
    // All begin together: when the file that they wait for is there.
    const text = `import { siteOf } from ${JSON.stringify(module)};
const home = Deno.args[0];
Deno.writeTextFileSync(\`\${home}/ready.\${Deno.pid}\`, "");
for (;;) { try { Deno.statSync(\`\${home}/go\`); break; } catch { /* not yet */ } }
console.log(siteOf(home));`;
    const script = `${home}/name.ts`;
    Deno.writeTextFileSync(script, text);
    const processes = Array.from({ length: 4 }, () =>
      new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-lock", "--config", "deno.json", script, home],
        stdout: "piped",
      }).output());
    const ready = () =>
      Array.from(Deno.readDirSync(home)).filter(({ name }) => name.startsWith("ready.")).length;
    while (ready() < processes.length) await new Promise((resolve) => setTimeout(resolve, 5));
    Deno.writeTextFileSync(`${home}/go`, "");
    const names = (await Promise.all(processes)).map(({ stdout }) =>
      new TextDecoder().decode(stdout).trim()
    );
    assert.deepEqual(new Set(names), new Set([siteOf(home)]));
    assert.deepEqual(
      Array.from(Deno.readDirSync(home), ({ name }) => name).filter((name) =>
        name.startsWith("site")
      ),
      ["site"],
    );
  }));

Deno.test("copy of a directory is another site, which keeps its name", () =>
  inDirectory((one) =>
    inDirectory((copy) => {
      const site = siteOf(one);
      Deno.copyFileSync(`${one}/site`, `${copy}/site`);
      const other = siteOf(copy);
      assert.notEqual(other, site);
      assert.equal(siteOf(copy), other);
      assert.equal(siteOf(one), site);
      assert.deepEqual(Array.from(Deno.readDirSync(copy), ({ name }) => name), ["site"]);
    })
  ));

for (const content of ["", "sit_short\n", "sit_01ARZ3NDEKTSV4RRFFQ69G5FAV and more\n"]) {
  Deno.test(`site file that holds ${JSON.stringify(content)} is refused, and kept`, () =>
    inDirectory((home) => {
      Deno.writeTextFileSync(`${home}/site`, content);
      assert.throws(() => siteOf(home), (error) => {
        assert.ok(error instanceof StoreUnavailableError);
        assert.match(error.message, /does not hold the name of a site; remove it/);
        return true;
      });
      assert.equal(Deno.readTextFileSync(`${home}/site`), content);
    }));
}

Deno.test("site file that is a link is refused", () =>
  inDirectory((home) => {
    Deno.writeTextFileSync(`${home}/elsewhere`, "sit_01ARZ3NDEKTSV4RRFFQ69G5FAV\n");
    Deno.symlinkSync(`${home}/elsewhere`, `${home}/site`);
    assert.throws(() => siteOf(home), StoreUnavailableError);
  }));
