/**
 * Certificates for tests, made with the `openssl` command and good for a day.
 * @module
 */
import { join } from "node:path";
import { onPath } from "./redis_server.ts";

/** Paths of PEM files in a directory of their own. */
export interface Certificates extends Disposable {
  readonly directory: string;
  /** The authority that signed the other two. */
  readonly ca: string;
  /** For `localhost` and 127.0.0.1. */
  readonly server: Pair;
  readonly client: Pair;
  /** Of an authority that signed nothing here. */
  readonly stranger: Pair;
}

/** A certificate and its key. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Whether certificates can be made here. */
export function hasOpenssl(): boolean {
  return onPath("openssl");
}

const SCRIPT = `
set -e
curve='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
cat >request.cnf <<'EOT'
[req]
distinguished_name = name
x509_extensions = authority
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
extendedKeyUsage = serverAuth, clientAuth
[client]
subjectAltName = DNS:client.test
extendedKeyUsage = clientAuth
EOT
authority() {
  openssl req -config request.cnf -x509 $curve -days 1 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem"
}
signed() {
  openssl req -config request.cnf $curve -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -set_serial "$2" -days 1 \\
    -extfile request.cnf -extensions "$1" -out "$1.pem"
}
authority ca
authority stranger
signed server 1
signed client 2
`;

/** Makes an authority, and certificates of a server and of a client. */
export function makeCertificates(): Certificates {
  const directory = Deno.makeTempDirSync({ prefix: "agentcoord-tls-" });
  const remove = () => Deno.removeSync(directory, { recursive: true });
  const { success, stderr } = new Deno.Command("sh", { args: ["-c", SCRIPT], cwd: directory })
    .outputSync();
  if (!success) {
    remove();
    throw new Error(`openssl failed:\n${new TextDecoder().decode(stderr)}`);
  }
  const pair = (name: string): Pair => ({
    cert: join(directory, `${name}.pem`),
    key: join(directory, `${name}.key`),
  });
  return {
    directory,
    ca: join(directory, "ca.pem"),
    server: pair("server"),
    client: pair("client"),
    stranger: pair("stranger"),
    [Symbol.dispose]: remove,
  };
}
