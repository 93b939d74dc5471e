/**
 * The Redis engine, as everything above the engines sees it. Of its code only what reads a URL is loaded with this.
 * @module
 */
import { parseRedisUrl, redactUrl } from "../engine/redis/url.ts";
import { exists, removeIfPresent } from "../disk.ts";
import { printable } from "../name.ts";
import type { RedisPlace } from "../store_config.ts";
import type { EngineDescriptor } from "./engine_descriptor.ts";

/** Describes the engine with this store. */
export function redisEngine({ url }: RedisPlace): EngineDescriptor {
  const hasPassword = () => (parseRedisUrl(url, "store").auth?.password ?? "") !== "";
  return {
    get location() {
      return redactUrl(url);
    },
    value: url,
    get identity() {
      return identityOf(url);
    },
    get trustedPlace() {
      return trustedPlaceOf(url);
    },
    isShared: true,
    hasDurability: false,
    get hasPassword() {
      return hasPassword();
    },
    get hasSecrets() {
      return hasPassword() || (parseRedisUrl(url, "store").sentinelAuth?.password ?? "") !== "";
    },
    words: {
      get named() {
        return `the server ${printable(redactUrl(url), 300)}`;
      },
      slow: "the server or the network",
      wokenLate: "processes are woken late; is the server or this host overloaded?",
      place: "this server",
    },
    needsTrust: () => true,
    withPassword: (signedIn) => {
      const found = hasPassword() ? undefined : signedIn(url);
      return found === undefined ? undefined : { kind: "redis", url: found };
    },
    open: async ({ namespace, durability, clock, warn, acts, standIn }) => {
      if (standIn !== undefined && standIn.mode !== "never") {
        const [{ FailoverStore }, { siteDirectory }] = await Promise.all([
          import("./failover/store.ts"),
          import("./failover/site_files.ts"),
        ]);
        const directory = await siteDirectory(standIn.directory, identityOf(url));
        const { mode } = standIn;
        const options = { url, namespace, durability, clock, warn, acts, directory, mode };
        return await FailoverStore.open(options);
      }
      // Others of the project may have gone on in the directory. Where they never could, nothing more is loaded.
      if (standIn !== undefined && exists(standIn.directory)) {
        const { refuseWhileDirectoryDecides } = await import("./failover/decider.ts");
        const [fallback, identity] = [standIn.directory, identityOf(url)];
        const location = printable(redactUrl(url));
        await refuseWhileDirectoryDecides({ fallback, identity, namespace, location });
      }
      const [{ RedisStore }, { siteWithoutDirectory }] = await Promise.all([
        import("./redis.ts"),
        import("../engine/redis/sites.ts"),
      ]);
      const site = siteWithoutDirectory(Deno.hostname());
      return await RedisStore.open(url, { namespace, warn, hostNowMs: clock.nowMs, site });
    },
    hasState: async (namespace) => {
      const { hasState } = await import("../engine/redis/inspect.ts");
      return await hasState(url, namespace);
    },
    testGround: async (namespace, fallback) => {
      const [{ removeNamespace }, { siteDirectory, siteHome }] = await Promise.all([
        import("./remove_namespace.ts"),
        import("./failover/site_files.ts"),
      ]);
      const site = fallback && await siteDirectory(fallback, identityOf(url));
      const directory = await Deno.makeTempDir({ prefix: "agentcoord-selftest-" });
      return {
        store: { kind: "redis", url },
        scratch: `${directory}/number`,
        remove: async () => {
          await Deno.remove(directory, { recursive: true });
          if (site !== undefined) await removeIfPresent(siteHome(site, namespace));
          await removeNamespace(url, namespace);
        },
      };
    },
  };
}

/** The servers and the database, whoever signs in and however they are spoken to. */
function identityOf(url: string): string {
  const { kind, hosts, path, name, db } = parseRedisUrl(url, "store");
  return JSON.stringify([kind, hosts, path, name, db]);
}

/** The servers, spoken to in this way. Who signs in, which database and how long to wait makes no difference. */
function trustedPlaceOf(url: string): string {
  const { hosts, path, name, tls } = parseRedisUrl(url, "store");
  const scheme = /^[^:]+/.exec(url)?.[0].toLowerCase();
  if (path !== undefined) return `unix:${path}`;
  const places = hosts.map(({ host, port }) =>
    host.includes(":") ? `[${host.toLowerCase()}]:${port}` : `${host.toLowerCase()}:${port}`
  );
  const security = tls === undefined || scheme === "rediss"
    ? Object.entries(tls ?? {})
    : [["tls", "true"], ...Object.entries(tls)];
  const query = security.map(([key, value]) => `${key}=${value}`).join("&");
  return `${scheme}://${places.join(",")}${name === undefined ? "" : `/${name}`}${
    query === "" ? "" : `?${query}`
  }`;
}
