import { type Cli, defineCommand } from "../src/cli/command.ts";
import { table } from "../src/cli/output.ts";
import { parseStore, shownStore } from "../src/config/store_value.ts";
import { addTrust, readTrust, removeTrust } from "../src/config/trust.ts";
import { hasCredentials } from "../src/config/credentials.ts";
import { type Config, type StoreConfig } from "../src/config.ts";
import { InvalidArgumentError, NotFoundError } from "../src/errors.ts";
import { printable } from "../src/name.ts";
import { requireUserDirectory } from "./login.ts";
import { engineOf } from "../src/open/engines.ts";

/** `agentcoord trust` */
export const command = defineCommand({
  build: (command) =>
    command.argument("[store]", "a server or directory (default: the one the project's file names)")
      .option("--list", "show what every project may name")
      .option("--revoke", "take it back: for one store, or all of this project")
      .addHelpText(
        "after",
        "\nWhoever runs that server sees everything your agents coordinate, and can approve what they ask\n" +
          "for. A server or outside directory that only the project's agentcoord.json names is therefore\n" +
          "not used until you say so here, once for each project.",
      ),
  examples: [
    "agentcoord trust",
    "agentcoord trust redis://db.example:6379",
    "agentcoord trust --list",
    "agentcoord trust --revoke",
  ],
  run: async (cli, { list, revoke }, text) => {
    const directory = requireUserDirectory(cli);
    if (list) return { trusted: readTrust(directory), list: true };
    const config = await cli.config();
    const { root } = config.project;
    const given = text === undefined ? undefined : storeOf(text, cli);
    if (revoke) {
      const revoked = removeTrust(directory, root, given);
      const places = [...revoked.map(({ place }) => place), ...placesOf(given ?? config)];
      const [known] = places.filter((place) => isSignedIn(place, directory));
      const still = known && `The password that you stored for ${printable(known, 300)} lets the ` +
          `files of every project name it; to take that back, too: agentcoord logout ${
            printable(known, 300)
          }`;
      if (revoked.length > 0) {
        if (still !== undefined) cli.warn(still);
        return { revoked };
      }
      throw new NotFoundError(
        `Nothing is trusted for the project ${printable(root, 300)}${
          still === undefined ? "" : `. ${still}`
        }`,
        { root },
      );
    }
    const store = given ?? storeOfFile(config);
    return {
      trusted: [{ root, place: engineOf(store).trustedPlace }],
      added: addTrust(directory, root, store),
    };
  },
  text: (data, view) => {
    if (data.revoked !== undefined) {
      return data.revoked.map(({ root, place }) =>
        `What was agreed to is forgotten: ${printable(root, Infinity)} naming ${
          printable(place, Infinity)
        }.\n`
      ).join("");
    }
    if (data.list) {
      return table(
        data.trusted,
        [
          { title: "PROJECT", value: ({ root }) => root },
          { title: "MAY NAME", value: ({ place }) => place },
        ],
        view,
        "Nothing is trusted.",
      );
    }
    return data.trusted.map(({ root, place }) =>
      `${printable(root, Infinity)} may name ${printable(place, Infinity)}${
        data.added ? "" : ", as before"
      }.\n`
    ).join("");
  },
});

/** The server that is meant, as a URL; none for a directory. */
function placesOf(meant: StoreConfig | Config): readonly string[] {
  if ("kind" in meant) return meant.kind === "redis" ? [engineOf(meant).trustedPlace] : [];
  const url = meant.credentials?.plainUrl;
  return url === undefined ? [] : [engineOf({ kind: "redis", url }).trustedPlace];
}

function isSignedIn(place: string, userDirectory: string): boolean {
  return /^[a-z+]+:/.test(place) && hasCredentials(place, userDirectory);
}

function storeOf(text: string, { cwd }: Cli): StoreConfig {
  const store = parseStore({ value: text, field: "store", source: "store" }, cwd);
  if (!engineOf(store).hasPassword) return store;
  throw new InvalidArgumentError(
    `Invalid store "${
      printable(shownStore(store))
    }": leave the password out; agentcoord login keeps it`,
    { field: "store", value: printable(shownStore(store)) },
  );
}

/** What only the project's file names, whatever else is set besides. */
function storeOfFile({ store, sources, project, credentials }: Config): StoreConfig {
  const { configPath, oldConfigPath } = project;
  const isProjects = [configPath, oldConfigPath, "default"].includes(sources.store);
  const plain: StoreConfig = credentials === undefined
    ? store
    : { kind: "redis", url: credentials.plainUrl };
  if (isProjects && engineOf(plain).needsTrust(project.root)) return plain;
  throw new InvalidArgumentError(
    isProjects
      ? "The project's file names no server and no directory outside of it: nothing needs your consent"
      : `${sources.store} names the store, which needs no further consent; to agree to what the ` +
        "project's file names, leave that out, or name it: agentcoord trust STORE",
    { field: "store", value: printable(shownStore(store), 300) },
  );
}
