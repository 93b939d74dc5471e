/**
 * Runs one command line: finds the command, loads only that, parses, executes, prints, and answers with
 * the exit code.
 * @module
 */
import { CommanderError } from "commander";
import type { Config } from "../config.ts";
import { checkAccess, hasPassword, resolveConfig } from "../config.ts";
import type { RoomContext } from "../context.ts";
import { CoordError, EXIT_CODES, InvalidArgumentError } from "../errors.ts";
import { printable } from "../name.ts";
import { lazyContext } from "../open.ts";
import { type AnyCommandSpec, type Cli, Exit, Page } from "./command.ts";
import { failureDocument, identifiers, successDocument, type View, viewOf } from "./output.ts";
import { buildProgram, type CommandList, type GlobalOptions } from "./program.ts";

/** Everything outside the program that running a command touches. */
export interface Surroundings extends CommandList {
  readonly env: Readonly<Record<string, string>>;
  /** Throws when the working directory has been removed. */
  readonly cwd: string;
  readonly host: () => string;
  readonly isTerminal: boolean;
  readonly columns: () => number;
  readonly stdin: () => Promise<string>;
  /** Asks at the terminal without showing what is typed; `undefined` when standard input is none. */
  readonly secret: (prompt: string) => Promise<string> | undefined;
  /** Throws {@linkcode ReaderGone} when nobody reads it. */
  readonly stdout: (text: string) => Promise<void>;
  readonly stderr: (text: string) => Promise<void>;
}

/** Runs `argv` and returns the process exit code. */
export async function run(argv: readonly string[], around: Surroundings): Promise<number> {
  const split = argv.indexOf("--");
  const words = split < 0 ? argv : argv.slice(0, split);
  const rest = split < 0 ? [] : argv.slice(split + 1);
  const call = new Call(words, rest, around);
  try {
    return await call.execute();
  } catch (error) {
    return await call.fail(error);
  } finally {
    await call.close();
  }
}

/** Nobody reads standard output any more, as after `| head`: no failure, but a stream ends with it. */
export class ReaderGone extends Error {}

/** One command line under way. */
class Call implements Cli {
  readonly rest: readonly string[];
  readonly view: View;
  readonly env: Readonly<Record<string, string>>;
  readonly #words: readonly string[];
  readonly #around: Surroundings;
  readonly #warnings: string[] = [];
  #options: GlobalOptions = {};
  #config: Config | undefined;
  #context: RoomContext | undefined;

  constructor(words: readonly string[], rest: readonly string[], around: Surroundings) {
    this.#words = words;
    this.rest = rest;
    this.#around = around;
    this.env = around.env;
    this.view = viewOf(around.isTerminal, around.env, around.columns, Date.now());
  }

  /** Asked for when it is needed: it may be gone, which is no matter to help, say. */
  get cwd(): string {
    try {
      return this.#around.cwd;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      throw new InvalidArgumentError(
        "The working directory is not there any more: go to one that is, with cd",
        { field: "cwd" },
      );
    }
  }

  get json(): boolean {
    // Before the words are parsed, and when they cannot be, the plain word decides.
    if (this.#options.json ?? this.#words.includes("--json")) return true;
    return this.#config?.json ?? /^(?:1|true|yes|on)$/i.test(this.env.AGENTCOORD_JSON ?? "");
  }

  async execute(): Promise<number> {
    let help = "";
    let outcome: { spec: AnyCommandSpec; data: unknown } | undefined;
    const program = await buildProgram(this.#around, this.#words, {
      help: (text) => help += text,
      execute: async (spec, options, args) => {
        outcome = { spec, data: await this.#runLeaf(spec, options, args) };
      },
    });
    try {
      await program.parseAsync([...this.#words], { from: "user" });
    } catch (error) {
      // Help and version were asked for, and are the result.
      if (!(error instanceof CommanderError) || error.exitCode !== 0) {
        throw this.#unexplained() ?? error;
      }
    }
    if (outcome === undefined) {
      await this.#around.stdout(help);
      return 0;
    }
    return await this.#print(outcome.spec, outcome.data);
  }

  /** `help lcok` explains nothing. */
  #unexplained(): CoordError | undefined {
    const [first, ...asked] = this.#words.filter((word) => !word.startsWith("-"));
    if (first !== "help" || asked.length === 0) return undefined;
    const words = printable(asked.join(" "), 80);
    return new InvalidArgumentError(`Unknown command '${words}'; see --help`);
  }

  /** Reports a failure and returns its exit code. */
  async fail(error: unknown): Promise<number> {
    if (error instanceof ReaderGone) return 0;
    const failure = asCoordError(error);
    await this.#report(failure);
    return EXIT_CODES[failure.code];
  }

  async #report(failure: CoordError): Promise<void> {
    this.#settle();
    if (!this.json) {
      await this.#around.stderr(`agentcoord: ${printable(failure.message, 2000)}\n`);
      return;
    }
    try {
      await this.#around.stdout(failureDocument(failure, this.#warnings) + "\n");
    } catch (error) {
      // The exit code still says what happened.
      if (!(error instanceof ReaderGone)) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#context?.store.close({ exiting: true });
  }

  /** A call that asked for no setting until now: the file may still want JSON. */
  #settle(): void {
    try {
      this.#config ??= resolveConfig({ flags: this.#options, env: this.env, cwd: this.cwd });
    } catch {
      // A call that needs it fails with it; any other does not.
    }
  }

  config(): Promise<Config> {
    this.#config ??= resolveConfig({ flags: this.#options, env: this.env, cwd: this.cwd });
    return Promise.resolve(this.#config);
  }

  async context({ agent }: { readonly agent?: string } = {}): Promise<RoomContext> {
    if (this.#context !== undefined) return this.#context;
    const config = await this.config();
    checkAccess(config);
    const name = agent ?? config.agent;
    const actor = name === undefined ? undefined : { name, host: this.#around.host() };
    const onOpen = () => this.#remark(config);
    return this.#context = lazyContext({ ...config, actor }, {
      onOpen,
      warn: (message) => this.warn(message),
    });
  }

  /** What its settings have about them that whoever uses the store should know. */
  #remark({ remarks, sources, store, credentials }: Config): void {
    for (const { text } of remarks) this.warn(text);
    if (sources.store !== "--store" || store.kind !== "redis" || credentials !== undefined) return;
    if (hasPassword(store.url)) {
      this.warn(
        "--store has a password, which other users of this host can read while the command runs; " +
          "give it in AGENTCOORD_STORE, or store it with agentcoord login",
      );
    }
  }

  stdin(): Promise<string> {
    return this.#around.stdin();
  }

  async secret(prompt: string): Promise<string> {
    return await this.#around.secret(prompt) ?? (await this.stdin()).replace(/\r?\n$/, "");
  }

  async line(data: unknown, text: string): Promise<void> {
    const shown = this.#options.quiet ? identifiers(data) : text;
    await this.#around.stdout(this.json ? `${JSON.stringify(data)}\n` : shown);
  }

  warn(message: string): void {
    this.#warnings.push(message);
    if (!this.#options.quiet) this.#around.stderr(`agentcoord: warning: ${printable(message)}\n`);
  }

  note(message: string): void {
    if (!this.#options.quiet && !this.json) this.#around.stderr(`${printable(message, 2000)}\n`);
  }

  tell(message: string): void {
    this.#around.stderr(`agentcoord: ${printable(message, 2000)}\n`);
  }

  #runLeaf(
    spec: AnyCommandSpec,
    options: GlobalOptions & Record<string, unknown>,
    args: readonly unknown[],
  ): Promise<unknown> {
    this.#options = options;
    if (this.rest.length > 0 && !spec.takesRest) {
      throw new InvalidArgumentError(
        `Unexpected "${
          printable(this.rest[0] ?? "")
        }" after "--": this command runs no other command`,
        { field: "--", value: this.rest },
      );
    }
    return spec.run(this, options, ...args);
  }

  async #print(spec: AnyCommandSpec, result: unknown): Promise<number> {
    if (result instanceof Exit) {
      if (result.failure !== undefined) await this.#report(result.failure);
      return result.code;
    }
    const { rows: data, nextCursor } = result instanceof Page
      ? result
      : { rows: result, nextCursor: undefined };
    this.#settle();
    if (this.json) {
      await this.#around.stdout(successDocument(data, nextCursor, this.#warnings) + "\n");
    } else if (this.#options.quiet) {
      await this.#around.stdout(identifiers(data));
    } else {
      await this.#around.stdout(await spec.text(data, this.view));
      if (nextCursor !== undefined) this.note(`More: --cursor ${nextCursor}`);
    }
    return 0;
  }
}

/** Every failure in our words: parsing failures are usage errors, the unforeseen is internal. */
function asCoordError(error: unknown): CoordError {
  if (error instanceof CoordError) return error;
  if (error instanceof CommanderError) {
    const help = error.code === "commander.help" ? "Name a command; see --help" : error.message;
    const message = help.replace(/^error: /, "").replace(/\s*\n\s*/g, " ");
    return new InvalidArgumentError(message.charAt(0).toUpperCase() + message.slice(1));
  }
  const message = error instanceof Error ? error.message : String(error);
  return new CoordError("internal", `Unexpected failure: ${message}`, { cause: error });
}
