// change_dier.ts CHANGE URL NAMESPACE DIRECTORY NOW_MS AT SLOT LOG: makes a change of authority, and dies by SIGKILL ahead of
// its AT-th write; each write is noted in LOG before it is made.
import { watchWrites } from "../writes.ts";
import { openLog } from "../fleet.ts";
import { type AuthorityChangeName, changeAuthority, frozenClock } from "../outage_scene.ts";

const [change, url, namespace, directory, nowMs, at, , log] = Deno.args as [
  AuthorityChangeName,
  ...[string, string, string, string, string, string, string],
];
const record = openLog(log);
let writes = 0;
let isNoting = false;
watchWrites((write) => {
  if (isNoting) return;
  if (++writes === Number(at)) Deno.kill(Deno.pid, "SIGKILL");
  isNoting = true;
  record({ write });
  isNoting = false;
});
await changeAuthority(change, { url, namespace, directory, clock: frozenClock(Number(nowMs)) });
