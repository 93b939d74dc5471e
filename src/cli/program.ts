/**
 * The program as commander knows it: a tree of commands of which only the called leaf is loaded.
 * @module
 */
import type { Command as TypedCommand } from "@commander-js/extra-typings";
import { Command, Option } from "commander";
import type { AnyCommandSpec } from "./command.ts";

/** The list of commands: how each is called, what it is for, and where its code is. */
export interface CommandEntry {
  /** Words that call it, such as `lock acquire`. */
  readonly path: string;
  /** One line for help. */
  readonly summary: string;
  /** Loads the leaf. */
  readonly load: () => Promise<{ readonly command: AnyCommandSpec }>;
  /** Runs when its group is called without a verb. */
  readonly isDefault?: boolean;
  /** Left out of help. */
  readonly hidden?: boolean;
}

/** A group of commands, such as `lock`. */
export interface CommandGroup {
  readonly name: string;
  readonly summary: string;
}

/** What the program is made of. */
export interface CommandList {
  readonly version: string;
  readonly commands: readonly CommandEntry[];
  readonly groups: readonly CommandGroup[];
}

/** Options that every command takes. */
export interface GlobalOptions {
  readonly store?: string;
  readonly namespace?: string;
  readonly agent?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly fallback?: string;
}

/** Global options that take a value, to be stepped over when looking for the command's words. */
const VALUE_OPTIONS = ["--store", "--namespace", "--agent", "--fallback"];
/** Options that may stand between the words without a value. */
const PLAIN_OPTIONS = ["--json", "--quiet", "-q", "--help", "-h", "--version", "-V"];
/** Words that ask for help. */
const HELP_WORDS = ["help", "--help", "-h"];

/** What parsing reports to. */
interface Handlers {
  readonly help: (text: string) => void;
  readonly execute: (
    spec: AnyCommandSpec,
    options: GlobalOptions & Record<string, unknown>,
    args: readonly unknown[],
  ) => Promise<void>;
}

/**
 * The tree of commands with only the called leaf filled in: the others are names and summaries, where
 * they are needed for help and for suggestions.
 */
export function buildProgram(
  list: CommandList,
  words: readonly string[],
  handlers: Handlers,
): Promise<Command> {
  const called = findEntry(list.commands, list.groups, words);
  const isFilled = (entry: CommandEntry) => entry === called;
  if (called === undefined || words.some((word) => HELP_WORDS.includes(word))) {
    return assemble(list, handlers, called, isFilled);
  }
  // The others could only be listed or suggested; leaving them out saves 2 ms of every call.
  const [group] = called.path.split(" ");
  const groups = list.groups.filter(({ name }) => name === group);
  return assemble(
    { version: list.version, commands: [called], groups },
    handlers,
    called,
    isFilled,
  );
}

/** The whole tree with every leaf loaded, for those who describe it; it runs nothing. */
export function buildFullProgram(list: CommandList): Promise<Command> {
  const idle = { help: () => undefined, execute: () => Promise.resolve() };
  return assemble(list, idle, undefined, () => true);
}

async function assemble(
  { version, commands, groups }: CommandList,
  handlers: Handlers,
  called: CommandEntry | undefined,
  isFilled: (entry: CommandEntry) => boolean,
): Promise<Command> {
  const program = prepare(new Command("agentcoord"), handlers)
    .description("Locks, tasks, messages and approvals for several agents on one codebase.")
    .usage("[options] <command>")
    .version(version, "-V, --version", "print the version")
    .helpCommand("help [command]", "explain a command")
    .option("--store <url|dir>", "where state lives (default: .agentcoord in the project)")
    .option("--namespace <name>", "one project's state in a store")
    .option("--agent <name>", "who acts (or AGENTCOORD_AGENT)")
    .option("--json", "print one JSON document")
    .option("-q, --quiet", "print identifiers only, and no warnings")
    .addOption(
      new Option("--fallback <mode>", "when a directory takes over from a server").choices([
        "auto",
        "directory",
        "never",
      ]),
    )
    .addHelpText("after", HELP_AFTER);
  const parents = new Map<string, Command>();
  for (const { name, summary } of groups) {
    const group = prepare(new Command(name), handlers).summary(summary).description(summary);
    const fallback = commands.find(({ path, isDefault }) =>
      isDefault === true && path.startsWith(`${name} `)
    );
    if (fallback !== undefined) {
      const full = `agentcoord ${fallback.path}`;
      group.addHelpText("after", `\nWithout a command: ${full}; see ${full} --help`);
    }
    parents.set(name, group);
    program.addCommand(group);
  }
  for (const entry of commands) {
    const [first = "", verb] = entry.path.split(" ");
    const leaf = prepare(new Command(verb ?? first), handlers).summary(entry.summary)
      .description(entry.summary);
    const parent = verb === undefined ? program : parents.get(first) ?? program;
    // A mistyped verb must not become an argument of the default, so only the called one is it.
    const isDefault = entry.isDefault === true && entry === called;
    parent.addCommand(leaf, { hidden: entry.hidden ?? false, isDefault });
    if (isFilled(entry)) fill(leaf, (await entry.load()).command, handlers);
  }
  return program;
}

const HELP_AFTER = `
Exit codes: 0 ok, 1 internal, 2 usage, 3 conflict, 4 not found, 5 lease lost, 6 timeout,
7 store unavailable, 8 denied, 9 nothing to claim, 74 the result could not be written.`;

function prepare(command: Command, handlers: Handlers): Command {
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .configureHelp({ showGlobalOptions: true, helpWidth: 100 })
    .configureOutput({
      writeOut: handlers.help,
      writeErr: () => undefined,
      getOutHasColors: () => false,
    });
}

function fill(leaf: Command, spec: AnyCommandSpec, { execute }: Handlers): void {
  spec.build(leaf as unknown as TypedCommand);
  const examples = spec.examples.map((line) => `  $ ${line}`).join("\n");
  leaf.addHelpText("after", `\nExamples:\n${examples}`);
  leaf.action((...values: unknown[]) => {
    const args = values.slice(0, leaf.registeredArguments.length);
    return execute(spec, leaf.optsWithGlobals(), args);
  });
}

/** The entry that these words call; groups without a verb mean their default. */
export function findEntry(
  commands: readonly CommandEntry[],
  groups: readonly CommandGroup[],
  words: readonly string[],
): CommandEntry | undefined {
  const names: string[] = [];
  for (let index = 0; index < words.length && names.length < 3; index++) {
    const word = words[index] ?? "";
    if (VALUE_OPTIONS.includes(word)) index++;
    else if (!word.startsWith("-")) names.push(word);
    // After a leaf's own option comes its value, which is no verb.
    else if (!PLAIN_OPTIONS.includes(word)) break;
  }
  if (names[0] === "help") names.shift();
  const [first = "", second = ""] = names;
  const exact = commands.find(({ path }) => path === `${first} ${second}`) ??
    commands.find(({ path }) => path === first);
  const isGroup = groups.some(({ name }) => name === first);
  if (exact !== undefined || !isGroup || second !== "") return exact;
  return commands.find(({ path, isDefault }) => isDefault && path.startsWith(`${first} `));
}
