import type { Engine } from "../store/transaction.ts";
import type { BoardStore } from "./store.ts";
export class DirectoryBoard implements BoardStore {
  constructor(_engine: Engine) {}
}
