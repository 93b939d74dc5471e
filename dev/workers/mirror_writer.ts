// mirror_writer.ts HOME STOP SLOT LOG: notes leases in the mirror of HOME until the file STOP exists.
import { Mirror } from "../../src/open/failover/mirror.ts";
import { isThere, openLog } from "../fleet.ts";

const [home, stop, slot, log] = Deno.args as [string, string, string, string];
const record = openLog(log);
const mirror = Mirror.open(home, 1);
for (let fence = 1; !isThere(stop); fence++) {
  const holder = `${slot}-${Deno.pid}`;
  const path = `${holder}/${fence}`;
  const rest = { mode: "exclusive", intent: "x".repeat(fence * 7 % 3000) } as const;
  const instants = { ttlMs: 1000, acquiredAtMs: 0, untilMs: 1000 };
  mirror.append({ op: "lease", leases: [{ path, holder, fence, ...rest, ...instants }] });
  record({ path });
}
mirror.close();
