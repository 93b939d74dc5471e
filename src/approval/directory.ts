import type { Engine } from "../store/transaction.ts";
import type { ApprovalStore } from "./store.ts";
export class DirectoryApprovals implements ApprovalStore {
  constructor(_engine: Engine) {}
}
