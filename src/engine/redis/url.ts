/**
 * The URLs of a Redis store: syntax only, so that it is cheap to check one before anything is opened.
 *
 * ```text
 * redis://[user[:password]@]host[:port][/db]                     port 6379, db 0
 * rediss://[user[:password]@]host[:port][/db]                    the same with TLS
 * unix:/path/to.sock[?db=N]                                      a Unix socket
 * unix://[user[:password]@]/path/to.sock[?db=N]
 * redis+sentinel://[user[:password]@]host[:port],…/NAME[/db]     ports of the Sentinels, 26379
 * redis+cluster://[user[:password]@]host[:port],…                ports of some of the nodes, 6379
 *
 * ?connect_timeout=2s&command_timeout=5s      everywhere; durations as on the command line
 * ?tls=true                                   Sentinel and Cluster: all connections with TLS
 * ?ca=/ca.pem&cert=/c.pem&key=/c.key          with TLS: own authority; client certificate (PEM files)
 * ?servername=db.example                      with TLS: the name that the certificate must be for
 * ?sentinel_user=…&sentinel_password=…        of the Sentinels themselves
 * ```
 *
 * An IPv6 address stands in brackets. User, password, path, database name and the values of parameters
 * are percent-decoded (`%2F` is `/`); a password without a user belongs to the user `default`.
 * @module
 */
import { given } from "../../given.ts";
import { parseDuration } from "../../duration.ts";
import { InvalidArgumentError } from "../../errors.ts";
import { printable, quote, utf8Length } from "../../name.ts";

/** Where a server or Sentinel listens. */
export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

/** How TLS is spoken; the files are paths of PEM files. */
export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
}

/** A user of a server; `password` may be empty. */
export interface RedisUser {
  readonly user?: string;
  readonly password: string;
}

/** What a URL of a Redis store says. */
export interface RedisTarget {
  /** One server, the primary that Sentinels name, or a cluster. */
  readonly kind: "single" | "sentinel" | "cluster";
  /** The server; the Sentinels; some nodes. Empty for a Unix socket. */
  readonly hosts: readonly RedisHost[];
  /** A Unix socket. */
  readonly path?: string;
  /** Name under which the Sentinels know the primary. */
  readonly name?: string;
  readonly db: number;
  readonly auth?: RedisUser;
  readonly sentinelAuth?: RedisUser;
  readonly tls?: RedisTls;
  readonly connectTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
}

/** Schemes of the URLs that name a Redis store. */
export const REDIS_SCHEMES: readonly string[] = [
  "redis",
  "rediss",
  "redis+sentinel",
  "redis+cluster",
  "unix",
];

const TLS_KEYS = ["ca", "cert", "key", "servername"];
/** Parameters whose values may be shown. */
const PLAIN_KEYS = ["connect_timeout", "command_timeout", "db", "tls", ...TLS_KEYS];
const SCHEME_KEYS: Readonly<Record<string, readonly string[]>> = {
  redis: [],
  rediss: TLS_KEYS,
  unix: ["db"],
  "redis+sentinel": ["tls", ...TLS_KEYS, "sentinel_user", "sentinel_password"],
  "redis+cluster": ["tls", ...TLS_KEYS],
};
const MAX_TIMEOUT_MS = 600_000;
/** Size of `sun_path` on Linux, less the final NUL (unix(7)). */
const MAX_SOCKET_PATH = 107;

/** Tells what is wrong with `part` of a URL. */
type Refuse = (part: string, fix: string) => InvalidArgumentError;

/**
 * A store's URL fit to be shown: the user and password, and the values of query parameters that may
 * be secret, become `***`. Works on broken URLs too, and then rather hides too much.
 *
 * @example
 * ```ts
 * import { redactUrl } from "./url.ts";
 * redactUrl("rediss://ada:s3cret@db.example:6379/0"); // "rediss://***@db.example:6379/0"
 * ```
 */
export function redactUrl(url: string): string {
  // An unescaped "/", "?" or "@" in a password moves the borders of a URL: the last "@" is the only
  // one that is surely behind it.
  return url.replace(/^([a-z][a-z0-9+.-]*:(?:\/\/)?)?.*@/is, "$1***@")
    .replace(
      /([?&][^=&#]*(?:%|pass|pwd|secret|token|auth|key|cred|user)[^=&#]*=)[^&#]*/gi,
      "$1***",
    );
}

/**
 * Reads the URL of a Redis store.
 *
 * @param field what the caller calls it, such as `--store`
 * @throws {InvalidArgumentError} naming the wrong part and what to write instead, without a secret
 */
export function parseRedisUrl(url: string, field: string): RedisTarget {
  const refuse: Refuse = (part, fix) => {
    // The value of a mistyped parameter may be a password, and so may what follows a #.
    const shown = redactUrl(url).replace(/#.*/s, "#***").replace(
      /([?&])([^=&#]*)=[^&#]*/g,
      (whole, sign, key) => PLAIN_KEYS.includes(key) ? whole : `${sign}${key}=***`,
    );
    return new InvalidArgumentError(`Invalid ${field} ${quote(shown)}: ${fix}`, {
      field,
      value: printable(shown),
      part,
    });
  };
  const match = /^([a-z][a-z0-9+.-]*):(\/\/)?([^?#]*)(?:\?([^#]*))?(#)?/is.exec(url);
  const scheme = match?.[1]?.toLowerCase() ?? "";
  const keys = SCHEME_KEYS[scheme];
  if (match === null || keys === undefined) {
    throw refuse("scheme", `use one of ${REDIS_SCHEMES.join(": ")}:`);
  }
  if (/[\s\p{Cc}]/u.test(url)) throw refuse("url", "percent-encode spaces, such as %20");
  const [, , slashes, rest = "", query = "", hash] = match;
  if (hash !== undefined) throw refuse("url", "percent-encode each # as %23");

  const { userinfo, host, path } = splitAuthority(scheme, slashes, rest);
  if (query.includes("@") || (scheme !== "unix" && path.includes("@"))) {
    throw refuse("user", "percent-encode / ? # and @ in it, such as %2F for /");
  }
  const parameters = readQuery(query, scheme, keys, refuse);
  const tls = readTls(parameters, scheme, refuse);
  const auth = userinfo === undefined ? undefined : readUser(userinfo, refuse);
  return {
    ...readPlace(scheme, host, path, parameters, refuse),
    ...given({ auth }),
    ...readSentinelUser(parameters, refuse),
    ...given({ tls }),
    ...readTimeout("connectTimeoutMs", "connect_timeout", parameters, refuse),
    ...readTimeout("commandTimeoutMs", "command_timeout", parameters, refuse),
  };
}

function splitAuthority(scheme: string, slashes: string | undefined, rest: string) {
  if (scheme === "unix" && (slashes === undefined || rest.startsWith("/"))) {
    return { userinfo: undefined, host: "", path: rest };
  }
  const end = scheme === "unix" ? rest.indexOf("@/") + 1 : rest.indexOf("/");
  const authority = end < 0 ? rest : rest.slice(0, end);
  const at = authority.lastIndexOf("@");
  return {
    userinfo: at < 0 ? undefined : authority.slice(0, at),
    host: slashes === undefined ? "" : authority.slice(at + 1),
    path: end < 0 ? "" : rest.slice(end),
  };
}

/** The database, and where to find it. */
function readPlace(
  scheme: string,
  authority: string,
  path: string,
  parameters: ReadonlyMap<string, string>,
  refuse: Refuse,
): Pick<RedisTarget, "kind" | "hosts" | "path" | "name" | "db"> {
  if (scheme === "unix") {
    const socket = decode(path, "path", refuse);
    if (!/^\/.*[^/]$/s.test(socket)) {
      throw refuse("path", "give the absolute path of a socket, such as unix:/run/redis.sock");
    }
    if (utf8Length(socket) > MAX_SOCKET_PATH) {
      throw refuse("path", `the path of a socket has at most ${MAX_SOCKET_PATH} bytes`);
    }
    return { kind: "single", hosts: [], path: socket, db: readDb(parameters.get("db"), refuse) };
  }
  const several = scheme.includes("+");
  const example = several ? `${scheme}://host1,host2` : `${scheme}://localhost:6379/0`;
  if (authority === "") {
    throw refuse("host", `it is no complete URL; use one such as ${example}`);
  }
  if (!several && authority.includes(",")) {
    throw refuse("host", "several hosts need redis+sentinel: or redis+cluster:");
  }
  const port = scheme === "redis+sentinel" ? 26379 : 6379;
  const hosts = authority.split(",").map((host) => readHost(host, port, refuse));
  const parts = path.replace(/^\//, "").split("/");
  if (scheme === "redis+sentinel") {
    const name = decode(parts[0] ?? "", "name", refuse);
    if (name === "") {
      throw refuse("name", `name the primary behind the hosts, such as ${example}/mymaster`);
    }
    if (parts.length > 2) throw refuse("db", "use /NAME or /NAME/DB behind the hosts");
    return { kind: "sentinel", hosts, name, db: readDb(parts[1], refuse) };
  }
  if (parts.length > 1) throw refuse("db", "use a database number behind the host, such as /0");
  const db = readDb(parts[0], refuse);
  if (scheme !== "redis+cluster") return { kind: "single", hosts, db };
  if (db !== 0) throw refuse("db", "a cluster has database 0 only; leave the number out");
  return { kind: "cluster", hosts, db };
}

function readHost(text: string, defaultPort: number, refuse: Refuse): RedisHost {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\p{L}\p{N}._-]+))(?::(.*))?$/iu.exec(text);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined) {
    throw refuse(
      "host",
      (text.match(/:/g)?.length ?? 0) > 1
        ? "put an IPv6 address in brackets, such as [::1]:6379"
        : "use a host name or an address, and : before a port",
    );
  }
  const portText = match?.[3];
  if (portText === undefined) return { host, port: defaultPort };
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65535) throw refuse("port", "use a port from 1 to 65535");
  return { host, port };
}

function readDb(text: string | undefined, refuse: Refuse): number {
  if (text === undefined || text === "") return 0;
  if (!/^\d{1,9}$/.test(text)) throw refuse("db", "a database is a number, such as 0");
  return Number(text);
}

function readUser(userinfo: string, refuse: Refuse): RedisUser | undefined {
  const colon = userinfo.indexOf(":");
  const user = decode(colon < 0 ? userinfo : userinfo.slice(0, colon), "user", refuse);
  const password = colon < 0 ? "" : decode(userinfo.slice(colon + 1), "password", refuse);
  if (user !== "") return { user, password };
  return password === "" ? undefined : { password };
}

function readSentinelUser(
  parameters: ReadonlyMap<string, string>,
  refuse: Refuse,
): Pick<RedisTarget, "sentinelAuth"> {
  const user = parameters.get("sentinel_user");
  const password = parameters.get("sentinel_password");
  if (user !== undefined && password === undefined) {
    throw refuse("sentinel_user", "give sentinel_password too");
  }
  if (password === undefined) return {};
  return { sentinelAuth: user === undefined ? { password } : { user, password } };
}

function readQuery(
  query: string,
  scheme: string,
  schemeKeys: readonly string[],
  refuse: Refuse,
): Map<string, string> {
  const keys = [...schemeKeys, "connect_timeout", "command_timeout"];
  const parameters = new Map<string, string>();
  for (const pair of query.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (!keys.includes(key)) {
      const fix = scheme === "redis" && ["tls", ...TLS_KEYS].includes(key)
        ? "use rediss: for TLS"
        : scheme === "rediss" && key === "tls"
        ? "leave tls out, as rediss: says it"
        : `a ${scheme}: URL has no parameter ${quote(key, 40)}; use ${keys.join(", ")}`;
      // Without "=" it may be the rest of a password that has a "?" in it.
      throw refuse(equals < 0 ? "query" : printable(key, 40), fix);
    }
    if (parameters.has(key)) throw refuse(key, `give ${key} once`);
    const value = equals < 0 ? "" : decode(pair.slice(equals + 1), key, refuse);
    if (value === "") throw refuse(key, `${key} needs a value`);
    parameters.set(key, value);
  }
  return parameters;
}

function readTls(
  parameters: ReadonlyMap<string, string>,
  scheme: string,
  refuse: Refuse,
): RedisTls | undefined {
  const wanted = parameters.get("tls");
  if (wanted !== undefined && wanted !== "true" && wanted !== "false") {
    throw refuse("tls", "use tls=true or tls=false");
  }
  const given = TLS_KEYS.filter((key) => parameters.has(key));
  if (scheme !== "rediss" && wanted !== "true") {
    if (given[0] !== undefined) throw refuse(given[0], `${given[0]} needs tls=true`);
    return undefined;
  }
  if (parameters.has("cert") !== parameters.has("key")) {
    throw refuse("cert", "a client certificate needs both cert and key");
  }
  return Object.fromEntries(given.map((key) => [key, parameters.get(key) ?? ""]));
}

function readTimeout<Name extends "connectTimeoutMs" | "commandTimeoutMs">(
  name: Name,
  key: string,
  parameters: ReadonlyMap<string, string>,
  refuse: Refuse,
): { readonly [name in Name]?: number } {
  const text = parameters.get(key);
  if (text === undefined) return {};
  let ms = 0;
  try {
    ms = parseDuration(text, key);
  } catch (error) {
    if (!(error instanceof InvalidArgumentError)) throw error;
  }
  if (ms < 1 || ms > MAX_TIMEOUT_MS) {
    throw refuse(key, `${key} is a duration from 1ms to 10m, such as 5s`);
  }
  return { [name]: ms } as { readonly [name in Name]?: number };
}

function decode(text: string, part: string, refuse: Refuse): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refuse(part, "a % stands before two hex digits; write % itself as %25");
  }
}
