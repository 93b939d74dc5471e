/**
 * What the value of a store's setting means: the URL of a server, or a directory; and how it is shown.
 *
 * A mistyped URL must not become a directory: two hosts would each make their own, and both would be
 * granted every lock.
 * @module
 */
import { checkText, LIMITS } from "../name.ts";
import { splitPath } from "../path.ts";
import { parseRedisUrl, REDIS_SCHEMES } from "../engine/redis/url.ts";
import { engineOf } from "../open/engines.ts";
import type { StoreConfig } from "../store_config.ts";
import { invalidSetting, type Setting } from "./setting.ts";

export type { StoreConfig } from "../store_config.ts";

const FIX = "use a URL with redis:, rediss:, redis+sentinel:, redis+cluster: or unix:, or a " +
  "directory such as ./state";
const AROUND = /^[\s"'`\u2018-\u201f]|[\s"'`\u2018-\u201f]$/u;
/** What a shell would have put something else for. */
const UNEXPANDED = /^(?!\.\/)(?:[~$]|.*\$\{)/s;

/**
 * Reads the value of a store's setting; a relative directory starts at `base`.
 *
 * @throws {InvalidArgumentError} for a wrong URL, and for what looks like one and is none.
 */
export function parseStore(setting: Setting, base: string): StoreConfig {
  const { value, field } = setting;
  if (typeof value !== "string" || value.trim() === "") throw invalidSetting(field, value, FIX);
  if (AROUND.test(value)) {
    throw invalidSetting(field, value, "leave out the quotes and spaces around it");
  }
  if (UNEXPANDED.test(value)) {
    const fix =
      "it was not expanded, as where no shell reads it; write out what it stands for, or " +
      "begin with ./ where the directory is called so";
    throw invalidSetting(field, value, fix);
  }
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(value)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (looksLikeServer(value)) {
      throw invalidSetting(field, value, `it is neither a URL nor plainly a directory; ${FIX}`);
    }
    checkText(value, field, { maxBytes: LIMITS.pathBytes });
    const parts = splitPath(value.startsWith("/") ? value : `${base}/${value}`);
    return { kind: "directory", directory: `/${parts.join("/")}` };
  }
  if (!REDIS_SCHEMES.includes(scheme)) {
    throw invalidSetting(field, value, `"${scheme.slice(0, 40)}:" is no store; ${FIX}`);
  }
  parseRedisUrl(value, field);
  return { kind: "redis", url: value };
}

/**
 * Whether text without a scheme was rather meant for a server: `redis//h`, `//:pw@h`, `ada:pw@h`,
 * `127.0.0.1:6379`. `./ada@work` is a directory, by its first characters.
 */
function looksLikeServer(value: string): boolean {
  return value.includes("://") || /^(?:redis|rediss|valkeys?|unix)\b[^/]*\/\//i.test(value) ||
    /^\/*:/.test(value) || /^\/\/[^/]*:/.test(value) || /^\/\/.*@/s.test(value) ||
    (!/^(?:\/|\.\.?\/)/.test(value) && (value.includes("@") || /^[^/]*:\d+(?:\/|$)/.test(value)));
}

/** The store without secrets: a directory, or the server's URL. */
export function shownStore(store: StoreConfig): string {
  return engineOf(store).location;
}

/** Whether both are one place, whoever signs in and however long is waited. */
export function isSameStore(one: StoreConfig, other: StoreConfig): boolean {
  return one.kind === other.kind && engineOf(one).identity === engineOf(other).identity;
}
