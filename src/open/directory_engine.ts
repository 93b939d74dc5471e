/**
 * The directory engine, as everything above the engines sees it.
 * @module
 */
import { leadsOutside } from "../config/within.ts";
import { isDirectory } from "../disk.ts";
import { printable } from "../name.ts";
import type { DirectoryPlace } from "../store_config.ts";
import type { EngineDescriptor } from "./engine_descriptor.ts";

/** Describes the engine with this store. */
export function directoryEngine({ directory }: DirectoryPlace): EngineDescriptor {
  return {
    location: directory,
    value: directory,
    identity: directory,
    trustedPlace: directory,
    // A directory is one project's already.
    isShared: false,
    hasDurability: true,
    hasPassword: false,
    hasSecrets: false,
    words: {
      get named() {
        return `the directory ${printable(directory, 300)}, outside the project`;
      },
      slow: "the host or its disk",
      wokenLate: "processes poll instead of being woken; see file_watch",
      place: "this file system",
    },
    needsTrust: (root) => leadsOutside(directory, root),
    withPassword: () => undefined,
    open: async (options) => {
      const { DirectoryStore } = await import("./directory.ts");
      return await DirectoryStore.open(directory, options);
    },
    hasState: (namespace) =>
      Promise.resolve(isFile(`${directory}/namespaces/${namespace}/store.db`)),
    testGround: (namespace) => {
      // Where no store is, one beside its place.
      const exists = isDirectory(`${directory}/namespaces`);
      const place = exists ? directory : `${directory}.${namespace}`;
      const home = `${place}/namespaces/${namespace}`;
      return Promise.resolve({
        store: { kind: "directory", directory: place },
        scratch: `${home}/number`,
        remove: () => Deno.remove(exists ? home : place, { recursive: true }),
      });
    },
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    // Any other obstacle is for the store to explain when it is opened.
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
