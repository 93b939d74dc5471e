import { type Cli, defineCommand } from "../src/cli/command.ts";
import { engineOf } from "../src/open/engines.ts";
import { addCredentials, credentialsPath } from "../src/config/credentials.ts";
import { invalidSetting } from "../src/config/setting.ts";
import { parseStore } from "../src/config/store_value.ts";
import { userDirectory } from "../src/config.ts";
import { InvalidArgumentError } from "../src/errors.ts";
import { printable } from "../src/name.ts";

/** `agentcoord login` */
export const command = defineCommand({
  build: (command) =>
    command.argument("<url>", "the server, with the user but without a password")
      .addHelpText(
        "after",
        "\nThe password is asked for at the terminal, or read from standard input. It is kept in\n" +
          "~/.config/agentcoord/credentials.json, for you alone, and used wherever a URL of that user and\n" +
          "server has none.",
      ),
  examples: [
    "agentcoord login rediss://ada@db.example:6379",
    'agentcoord login redis://db.example <"$PASSWORD_FILE"',
  ],
  run: async (cli, _options, url) => {
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
    return { name: addCredentials(plain, password, directory), path: credentialsPath(directory) };
  },
  text: ({ name, path }) =>
    `Stored the password of ${printable(name, Infinity)} in ${printable(path, Infinity)}.\n`,
});

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
