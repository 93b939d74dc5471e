import { type Cli, defineCommand } from "../src/cli/command.ts";
import { engineOf } from "../src/open/engines.ts";
import { addCredentials, credentialsPath, withPassword } from "../src/config/credentials.ts";
import { invalidSetting } from "../src/config/setting.ts";
import { parseStore } from "../src/config/store_value.ts";
import { userDirectory } from "../src/config.ts";
import { DeniedError, InvalidArgumentError, StoreUnavailableError } from "../src/errors.ts";
import { printable } from "../src/name.ts";

/** `agentcoord login` */
export const command = defineCommand({
  build: (command) =>
    command.argument("<url>", "the server, with the user but without a password")
      .option("--no-check", "store the password without trying it")
      .addHelpText(
        "after",
        "\nThe password is asked for at the terminal, or read from standard input. It is kept in\n" +
          "~/.config/agentcoord/credentials.json, for you alone, and used wherever a URL of that user and\n" +
          "server has none. It is tried first: one that the server refuses is not stored.",
      ),
  examples: [
    "agentcoord login rediss://ada@db.example:6379",
    'agentcoord login redis://db.example <"$PASSWORD_FILE"',
    "agentcoord login rediss://ada@db.example:6379 --no-check",
  ],
  run: async (cli, { check }, url) => {
    const directory = requireUserDirectory(cli);
    const plain = serverUrl(url);
    if (engineOf({ kind: "redis", url: plain }).hasPassword) {
      throw invalidSetting(
        "url",
        url,
        "leave the password out, as other users can read a command line; it is asked for",
      );
    }
    const password = await cli.secret("Password: ");
    if (password === "" || password.includes("\n")) {
      throw new InvalidArgumentError("Invalid password: give it as one line on standard input", {
        field: "password",
      });
    }
    if (check) await tryPassword(plain, password);
    return { name: addCredentials(plain, password, directory), path: credentialsPath(directory) };
  },
  text: ({ name, path }) =>
    `Stored the password of ${printable(name, Infinity)} in ${printable(path, Infinity)}.\n`,
});

/** Signs in once. */
async function tryPassword(url: string, password: string): Promise<void> {
  const { RedisConnection } = await import("../src/engine/redis/connection.ts");
  try {
    const connection = await RedisConnection.open(withPassword(url, password));
    await connection.close();
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    const { message, details, retryable } = error;
    if (details.reason === "auth") throw new DeniedError(`${message}; nothing was stored`, details);
    throw new StoreUnavailableError(
      `${message}; the password was not tried, and nothing was stored (--no-check stores it untried)`,
      details,
      retryable,
      error,
    );
  }
}

/** Where the user's own files are. */
export function requireUserDirectory({ env }: Cli): string {
  const directory = userDirectory(env);
  if (directory !== undefined) return directory;
  throw new InvalidArgumentError("No place for your own settings: set HOME or XDG_CONFIG_HOME", {
    field: "HOME",
  });
}

/** The argument, when it is the URL of a server. */
export function serverUrl(url: string): string {
  const store = parseStore({ value: url, field: "url", source: "url" }, "/");
  if (store.kind === "redis") return store.url;
  throw invalidSetting("url", url, "use the URL of a server, such as redis://db.example:6379");
}
