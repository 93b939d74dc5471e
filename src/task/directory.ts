import type { Engine } from "../store/transaction.ts";
import type { TaskStore } from "./store.ts";
export class DirectoryTasks implements TaskStore {
  constructor(_engine: Engine) {}
}
