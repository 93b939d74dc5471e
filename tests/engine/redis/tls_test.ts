import assert from "node:assert/strict";
import { StoreUnavailableError } from "../../../src/errors.ts";
import { RedisConnection } from "../../../src/engine/redis/connection.ts";
import { hasRedis, onPath, startRedis } from "../../../dev/redis_server.ts";
import { respStub } from "../../../dev/resp_stub.ts";
import { ends } from "../../../dev/sleepers.ts";

/** Certificates of one authority: for `localhost`, for another host, and a client's. */
function makeCertificates(directory: string): void {
  const script = `
set -e
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \\
  -keyout ca.key -out ca.pem -addext basicConstraints=critical,CA:TRUE
make() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" \\
    -keyout "$1.key" -out "$1.csr"
  printf '%s\\n' "$2" > "$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \\
    -extfile "$1.ext"
}
make server subjectAltName=DNS:localhost,IP:127.0.0.1
make client extendedKeyUsage=clientAuth
`;
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", script], cwd: directory })
    .outputSync();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test({
  name:
    "a Redis connection with TLS checks the server, shows its own certificate, or says what is wrong",
  ignore: !hasRedis() || !onPath("openssl"),
  async fn() {
    const directory = Deno.makeTempDirSync({ prefix: "agentcoord-redis-tls-" });
    makeCertificates(directory);
    const file = (name: string) => `${directory}/${name}`;
    await using server = await startRedis({
      tls: {
        ca: file("ca.pem"),
        cert: file("server.pem"),
        key: file("server.key"),
        clientCertificates: true,
      },
    });
    const ca = `ca=${file("ca.pem")}`;
    const own = `cert=${file("client.pem")}&key=${file("client.key")}`;
    const port = server.port;
    const connection = await RedisConnection.open(`rediss://localhost:${port}/1?${ca}&${own}`);
    assert.equal(await connection.send("EVAL", ["return 5", 0]), 5);
    await connection.close();

    await Deno.writeTextFile(file("empty.pem"), "nothing");
    const cases: [string, string, RegExp, boolean][] = [
      [`rediss://localhost:${port}`, "tls", /unknown authority; give the authority's own/, false],
      [`rediss://localhost:${port}?${ca}`, "tls", /wants a client certificate; give it/, false],
      [`rediss://localhost:${port}?${ca}&${own}&servername=x.example`, "tls", /is for ano/, false],
      [`rediss://localhost:${port}?ca=/nowhere.pem`, "tls", /"\/nowhere.pem", and there is/, false],
      [`rediss://localhost:${port}?ca=${file("empty.pem")}`, "tls", /no CERTIFICATE in PEM/, false],
      [
        `rediss://localhost:${port}?${ca}&cert=${file("client.pem")}&key=${file("server.key")}`,
        "tls",
        /server\.key" is not the key of ".*client\.pem"/,
        false,
      ],
      [`redis://localhost:${port}`, "unreachable", /if it expects TLS, use rediss:/, true],
    ];
    for (const [url, reason, message, retryable] of cases) {
      const opening = RedisConnection.open(url).then(() => undefined, (error) => error);
      const error = await ends(url, opening);
      assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
      assert.match(error.message, message);
      assert.deepEqual([error.details.reason, error.retryable], [reason, retryable], error.message);
    }
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: "a Redis connection with TLS gives up in time on a port that does not speak TLS",
  // A handshake under way cannot be ended from this side: the runtime keeps it until the other side ends it.
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    await using stub = respStub(() => "never asked");
    const opening = RedisConnection.open(
      `rediss://127.0.0.1:${stub.port}?connect_timeout=300ms`,
    ).then(() => undefined, (error) => error);
    const error = await ends("opening", opening);
    assert.ok(error instanceof StoreUnavailableError, Deno.inspect(error));
    assert.match(error.message, /no TLS connection within 300ms; .* that this port speaks TLS/);
    assert.deepEqual([error.details.reason, error.retryable], ["timeout", true]);
  },
});
