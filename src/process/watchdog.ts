/**
 * Ends a wrapped command when the wrapper itself is killed and can do nothing any more.
 *
 * A small shell, in a session of its own, reads from a pipe whose other end only the wrapper holds. The
 * kernel closes that end whatever ends the wrapper, and the shell then gives the command SIGTERM, the
 * grace, and SIGKILL. A lease is confirmed for longer than that at any moment at which the wrapper has
 * not yet begun to end the command itself, so the command ends before the lease lapses.
 * @module
 */

/**
 * $1 is `session` or `tree`, $2 the grace in tenths of a second, $3 the mark in the environment of all that the command
 * starts. The pipe brings the command's pid; when it ends without one, the wrapper was killed while it started the
 * command, which is then found by the mark. Nothing but these numbers and words of ours comes into it. No
 * process is named twice, as a second SIGTERM makes some programs leave at once.
 */
const SCRIPT = `
below() {
  for child in $(cat "/proc/$1/task/"*"/children" 2>/dev/null); do below "$child"; done
  printf '%s ' "$1"
}
third() { printf '%s' "$3"; }
marked() {
  grep -laF -e "$2" /proc/[0-9]*/environ 2>/dev/null | while IFS=/ read -r _ _ pid _; do
    read -r stat 2>/dev/null < "/proc/$pid/stat" || continue
    group=$(third \${stat##*") "})
    case " $1 " in *" $pid "* | *" -$group "*) ;; *) printf '%s ' "$pid" ;; esac
  done
}
targets() {
  found=
  if [ "$pid" ] && [ "$1" = session ]; then found=-$pid; elif [ "$pid" ]; then found=$(below "$pid"); fi
  printf '%s ' "$found"
  marked "$found" "$2"
}
send() {
  signal=$1
  shift
  for target; do kill -s "$signal" -- "$target" && sent=yes; done
}
pid=
read -r pid && read -r line
all=$(targets "$1" "$3")
send TERM $all
send CONT $all
tenths=0
while [ "$tenths" -lt "$2" ]; do
  sent=
  send 0 $all
  [ "$sent" ] || exit 0
  sleep 0.1
  tenths=$((tenths + 1))
done
send KILL $all $(targets "$1" "$3")
`;

/** Guards one command until it is dismissed. */
export class Watchdog {
  readonly #shell: Deno.ChildProcess | undefined;

  /**
   * Is started before the command, so that there is no moment in which nothing guards it. Without a shell on this
   * system nothing does.
   */
  constructor(
    { isSession, mark, graceMs }: {
      readonly isSession: boolean;
      readonly mark: string;
      readonly graceMs: number;
    },
  ) {
    const kind = isSession ? "session" : "tree";
    try {
      this.#shell = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT, "agentcoord", kind, `${Math.floor(graceMs / 100)}`, mark],
        cwd: "/",
        clearEnv: true,
        env: { PATH: "/usr/local/bin:/usr/bin:/bin" },
        detached: true,
        stdin: "piped",
        stdout: "null",
        stderr: "null",
      }).spawn();
    } catch {
      this.#shell = undefined;
    }
  }

  /** Names the command, which has been started. */
  async guard(pid: number): Promise<void> {
    if (this.#shell === undefined) return;
    const pipe = this.#shell.stdin.getWriter();
    try {
      await pipe.write(new TextEncoder().encode(`${pid}\n`));
    } catch {
      // The shell has ended: nothing guards, as where there is none.
    } finally {
      pipe.releaseLock();
    }
  }

  /** Calls it off: the command has ended. */
  dismiss(): void {
    try {
      this.#shell?.kill("SIGKILL");
    } catch (error) {
      // It ended before us, which it never does by itself.
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
