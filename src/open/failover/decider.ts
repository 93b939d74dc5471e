/**
 * Whether the project's directory decides now, for who works on Redis alone: nothing is made, locked or changed.
 * @module
 */
import { exists } from "../../disk.ts";
import { StoreUnavailableError } from "../../errors.ts";
import { lookAtFile } from "../../engine/directory/plain_file.ts";
import { isTracked } from "../../engine/directory/tracked.ts";
import { printable } from "../../name.ts";
import { type AuthorityRecord, RecordFile, refuseLostRecord } from "./record.ts";
import { siteDirectory, siteHome } from "./site_files.ts";

/**
 * The authority record in `home`; `undefined` where there is none that others of this site could go by.
 *
 * @throws {StoreUnavailableError} when it is damaged.
 */
export function usableRecord(home: string): AuthorityRecord | undefined {
  const path = `${home}/authority`;
  let file: Deno.FsFile | undefined;
  try {
    if (isTracked(home, "")) return undefined;
    if ((lookAtFile(path)?.size ?? 0) > 0) file = Deno.openSync(path, { read: true });
  } catch {
    return undefined; // Whatever it is, nobody of this site can use it either; or it is another user's.
  }
  if (file === undefined) {
    if (exists(home)) refuseLostRecord(home);
    return undefined;
  }
  try {
    return new RecordFile(path, file).peek();
  } finally {
    file.close();
  }
}

/** The server that somebody wants to work on alone, and the project's directory for all servers. */
export interface AloneOptions {
  readonly fallback: string;
  /** What makes two stores one. */
  readonly identity: string;
  readonly namespace: string;
  /** The server without secrets. */
  readonly location: string;
}

/**
 * Refuses to work on the server alone while the directory decides: what is held there would be granted again.
 *
 * @throws {StoreUnavailableError} then, and when the record is damaged, which may say so.
 */
export async function refuseWhileDirectoryDecides(options: AloneOptions): Promise<void> {
  const { fallback, identity, namespace, location } = options;
  const directory = await siteDirectory(fallback, identity);
  const record = usableRecord(siteHome(directory, namespace));
  if (record?.store !== "directory") return;
  const { sinceMs, reason } = record;
  throw new StoreUnavailableError(
    `Cannot use the store: ${
      printable(directory, 300)
    } stands in for the server at ${location} since ${
      new Date(sinceMs).toISOString()
    } and decides until everything in it is moved to the server; work without --fallback never, or move it first ` +
      "with agentcoord store failback --now --fallback auto",
    { location, fallback: "never", directory, since_ms: sinceMs, reason },
    true,
  );
}
