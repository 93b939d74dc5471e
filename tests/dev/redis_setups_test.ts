// Cluster, Sentinel and TLS as tests of the Redis store start them are what they claim to be.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { startCluster } from "../../dev/redis_cluster.ts";
import { hasRedis, resp, RespError, startRedis } from "../../dev/redis_server.ts";
import { startSentinel } from "../../dev/redis_sentinel.ts";
import { hasOpenssl, makeCertificates } from "../../dev/tls.ts";
import { GENEROUS_MS } from "../../dev/sleepers.ts";

const ignore = !hasRedis();

Deno.test({
  name: "cluster answers for every key at its owner, and sends others there",
  ignore,
  async fn() {
    await using cluster = await startCluster();
    assert.match(cluster.url, /^redis\+cluster:\/\/127\.0\.0\.1:\d+,127\.0\.0\.1:\d+,[^,]+$/);
    const owners = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const key = `key-${i}`;
      const owner = await cluster.ownerOf(key);
      owners.add(owner.port);
      assert.equal(await owner.command("SET", key, `${i}`), "OK");
      const other = cluster.nodes.find((node) => node !== owner)!;
      await assert.rejects(other.command("GET", key), (error: Error) => {
        assert.ok(error instanceof RespError);
        assert.match(error.message, new RegExp(`^MOVED \\d+ 127\\.0\\.0\\.1:${owner.port}$`));
        return true;
      });
    }
    assert.equal(owners.size, 3);
    const [from, to] = [await cluster.ownerOf("key-1"), await cluster.ownerOf("key-2")];
    assert.notEqual(from, to, "these lie apart");
    await cluster.moveSlot("key-1", to);
    assert.equal(await cluster.ownerOf("key-1"), to);
    assert.equal(await to.command("GET", "key-1"), "1");
    await assert.rejects(from.command("GET", "key-1"), /MOVED/);
  },
});

Deno.test({
  name: "cluster with replicas goes on after a primary was killed",
  ignore,
  async fn() {
    await using cluster = await startCluster({ replicas: 1 });
    assert.equal(cluster.nodes.length, 6);
    const owner = await cluster.ownerOf("k");
    await owner.command("SET", "k", "v");
    assert.equal(await owner.command("WAIT", 1, 2000), 1);
    await owner.kill();
    const deadlineMs = performance.now() + GENEROUS_MS;
    for (;;) {
      const now = await cluster.ownerOf("k");
      if (now !== owner) {
        assert.equal(await now.command("GET", "k"), "v");
        return;
      }
      assert.ok(performance.now() < deadlineMs, "nobody took over");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  },
});

Deno.test({
  name: "sentinels promote the replica when the primary is killed",
  ignore,
  async fn() {
    await using setup = await startSentinel();
    assert.match(setup.url, /^redis\+sentinel:\/\/(127\.0\.0\.1:\d+,?){3}\/mymaster$/);
    await setup.primary.command("SET", "k", "v");
    await assert.rejects(setup.replica.command("SET", "k", "w"), /READONLY/);
    assert.equal(await setup.primary.command("WAIT", 1, 2000), 1);
    await setup.killPrimary();
    await setup.waitForPromotion();
    assert.equal(await setup.replica.command("GET", "k"), "v");
    assert.equal(await setup.replica.command("SET", "k", "w"), "OK");
  },
});

Deno.test({
  name: "server with TLS knows its clients by their certificates",
  ignore: ignore || !hasOpenssl(),
  async fn() {
    using made = makeCertificates();
    const read = (path: string) => Deno.readTextFileSync(path);
    const tls = { ca: made.ca, ...made.server };
    const ca = read(made.ca);
    {
      await using server = await startRedis({ tls });
      assert.equal(server.url, `rediss://localhost:${server.port}`);
      await using client = await resp(server.port, { tls: { ca } });
      assert.equal(await client.command("PING"), "PONG");
      const stranger = read(made.stranger.cert);
      await assert.rejects(resp(server.port, { tls: { ca: stranger } }), /certificate/);
      await using plain = await resp(server.port);
      await assert.rejects(plain.command("PING"));
    }
    await using strict = await startRedis({ tls: { ...tls, clientCertificates: true } });
    const [cert, key] = [read(made.client.cert), read(made.client.key)];
    await using known = await resp(strict.port, { tls: { ca, cert, key } });
    assert.equal(await known.command("PING"), "PONG");
    await assert.rejects(async () => {
      await using unknown = await resp(strict.port, { tls: { ca } });
      await unknown.command("PING");
    });
  },
});

Deno.test({
  name: "certificates are removed with their directory",
  ignore: !hasOpenssl(),
  fn() {
    let directory: string;
    {
      using made = makeCertificates();
      directory = made.directory;
      assert.ok(existsSync(made.client.key));
    }
    assert.equal(existsSync(directory), false);
  },
});
