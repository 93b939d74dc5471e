/**
 * The demo's scratch project: a small git repository, the tasks to be done in it, and what it must
 * look like afterwards.
 * @module
 */
import { CoordError } from "../../src/errors.ts";

/** What a demo task tells its worker, as the task's payload. */
export interface Job {
  /** File to edit. */
  readonly file: string;
  /** Line to add to it. */
  readonly line: string;
  /** How long the work takes. */
  readonly workMs: number;
  /** Ask for approval before the edit. */
  readonly approval?: boolean;
  /** The worker that does this first is killed while it does. */
  readonly doomed?: boolean;
}

/** One task of the demo, as a line for `task add --from`. */
export interface DemoTask {
  readonly title: string;
  readonly priority: number;
  readonly tags: readonly string[];
  readonly leaseMs: number;
  readonly dependsOn?: readonly number[];
  readonly payload: Job & Readonly<Record<string, string | number | boolean>>;
}

/** Length of the demo's leases: a dead worker's task comes back after at most this long. */
export const DEMO_LEASE_MS = 2000;

/** Where programs are looked for when the environment does not say, as execvp(3) does. */
const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

const FILES: Readonly<Record<string, string>> = {
  "README.md": "# Corner shop\n\nA shop that agents work on.\n",
  "src/auth.ts": "export function login(name: string) {\n  return name;\n}\n",
  "src/cart.ts": "export const cart: string[] = [];\n",
  "web/login.html": "<form><input name=user></form>\n",
  "docs/guide.md": "# Guide\n",
  "CHANGELOG.md": "# Changes\n",
};

function task(
  title: string,
  priority: number,
  tags: readonly string[],
  payload: Job & Readonly<Record<string, string | number | boolean>>,
  dependsOn?: readonly number[],
): DemoTask {
  const base = { title, priority, tags, leaseMs: DEMO_LEASE_MS, payload };
  return dependsOn === undefined ? base : { ...base, dependsOn };
}

/** The work: two tasks edit one file, one needs an approval, one loses its first worker. */
export const TASKS: readonly DemoTask[] = [
  task("Rate-limit the login", 9, ["backend"], {
    file: "src/auth.ts",
    line: "// rate limit: 5 tries a minute",
    workMs: 3500,
    doomed: true,
  }),
  task("Hash passwords", 8, ["backend"], {
    file: "src/auth.ts",
    line: "// passwords: argon2id",
    workMs: 400,
  }),
  task("Empty the cart after checkout", 5, ["backend"], {
    file: "src/cart.ts",
    line: "export const empty = () => cart.splice(0);",
    workMs: 400,
  }),
  task("Label the login form", 6, ["frontend"], {
    file: "web/login.html",
    line: "<!-- labelled -->",
    workMs: 400,
  }),
  task("Explain the cart", 3, ["docs"], {
    file: "docs/guide.md",
    line: "The cart empties itself after checkout.",
    workMs: 300,
  }),
  task("Translate the guide", 2, ["docs"], {
    file: "docs/guide.md",
    line: "Der Warenkorb leert sich selbst.",
    workMs: 300,
  }),
  task("Release version 1.1", 7, ["backend", "frontend"], {
    file: "README.md",
    line: "Version 1.1",
    workMs: 200,
    approval: true,
  }, [0, 1, 2, 3]),
];

/** Makes the repository in `directory` and commits its files; git is looked for in `path`. */
export async function makeProject(directory: string, path = DEFAULT_PATH): Promise<void> {
  for (const [path, text] of Object.entries(FILES)) {
    const file = `${directory}/${path}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  await git(directory, path, "init", "--quiet");
  await git(directory, path, "add", ".");
  const who = ["-c", "user.name=demo", "-c", "user.email=demo@localhost"];
  await git(directory, path, ...who, "commit", "--quiet", "-m", "A shop");
}

async function git(directory: string, path: string, ...args: string[]): Promise<void> {
  const command = new Deno.Command("git", {
    args,
    cwd: directory,
    env: { PATH: path },
    stdin: "null",
    stdout: "null",
  });
  try {
    const { success, stderr } = await command.output();
    if (success) return;
    const reason = new TextDecoder().decode(stderr).trim();
    throw new CoordError("internal", `git ${args.at(-1)} failed: ${reason}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new CoordError("internal", "The demo needs git on PATH; install git and try again");
  }
}

/** Every way in which the project's files are not what the finished tasks must have left. */
export async function wrongFiles(directory: string): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const [path, before] of Object.entries(FILES)) {
    const lines = TASKS.filter(({ payload }) => payload.file === path).map(({ payload }) =>
      payload.line
    );
    const added = path === "CHANGELOG.md" ? TASKS.map(({ title }) => `- ${title}`) : lines;
    const text = await Deno.readTextFile(`${directory}/${path}`);
    const got = text.startsWith(before)
      ? text.slice(before.length).split("\n").slice(0, -1)
      : [text];
    if (got.toSorted().join("\n") !== added.toSorted().join("\n")) {
      wrong.push(`${path} has ${JSON.stringify(got)} instead of ${JSON.stringify(added)}`);
    }
  }
  return wrong;
}
