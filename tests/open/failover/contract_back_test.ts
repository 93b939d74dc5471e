/**
 * Every store's contract, on the store that fails over: see dev/failover_stores.ts for how Redis is.
 * @module
 */
import { failoverKind } from "../../../dev/failover_stores.ts";
import { onlyOn } from "../../../dev/stores.ts";

onlyOn([failoverKind("back")]);
await import("../../agent/contract_test.ts");
await import("../../approval/contract_test.ts");
await import("../../audit/contract_test.ts");
await import("../../board/contract_test.ts");
await import("../../event/contract_test.ts");
await import("../../lock/contract_test.ts");
await import("../../task/contract_test.ts");
await import("../../task/paths_test.ts");
