import type { Engine } from "../store/transaction.ts";
import type { AuditStore } from "./store.ts";
export class DirectoryAudit implements AuditStore {
  constructor(_engine: Engine) {}
}
