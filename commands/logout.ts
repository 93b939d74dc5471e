import { defineCommand } from "../src/cli/command.ts";
import { removeCredentials } from "../src/config/credentials.ts";
import { NotFoundError } from "../src/errors.ts";
import { printable } from "../src/name.ts";
import { redactUrl } from "../src/config.ts";
import { requireUserDirectory, serverUrl } from "./login.ts";

/** `agentcoord logout` */
export const command = defineCommand({
  build: (command) => command.argument("<url>", "the server; with a user, of that user only"),
  examples: [
    "agentcoord logout redis://db.example",
    "agentcoord logout rediss://ada@db.example:6379",
  ],
  run: (cli, _options, url) => {
    const removed = removeCredentials(serverUrl(url), requireUserDirectory(cli));
    if (removed.length > 0) return Promise.resolve({ removed });
    throw new NotFoundError(`No password is stored for ${printable(redactUrl(url))}`, {
      url: printable(redactUrl(url)),
    });
  },
  text: ({ removed }) =>
    removed.map((name) => `Removed the password of ${printable(name, Infinity)}.\n`).join(""),
});
