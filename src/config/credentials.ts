/**
 * Passwords of servers, in the user's own `credentials.json`, by user and place:
 *
 * ```json
 * { "ada@db.example:6379": { "password": "…", "tls": true } }
 * ```
 *
 * A password that was given for a connection with TLS is never sent over one without.
 * @module
 */
import { InvalidArgumentError } from "../errors.ts";
import { printable } from "../name.ts";
import { parseRedisUrl, type RedisTarget } from "../engine/redis/url.ts";
import { readPrivateFile, writePrivateFile } from "./private_file.ts";
import { unusable } from "./settings_file.ts";

/** The user that a password without one belongs to (Redis ACL, "default user"). */
const DEFAULT_USER = "default";

interface Entry {
  readonly user: string;
  readonly place: string;
  readonly password: string;
  readonly tls: boolean;
}

/** Where the passwords are. */
export function credentialsPath(userDirectory: string): string {
  return `${userDirectory}/credentials.json`;
}

/**
 * The URL with the password that the user has stored for its place; `undefined` when there is none. A URL
 * without a user means `default`, or the only user who is known there.
 *
 * @throws {InvalidArgumentError} when others may read the file, it is broken, or it has several users of
 * whom none is meant.
 */
export function withCredentials(url: string, userDirectory: string): string | undefined {
  const path = credentialsPath(userDirectory);
  const target = parseRedisUrl(url, "store");
  const place = placeOf(target);
  const known = readEntries(path).filter((entry) =>
    entry.place === place && (!entry.tls || target.tls !== undefined)
  );
  const wanted = target.auth?.user;
  const entry = known.find(({ user }) => user === (wanted ?? DEFAULT_USER)) ??
    (wanted === undefined && known.length === 1 ? known[0] : undefined);
  if (entry !== undefined) return signedIn(url, entry);
  if (wanted !== undefined || known.length === 0) return undefined;
  const users = known.map(({ user }) => printable(user, 64)).join(", ");
  throw new InvalidArgumentError(
    `Several users of ${place} are in ${path} (${users}): name one in the URL, USER@HOST`,
    { field: "store", value: place },
  );
}

/** The URL with this password, of its user or else of `default`. */
export function withPassword(url: string, password: string): string {
  const { auth } = parseRedisUrl(url, "url");
  return signedIn(url, { user: auth?.user ?? DEFAULT_USER, password });
}

/** Whether a password is stored with which the URL can be used: of its user, or of anybody when it names none. */
export function hasCredentials(url: string, userDirectory: string): boolean {
  const target = parseRedisUrl(url, "store");
  const place = placeOf(target);
  const wanted = target.auth?.user;
  return readEntries(credentialsPath(userDirectory)).some((entry) =>
    entry.place === place && (!entry.tls || target.tls !== undefined) &&
    (wanted ?? entry.user) === entry.user
  );
}

/** Stores a password for the URL's user and place, and gives the name it is stored under. */
export function addCredentials(url: string, password: string, userDirectory: string): string {
  const path = credentialsPath(userDirectory);
  const target = parseRedisUrl(url, "url");
  const name = `${target.auth?.user ?? DEFAULT_USER}@${placeOf(target)}`;
  const entry = { password, tls: target.tls !== undefined };
  readEntries(path);
  writePrivateFile(path, { ...readPrivateFile(path, "secret"), [name]: entry });
  return name;
}

/** Removes what is stored for the URL's place, of its user alone when it names one; gives the names. */
export function removeCredentials(url: string, userDirectory: string): readonly string[] {
  const path = credentialsPath(userDirectory);
  const target = parseRedisUrl(url, "url");
  const place = placeOf(target);
  const wanted = target.auth?.user;
  const names = readEntries(path)
    .filter((entry) => entry.place === place && (wanted ?? entry.user) === entry.user)
    .map(({ user }) => `${user}@${place}`);
  if (names.length === 0) return [];
  const kept = Object.entries(readPrivateFile(path, "secret"))
    .filter(([name]) => !names.includes(name));
  writePrivateFile(path, Object.fromEntries(kept));
  return names;
}

/** `host:port`, several with commas between, or the path of a socket. */
function placeOf({ hosts, path }: RedisTarget): string {
  return path ??
    hosts.map(({ host, port }) =>
      host.includes(":") ? `[${host.toLowerCase()}]:${port}` : `${host.toLowerCase()}:${port}`
    ).sort().join(",");
}

function readEntries(path: string): readonly Entry[] {
  return Object.entries(readPrivateFile(path, "secret")).map(([name, value]) => {
    const at = name.lastIndexOf("@");
    const { password, tls = false } = (value ?? {}) as { password?: unknown; tls?: unknown };
    if (at <= 0 || typeof password !== "string" || typeof tls !== "boolean") {
      throw unusable(
        path,
        `the entry "${printable(name, 80)}" is no {"password": "…"} under USER@HOST:PORT`,
      );
    }
    return { user: name.slice(0, at), place: name.slice(at + 1), password, tls };
  });
}

function signedIn(url: string, { user, password }: Pick<Entry, "user" | "password">): string {
  const userinfo = `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
  // A Unix socket's URL may have no slashes before its path.
  return url.replace(/^([^:]+:)(\/\/)?(?:[^/?#]*@)?/, `$1//${userinfo.replaceAll("$", "$$$$")}`);
}
