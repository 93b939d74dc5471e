import type { Engine } from "../store/transaction.ts";
import type { AgentStore } from "./store.ts";
export class DirectoryAgents implements AgentStore {
  constructor(_engine: Engine) {}
}
