import type { Engine } from "../store/transaction.ts";
import type { EventStore } from "./store.ts";
export class DirectoryEvents implements EventStore {
  constructor(_engine: Engine) {}
}
