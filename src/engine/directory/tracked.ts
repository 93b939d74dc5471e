/**
 * State that came with a git repository.
 *
 * Whoever committed it decides what it says: which approvals were given, which locks are held, what the time is.
 * A store on this host has a mark for its own files (mark.ts); a clone cannot have one. So a store without such a
 * mark is looked for in git's index, and refused when it is there. A store that was copied back from a backup
 * is in no index, and is used.
 * @module
 */
import { StoreUnavailableError } from "../../errors.ts";

/** Refuses the namespace in `home` when git tracks its database, or whatever `name` says; `""` is anything in it. */
export function refuseTracked(home: string, name?: string): void {
  if (!isTracked(home, name)) return;
  throw new StoreUnavailableError(
    `Cannot use the store: ${home} came with the git repository around it, so whoever committed it decides ` +
      `what it says; move it away to start an empty store, or, if it is yours, stop tracking it with ` +
      `git rm -r --cached`,
    { path: home },
  );
}

/** Whether an index of the git repository around `home` lists its database, or what begins with `name` there. */
export function isTracked(home: string, name = "store.db"): boolean {
  const real = Deno.realPathSync(home);
  for (let top = real; top !== "";) {
    top = top.slice(0, top.lastIndexOf("/"));
    const git = gitDirectoryOf(top);
    if (git === undefined) continue;
    const path = `${real.slice(top.length + 1)}/${name}`;
    const flagsAt = usesSha256(git) ? FLAGS_AT.sha256 : FLAGS_AT.sha1;
    return indexesOf(git).some((index) => lists(index, path, flagsAt));
  }
  return false;
}

/** Where an entry's flags stand (gitformat-index(5)): behind ten numbers and the object's name. */
const FLAGS_AT = { sha1: 60, sha256: 72 } as const;
const EXTENDED = 0x4000;

function gitDirectoryOf(top: string): string | undefined {
  const path = `${top}/.git`;
  try {
    const info = Deno.statSync(path);
    if (info.isDirectory) return path;
    if (!info.isFile || info.size > 8192) return undefined;
  } catch (error) {
    // Not a checkout, or one that this process may not look into: then git says nothing about the store.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
  const target = /^gitdir: (.+?)[\r\n]*$/.exec(new TextDecoder().decode(read(path)))?.[1];
  if (!target) return undefined;
  return target.startsWith("/") ? target : `${top}/${target}`;
}

function usesSha256(git: string): boolean {
  const config = new TextDecoder().decode(read(`${git}/config`));
  return /^\s*objectformat\s*=\s*sha256\s*$/im.test(config);
}

/** The index, and the one that it builds on when it is a split one: it names that one by its hash. */
function indexesOf(git: string): Uint8Array[] {
  const index = read(`${git}/index`);
  const text = latin(index);
  const shared = [...Deno.readDirSync(git)].flatMap(({ name, isFile }) => {
    const hash = isFile && /^sharedindex\.([0-9a-f]+)$/.exec(name)?.[1];
    return hash && text.includes(latin(decodeHex(hash))) ? [read(`${git}/${name}`)] : [];
  });
  return [index, ...shared];
}

/** Whether an index of version 2, 3 or 4 has an entry of this path, or one below it where it ends with a slash. */
function lists(index: Uint8Array, path: string, flagsAt: number): boolean {
  const wanted = latin(new TextEncoder().encode(path));
  if (index.length < 12) return false;
  const view = new DataView(index.buffer, index.byteOffset, index.length);
  const version = view.getUint32(4);
  if (view.getUint32(0) !== 0x44495243 || version < 2 || version > 4) return false;
  let name = "";
  for (let left = view.getUint32(8), at = 12; left > 0; left--) {
    const start = at;
    if (start + flagsAt + 4 > index.length) return false;
    at += flagsAt + (view.getUint16(start + flagsAt) & EXTENDED ? 4 : 2);
    let kept = "";
    if (version === 4) {
      // How much of the name before is left out, as git writes offsets: seven bits a byte.
      let dropped = index[at]! & 0x7f;
      while (index[at++]! & 0x80) dropped = ((dropped + 1) << 7) | (index[at]! & 0x7f);
      kept = name.slice(0, name.length - dropped);
    }
    const end = index.indexOf(0, at);
    if (end === -1) return false;
    name = kept + latin(index.subarray(at, end));
    if (name === wanted || (wanted.endsWith("/") && name.startsWith(wanted))) return true;
    at = version === 4 ? end + 1 : start + Math.ceil((end - start + 1) / 8) * 8;
  }
  return false;
}

/** What a regular file holds; nothing where there is none that can be read. */
function read(path: string): Uint8Array {
  try {
    return Deno.statSync(path).isFile ? Deno.readFileSync(path) : new Uint8Array();
  } catch (error) {
    if (error instanceof Error && "code" in error) return new Uint8Array();
    throw error;
  }
}

function decodeHex(hash: string): Uint8Array {
  return new Uint8Array(hash.match(/../g)?.map((pair) => parseInt(pair, 16)) ?? []);
}

/** One character a byte, so that names in any encoding can be compared. */
function latin(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}
