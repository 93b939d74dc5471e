import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidArgumentError } from "../../../src/errors.ts";
import { parseRedisUrl, type RedisTarget } from "../../../src/engine/redis/url.ts";
import { propertyRuns } from "../../support/property.ts";

const parse = (url: string) => parseRedisUrl(url, "--store");

Deno.test("parseRedisUrl reads every form", () => {
  const cases: [string, RedisTarget][] = [
    ["redis://h", { kind: "single", hosts: [{ host: "h", port: 6379 }], db: 0 }],
    ["REDIS://h:7/", { kind: "single", hosts: [{ host: "h", port: 7 }], db: 0 }],
    ["redis://[::1]:6380/2", { kind: "single", hosts: [{ host: "::1", port: 6380 }], db: 2 }],
    ["redis://:p%40s@s%2F@h", {
      kind: "single",
      hosts: [{ host: "h", port: 6379 }],
      db: 0,
      auth: { password: "p@s@s/" },
    }],
    ["rediss://ada:pw@h?ca=/c%20a.pem&cert=/c.pem&key=/k.pem&servername=n", {
      kind: "single",
      hosts: [{ host: "h", port: 6379 }],
      db: 0,
      auth: { user: "ada", password: "pw" },
      tls: { ca: "/c a.pem", cert: "/c.pem", key: "/k.pem", servername: "n" },
    }],
    ["rediss://h", { kind: "single", hosts: [{ host: "h", port: 6379 }], db: 0, tls: {} }],
    ["redis://h?connect_timeout=2s&command_timeout=500ms", {
      kind: "single",
      hosts: [{ host: "h", port: 6379 }],
      db: 0,
      connectTimeoutMs: 2000,
      commandTimeoutMs: 500,
    }],
    ["unix:/run/r.sock", { kind: "single", hosts: [], path: "/run/r.sock", db: 0 }],
    ["unix:///run/a%20b@c.sock?db=3", {
      kind: "single",
      hosts: [],
      path: "/run/a b@c.sock",
      db: 3,
    }],
    ["unix://ada:p%2Fw@/r.sock", {
      kind: "single",
      hosts: [],
      path: "/r.sock",
      db: 0,
      auth: { user: "ada", password: "p/w" },
    }],
    ["redis+sentinel://u:p@a:1,b,[::2]:3/main/4?sentinel_user=s&sentinel_password=%3F&tls=true", {
      kind: "sentinel",
      hosts: [{ host: "a", port: 1 }, { host: "b", port: 26379 }, { host: "::2", port: 3 }],
      name: "main",
      db: 4,
      auth: { user: "u", password: "p" },
      sentinelAuth: { user: "s", password: "?" },
      tls: {},
    }],
    ["redis+cluster://:p@a:7000,b?tls=false", {
      kind: "cluster",
      hosts: [{ host: "a", port: 7000 }, { host: "b", port: 6379 }],
      db: 0,
      auth: { password: "p" },
    }],
  ];
  for (const [url, target] of cases) assert.deepEqual(parse(url), target, url);
});

Deno.test("parseRedisUrl refuses a wrong part and says what to write", () => {
  const cases: [string, string, RegExp][] = [
    ["redis://h:0", "port", /use a port from 1 to 65535$/],
    ["redis://h:", "port", /use a port/],
    ["redis://h:x", "port", /use a port/],
    ["redis://::1", "host", /put an IPv6 address in brackets/],
    ["redis://a,b", "host", /several hosts need redis\+sentinel: or redis\+cluster:/],
    ["redis:///0", "host", /use one such as redis:\/\/localhost:6379\/0$/],
    ["redis+cluster://", "host", /use one such as redis\+cluster:\/\/host1,host2$/],
    ["redis://h/x", "db", /a database is a number/],
    ["redis://h/-1", "db", /a database is a number/],
    ["redis://h/0/1", "db", /behind the host/],
    ["redis+cluster://h/1", "db", /database 0 only/],
    ["unix:/s?db=x", "db", /a database is a number/],
    ["redis+sentinel://h", "name", /such as redis\+sentinel:\/\/host1,host2\/mymaster$/],
    ["redis+sentinel://h/n/0/0", "db", /use \/NAME or \/NAME\/DB/],
    ["redis+sentinel://h/n?sentinel_user=u", "sentinel_user", /give sentinel_password too/],
    ["unix:run/r.sock", "path", /absolute path/],
    ["unix:/run/", "path", /absolute path/],
    [`unix:/${"x".repeat(107)}`, "path", /at most 107 bytes/],
    ["redis://h?ca=/x", "ca", /use rediss: for TLS$/],
    ["rediss://h?tls=true", "tls", /leave tls out/],
    ["redis+cluster://h?ca=/x", "ca", /ca needs tls=true$/],
    ["redis+cluster://h?tls=1", "tls", /use tls=true or tls=false/],
    ["rediss://h?cert=/x", "cert", /needs both cert and key/],
    ["rediss://h?ca=", "ca", /ca needs a value/],
    ["rediss://h?ca=/a&ca=/b", "ca", /give ca once/],
    ["redis://h?connect_timeout=0", "connect_timeout", /from 1ms to 10m/],
    ["redis://h?command_timeout=1h", "command_timeout", /from 1ms to 10m/],
    ["redis://h?psw=hunter2", "psw", /psw=\*\*\*": .* no parameter "psw"; use connect_timeout/],
    ["redis://h#hunter2", "url", /percent-encode each # as %23/],
    ["redis://:hunter2/x@h", "user", /percent-encode \/ \? # and @ in it/],
    ["redis://:hunter2?x@h", "user", /percent-encode \/ \? # and @ in it/],
    ["redis://:hunter2%@h", "password", /write % itself as %25/],
    ["redis://h hunter2@h", "url", /percent-encode spaces/],
  ];
  for (const [url, part, message] of cases) {
    assert.throws(() => parse(url), (error) => {
      assert.ok(error instanceof InvalidArgumentError, url);
      assert.match(error.message, message);
      assert.match(error.message, /^Invalid --store "/);
      assert.equal(error.details.part, part, url);
      assert.ok(!Deno.inspect(error).includes("hunter2"), url);
      return true;
    });
  }
});

Deno.test("parseRedisUrl gives back any user, password, host, port and database", () => {
  const text = fc.string({ unit: "binary", minLength: 1 });
  const port = fc.integer({ min: 1, max: 65535 });
  fc.assert(
    fc.property(text, text, port, fc.nat(100), (user, password, port, db) => {
      const userinfo = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`;
      const target = parse(`rediss://${userinfo}@db.example:${port}/${db}`);
      assert.deepEqual(target.auth, { user, password });
      assert.deepEqual(target.hosts, [{ host: "db.example", port }]);
      assert.equal(target.db, db);
    }),
    { numRuns: propertyRuns() },
  );
});

Deno.test("parseRedisUrl reads any text or refuses it as an argument", () => {
  const word = fc.constantFrom(
    ..."redis rediss :// : / @ , ? & = % # 1 h unix [ ] db tls".split(" "),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(word, fc.string())), (words) => {
      try {
        parse(words.join(""));
      } catch (error) {
        assert.ok(error instanceof InvalidArgumentError);
      }
    }),
    { numRuns: propertyRuns() },
  );
});
