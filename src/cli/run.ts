/**
 * Runs one command line: finds the command, loads only that, parses, executes, prints, and answers with
 * the exit code.
 * @module
 */
import { CommanderError } from "commander";
import type { Config } from "../config.ts";
import type { RoomContext } from "../context.ts";
import { realPath } from "../disk.ts";
import { formatDuration } from "../duration.ts";
import { asCoordError, CoordError, EXIT_CODES, InvalidArgumentError } from "../errors.ts";
import { printable } from "../name.ts";
import type { StoreWarning } from "../engine/warning.ts";
import { type AnyCommandSpec, type Cli, type EndingSignal, Exit, Page } from "./command.ts";
import { failureDocument, identifiers, successDocument, type View, viewOf } from "./output.ts";
import { buildProgram, type CommandList, findEntry, type GlobalOptions } from "./program.ts";
import { utf8Text } from "./utf8.ts";

/** Clocks this far apart are worth a word. */
const CLOCKS_DIFFER_MS = 5000;

/** Everything outside the program that running a command touches. */
export interface Surroundings extends CommandList {
  readonly env: Readonly<Record<string, string>>;
  /** Throws when the working directory has been removed. */
  readonly cwd: string;
  readonly host: () => string;
  readonly isTerminal: boolean;
  readonly columns: () => number;
  readonly stdin: () => Promise<Uint8Array>;
  /** Asks at the terminal without showing what is typed; `undefined` when standard input is none. */
  readonly secret: (prompt: string) => Promise<string> | undefined;
  /**
   * Returns once all of it is written.
   *
   * @throws {ReaderGone} when nobody reads it.
   * @throws {OutputError} when it cannot be written.
   */
  readonly stdout: (text: string) => Promise<void>;
  /** Whether nobody can see what is written there, although it can be written. */
  readonly isUnseen?: () => boolean;
  readonly stderr: (text: string) => Promise<void>;
  /** Receives the signal of which this process shall die in place of leaving with the exit code. */
  readonly dieOf?: (signal: EndingSignal) => void;
}

/** Runs `argv` and returns the process exit code. */
export async function run(argv: readonly string[], around: Surroundings): Promise<number> {
  const split = argv.indexOf("--");
  const words = split < 0 ? argv : argv.slice(0, split);
  const rest = split < 0 ? undefined : argv.slice(split + 1);
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

/** The result could not be written, as on a full disk. */
export class OutputError extends Error {}

/** Exit code of a call whose result could not be written; EX_IOERR of sysexits(3). */
const OUTPUT_FAILED = 74;

/** Why a step that follows the output is not taken. */
const UNSEEN =
  "Cannot write the output: standard output is closed, or a null device that was opened for " +
  "reading and writing; what nobody saw does not count as read (see inbox ack)";

/** One command line under way. */
class Call implements Cli {
  readonly #afterDashes: readonly string[] | undefined;
  rest: readonly string[] = [];
  readonly env: Readonly<Record<string, string>>;
  readonly #words: readonly string[];
  readonly #around: Surroundings;
  readonly #warnings: string[] = [];
  readonly #view: View;
  /** Steps to be taken once the result is written. */
  readonly #deliveries: (() => Promise<void>)[] = [];
  #isPrinted = false;
  #options: GlobalOptions = {};
  #config: Config | undefined;
  #resolved: Config | undefined;
  #context: RoomContext | undefined;
  /** Warnings that are being put into words. */
  #advising: Promise<void> | undefined;

  constructor(
    words: readonly string[],
    afterDashes: readonly string[] | undefined,
    around: Surroundings,
  ) {
    this.#words = words;
    this.#afterDashes = afterDashes;
    this.#around = around;
    this.env = around.env;
    this.#view = viewOf(around.isTerminal, around.env, around.columns, Date.now());
  }

  /** The present is when something is printed, by the store's clock where that is elsewhere. */
  get view(): View {
    const aheadMs = this.#context?.store.clockAheadMs ?? 0;
    return { ...this.#view, nowMs: Date.now() + (Math.abs(aheadMs) < 1000 ? 0 : aheadMs) };
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
      await program.parseAsync(await this.#parsed(), { from: "user" });
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

  /** What commander parses: all of it, unless what follows `--` is a command to run. */
  async #parsed(): Promise<string[]> {
    const rest = this.#afterDashes;
    const { commands, groups } = this.#around;
    const entry = rest && findEntry(commands, groups, this.#words);
    if (rest === undefined || entry === undefined) return [...this.#words];
    if (!(await entry.load()).command.takesRest) return [...this.#words, "--", ...rest];
    this.rest = rest;
    return [...this.#words];
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
    if (error instanceof OutputError) {
      this.tell(error.message);
      return OUTPUT_FAILED;
    }
    const failure = failureOf(error);
    await this.#report(failure);
    return EXIT_CODES[failure.code];
  }

  async #report(failure: CoordError): Promise<void> {
    await this.#advising;
    await this.#settle();
    this.#remarkClock();
    // A second document would make both unreadable.
    if (!this.json || this.#isPrinted) {
      await this.#around.stderr(`agentcoord: ${printable(failure.message, 2000)}\n`);
      return;
    }
    try {
      await this.#around.stdout(failureDocument(failure, this.#warnings) + "\n");
    } catch (error) {
      // The exit code still says what happened.
      if (error instanceof OutputError) this.tell(error.message);
      else if (!(error instanceof ReaderGone)) throw error;
    }
  }

  async close(): Promise<void> {
    await this.#context?.store.close({ exiting: true });
  }

  /** A call that asked for no setting until now: the file may still want JSON, unless words or environment do. */
  async #settle(): Promise<void> {
    if (this.json) return;
    try {
      await this.#resolve();
    } catch {
      // A call that needs it fails with it; any other does not.
    }
  }

  async config(): Promise<Config> {
    const { config, resolveAccess } = await this.#resolve();
    return this.#resolved ??= await resolveAccess(config, { check: false });
  }

  /** Loads the code for it: some calls need no settings. */
  async #resolve() {
    const { resolveAccess, resolveConfig } = await import("./settings.ts");
    const input = { flags: this.#options, env: this.env, cwd: this.cwd };
    return { config: this.#config ??= resolveConfig(input), resolveAccess };
  }

  async context(
    { agent, init = false }: { readonly agent?: string; readonly init?: boolean } = {},
  ): Promise<RoomContext> {
    if (this.#context !== undefined) return this.#context;
    const config = await this.config();
    if (config.denial !== undefined) (await import("../config/access.ts")).checkAccess(config);
    const name = agent ?? config.agent;
    const actor = name === undefined ? undefined : { name, host: this.#around.host() };
    const { lazyContext, passwordRemark, shownStore } = await import("./settings.ts");
    const place = printable(shownStore(config.store), 300);
    const absent = `No store here yet: the first command that writes makes ${place}`;
    const refusal = () => refusalOfEverybodysPlace(config, this.env.HOME);
    const making = init ? {} : {
      onAbsent: () => this.warn(refusal()?.message ?? absent),
      onMake: () => {
        const refused = refusal();
        if (refused !== undefined) throw refused;
      },
      onMade: () => this.warn(`Made a store in ${place}`),
    };
    const onOpen = () => this.#remark(config, { init, password: passwordRemark(config) });
    const onWarning = (warning: StoreWarning) => this.#advise(warning, config);
    return this.#context = lazyContext({ ...config, actor, onWarning }, {
      onOpen,
      ...making,
      warn: (message) => this.warn(message),
    });
  }

  /** Loads the words for it when there is something to say: most calls have nothing. */
  #advise(warning: StoreWarning, { project }: Config): void {
    const advice = this.#advising;
    this.#advising = import("./warning_text.ts").then(async ({ warningTexts }) => {
      await advice;
      for (const text of warningTexts(warning, project)) this.warn(text);
    });
  }

  /** What its settings have about them that whoever uses the store should know. */
  #remark(
    { remarks }: Config,
    { init, password }: { readonly init: boolean; readonly password: string | undefined },
  ): void {
    for (const { kind, text } of remarks) {
      if (kind !== "migration" || !init) this.warn(text);
    }
    if (password !== undefined) this.warn(password);
  }

  delivered(step: () => Promise<void>): void {
    this.#deliveries.push(step);
  }

  /** A store whose clock is elsewhere dates things in the future, which puzzles whoever compares. */
  #remarkClock(): void {
    const aheadMs = this.#context?.store.clockAheadMs ?? 0;
    if (Math.abs(aheadMs) < CLOCKS_DIFFER_MS) return;
    this.warn(
      `The store's clock is ${formatDuration(Math.abs(aheadMs))} ${
        aheadMs > 0 ? "ahead of" : "behind"
      } ` +
        "this host's: a clock was set, or is wrong; leases last as long as they should, instants are that far " +
        "off; agentcoord doctor tells more",
    );
  }

  stdin(): Promise<Uint8Array> {
    return this.#around.stdin();
  }

  async secret(prompt: string): Promise<string> {
    return await this.#around.secret(prompt) ??
      utf8Text(await this.stdin(), "standard input").replace(/\r?\n$/, "");
  }

  async line(data: unknown, text: string): Promise<void> {
    const shown = this.#options.quiet ? identifiers(data) : text;
    await this.#around.stdout(this.json ? `${JSON.stringify(data)}\n` : shown);
  }

  warn(message: string): void {
    this.#warnings.push(message);
    if (!this.#options.quiet) {
      this.#around.stderr(`agentcoord: warning: ${printable(message, Infinity)}\n`);
    }
  }

  note(message: string): void {
    if (!this.#options.quiet && !this.json) this.#around.stderr(`${printable(message, 2000)}\n`);
  }

  tell(message: string): void {
    this.#around.stderr(`agentcoord: ${printable(message, 2000)}\n`);
  }

  /** A list that was cut says so, also to those who asked for identifiers alone. */
  async #tellMore(cursor: string, leftOut: string | undefined): Promise<void> {
    if (this.json) return;
    const { moreText } = await import("./more_text.ts");
    const message = moreText(this.#words, cursor, leftOut);
    if (this.#options.quiet) this.tell(message);
    else this.note(message);
  }

  #runLeaf(
    spec: AnyCommandSpec,
    options: GlobalOptions & Record<string, unknown>,
    args: readonly unknown[],
  ): Promise<unknown> {
    this.#options = options;
    return spec.run(this, options, ...args);
  }

  async #print(spec: AnyCommandSpec, result: unknown): Promise<number> {
    if (result instanceof Exit) {
      if (result.failure !== undefined) await this.#report(result.failure);
      if (result.signal !== undefined) this.#around.dieOf?.(result.signal);
      return result.code;
    }
    const { rows: data, nextCursor, leftOut } = result instanceof Page
      ? result
      : { rows: result, nextCursor: undefined, leftOut: undefined };
    if (this.#deliveries.length > 0 && this.#around.isUnseen?.()) throw new OutputError(UNSEEN);
    await this.#advising;
    await this.#settle();
    this.#remarkClock();
    if (this.json) {
      await this.#around.stdout(successDocument(data, nextCursor, this.#warnings) + "\n");
    } else if (this.#options.quiet) {
      await this.#around.stdout(identifiers(data));
    } else {
      await this.#around.stdout(await spec.text(data, this.view));
    }
    if (nextCursor !== undefined) await this.#tellMore(nextCursor, leftOut);
    this.#isPrinted = true;
    for (const step of this.#deliveries) await step();
    return 0;
  }
}

/** Everything below the home directory, or the root of all files, would share a store made there. */
function refusalOfEverybodysPlace({ project: { root }, sources }: Config, home?: string) {
  if (sources.store !== "default" || (root !== "/" && root !== realPath(home))) return undefined;
  return new InvalidArgumentError(
    `No store is made in ${
      printable(root, 300)
    }, which everything below would share: go to a project, ` +
      'name a --store, or say that you want it here with "agentcoord init"',
    { field: "store", value: printable(root, 300) },
  );
}

/** Every failure in our words: parsing failures are usage errors, the unforeseen is internal. */
function failureOf(error: unknown): CoordError {
  if (error instanceof CommanderError) {
    const help = error.code === "commander.help" ? "Name a command; see --help" : error.message;
    const message = printable(help.replace(/^error: /, "").replace(/\s*\n\s*/g, " "), 2000);
    return new InvalidArgumentError(message.charAt(0).toUpperCase() + message.slice(1));
  }
  return asCoordError(error);
}
