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
 * $1 is the command's pid, $2 `session` or `tree`, $3 the grace in tenths of a second, $4 the mark in the
 * environment of all that it started. Nothing but these numbers and words of ours comes into it. No process
 * is named twice, as a second SIGTERM makes some programs leave at once.
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
  if [ "$2" = session ]; then found=-$1; else found=$(below "$1"); fi
  printf '%s ' "$found"
  marked "$found" "$3"
}
send() {
  signal=$1
  shift
  for target; do kill -s "$signal" -- "$target" && sent=yes; done
}
read -r line
all=$(targets "$1" "$2" "$4")
send TERM $all
send CONT $all
tenths=0
while [ "$tenths" -lt "$3" ]; do
  sent=
  send 0 $all
  [ "$sent" ] || exit 0
  sleep 0.1
  tenths=$((tenths + 1))
done
send KILL $all $(targets "$1" "$2" "$4")
`;

/** Guards one command until it is dismissed. */
export class Watchdog {
  readonly #shell: Deno.ChildProcess | undefined;

  /** Starts to guard the process `pid`. Without a shell on this system nothing guards it. */
  constructor(
    pid: number,
    { isSession, mark, graceMs }: {
      readonly isSession: boolean;
      readonly mark: string;
      readonly graceMs: number;
    },
  ) {
    const kind = isSession ? "session" : "tree";
    try {
      this.#shell = new Deno.Command("/bin/sh", {
        args: ["-c", SCRIPT, "agentcoord", `${pid}`, kind, `${Math.floor(graceMs / 100)}`, mark],
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
