/**
 * The schema of the directory store, as its engine is handed it. The migrations themselves are loaded only to
 * create a store or to bring an older one forward.
 * @module
 */
import { newestVersion, type Schema } from "../engine/directory/schema.ts";

/** The digest after each migration; a test computes them anew. */
export const SCHEMA: Schema = {
  digests: [
    "c06460f9509a7e03a1d1f83760d32ab73cdc39fecbf4116c5438cdcc35287636",
    "a5ac727146c2255646a87cd514b749ae38a4954871dabc109d4b865409ba3e14",
    "b8ba9dec78e154d630a0ba3603c63cc412f0b19a50f1c83c0617604bd8e8d115",
    "ae578190f829f4720b84629da2e0fca5f486c9822ae3614d6013fbe702baa6e8",
    "8ba879d0cbc7e6b6d5f03c236bdd82cef25888491d77578edd4d1d2b01d786d3",
    "507f105bafbe6f792bfb939a96f4b8ecb12d16269b3ea754616deeec6817609f",
  ],
  migrations: async () => (await import("./migrations.ts")).MIGRATIONS,
};

/** The schema this program reads and writes: the number of migrations. */
export const SCHEMA_VERSION: number = newestVersion(SCHEMA);
