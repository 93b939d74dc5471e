/**
 * The shell that starts a worker of this host, and starts it again.
 *
 * A worker ends by itself when it was told to, or has nothing left to do; otherwise something went wrong, and it is
 * started again. The pause before that doubles from a second to a minute, and begins anew once a worker has lasted for
 * a minute: one that dies at its start is not started over and over at full speed.
 * @module
 */

/** When a worker that has ended is started again. */
export type RestartPolicy = "never" | "on-failure" | "always";

/** Every {@linkcode RestartPolicy}. */
export const RESTART_POLICIES: readonly RestartPolicy[] = ["never", "on-failure", "always"];

/**
 * $1 is the file that the output is added to, $2 the policy, $3 how often to start again at most; behind them is the
 * worker's command. SIGTERM is passed on, each time it comes, and then nothing is started again. The worker is waited
 * for as long as it lives, however often the wait is interrupted.
 */
const SCRIPT = `
log=$1 policy=$2 left=$3
shift 3
exec </dev/null >>"$log" 2>&1
asked= child= pause=1
trap 'asked=yes; [ -z "$child" ] || kill -s TERM "$child" 2>/dev/null' TERM
trap '' HUP
while :; do
  began=$(date +%s)
  "$@" &
  child=$!
  [ -z "$asked" ] || kill -s TERM "$child"
  while :; do
    wait "$child"
    code=$?
    kill -s 0 "$child" 2>/dev/null || break
  done
  child=
  [ -z "$asked" ] || exit "$code"
  case $policy in
    never) exit "$code";;
    on-failure) [ "$code" -ne 0 ] || exit 0;;
  esac
  [ "$left" -gt 0 ] || { echo "agentcoord: worker ended with exit code $code, and is not started again"; exit "$code"; }
  left=$((left - 1))
  [ $(($(date +%s) - began)) -lt 60 ] || pause=1
  echo "agentcoord: worker ended with exit code $code; started again in $pause s, and $left times more"
  sleep "$pause" &
  child=$!
  wait "$child"
  child=
  [ -z "$asked" ] || exit "$code"
  pause=$((pause * 2))
  [ "$pause" -le 60 ] || pause=60
done
`;

/** How a worker is supervised. */
export interface SupervisorOptions {
  /** The file that its output is added to. */
  readonly log: string;
  readonly restart: RestartPolicy;
  /** How often it is started again at most. */
  readonly maxRestarts: number;
}

/** The words that start a supervisor with the worker's own words. */
export function supervised(
  words: readonly string[],
  { log, restart, maxRestarts }: SupervisorOptions,
): readonly [string, ...string[]] {
  return ["/bin/sh", "-c", SCRIPT, "agentcoord", log, restart, `${maxRestarts}`, ...words];
}
