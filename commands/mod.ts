/**
 * The list of commands. A leaf's code is loaded only when it is called.
 * @module
 */
import type { CommandEntry, CommandGroup } from "../src/cli/run.ts";

/** Groups of commands, in the order help shows them. */
export const GROUPS: readonly CommandGroup[] = [
  { name: "lock", summary: "lock files and directories" },
  { name: "approval", summary: "ask somebody before acting" },
];

/** Every command, in the order help shows them. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    path: "lock acquire",
    summary: "take locks on paths, all or none",
    load: async () => (await import("./lock/acquire.ts")).command,
  },
  {
    path: "lock release",
    summary: "give locks back",
    load: async () => (await import("./lock/release.ts")).command,
  },
  {
    path: "lock renew",
    summary: "extend locks",
    load: async () => (await import("./lock/renew.ts")).command,
  },
  {
    path: "lock verify",
    summary: "check that a fence is still current",
    load: async () => (await import("./lock/verify.ts")).command,
  },
  {
    path: "lock break",
    summary: "end somebody's lock; audited",
    load: async () => (await import("./lock/break.ts")).command,
  },
  {
    path: "lock run",
    summary: "run a command while holding locks",
    load: async () => (await import("./lock/run.ts")).command,
  },
  {
    path: "lock list",
    summary: "show who holds what",
    load: async () => (await import("./lock/list.ts")).command,
  },
  {
    path: "locks",
    summary: "show who holds what",
    load: async () => (await import("./lock/list.ts")).command,
  },
  {
    path: "init",
    summary: "make the store, and keep settings for the project",
    load: async () => (await import("./init.ts")).command,
  },
  {
    path: "doctor",
    summary: "find out whether the store works here, and why not",
    load: async () => (await import("./doctor.ts")).command,
  },
  {
    path: "config",
    summary: "show every setting and where it comes from",
    load: async () => (await import("./config.ts")).command,
  },
  {
    path: "completions",
    summary: "print a script that completes commands in your shell",
    load: async () => (await import("./completions.ts")).command,
  },
  {
    path: "version",
    summary: "print the version and what it runs on",
    load: async () => (await import("./version.ts")).command,
  },
  {
    path: "approval run",
    summary: "run a command once it is approved",
    load: async () => (await import("./approval/run.ts")).command,
  },
];
