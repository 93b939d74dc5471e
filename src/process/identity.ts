/**
 * Telling one process from another that has its number later.
 * @module
 */

/**
 * When a process was started, in whatever words the system has for it: the same for as long as it lives. `undefined`
 * when there is none, or one that has ended and was not waited for.
 */
export async function startOf(pid: number): Promise<string | undefined> {
  if (Deno.build.os === "linux") return startOnLinux(pid);
  const { success, stdout } = await new Deno.Command("/bin/ps", {
    args: ["-o", "state=,lstart=", "-p", `${pid}`],
    stderr: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).trim();
  return success && text !== "" && !text.startsWith("Z") ? text.replace(/^\S+\s+/, "") : undefined;
}

/** Ticks since the host was started (proc_pid_stat(5)), and which start of the host that was. */
function startOnLinux(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    return `${Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim()} ${fields[19]}`;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    // ESRCH while it is being read: it has just ended.
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return undefined;
    throw error;
  }
}
