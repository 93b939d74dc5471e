/**
 * The table of what the Redis client and server say when they fail. It is matched against texts, as
 * scripts wrap the server's errors: `OOM … script: …` on 7, and on 6.2 `ERR Error running script (call to
 * f_…): @user_script:1: -OOM …`.
 * @module
 */
import { formatDuration } from "../../duration.ts";
import { quote } from "../../name.ts";

/** Why a Redis store cannot be used. */
export type RedisFailureReason =
  | "unreachable"
  | "timeout"
  | "lost"
  | "closed"
  | "auth"
  | "no_permission"
  | "database"
  | "too_old"
  | "not_redis"
  | "not_cluster"
  | "cluster"
  | "cluster_down"
  | "sentinel_name"
  | "tls"
  | "unsupported"
  | "readonly"
  | "out_of_memory"
  | "disk"
  | "loading"
  | "primary_down"
  | "too_few_replicas"
  | "too_many_clients"
  | "busy"
  | "foreign_keys";

/** What a sentence may need to know about the connection. */
export interface FailureContext {
  /** The server as a sentence names it, such as `127.0.0.1:6379`. */
  readonly place: string;
  /** The URL without secrets. */
  readonly location: string;
  readonly db: number;
  readonly tls: boolean;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  /** Secrets: no message shows them. */
  readonly secrets: readonly string[];
  /** The server was a replica already when it was connected to. */
  readonly replica: boolean;
  /** What the connection itself said last since it was ready. */
  readonly lastError?: unknown;
}

/** One kind of failure, known by what its text contains. */
export interface FailureRule {
  readonly matches: RegExp;
  readonly reason: RedisFailureReason;
  readonly retryable: boolean | ((context: FailureContext) => boolean);
  /** No answer came: whether the server may have seen the command. */
  readonly sent?: boolean;
  readonly sentence: (context: FailureContext, match: RegExpExecArray) => string;
}

/** The client gave up what it had sent, as the connection ended. */
export const LOST = /Reached the max retries per request|^Connection is closed|^Command aborted/;
/** The client has not sent it, as there was no connection. */
export const NEVER_SENT = /^Stream isn't writeable|^Cluster isn't ready/;

/** What the client says about a connection. */
export const CONNECTION_RULES: readonly FailureRule[] = [
  {
    matches: /Socket timeout\.|^Command timed out/,
    reason: "timeout",
    retryable: true,
    sent: true,
    sentence: ({ place, commandTimeoutMs }) =>
      `${place} has not answered for ${
        formatDuration(commandTimeoutMs)
      }; the server may be frozen ` +
      "or overloaded, or the network broken",
  },
  {
    matches: /connect ETIMEDOUT/,
    reason: "timeout",
    retryable: true,
    sent: false,
    sentence: ({ place, connectTimeoutMs, tls }) =>
      `${place} accepted no ${tls ? "TLS " : ""}connection within ` +
      `${formatDuration(connectTimeoutMs)}; check the address` +
      (tls ? ", and that this port speaks TLS" : " and the firewall"),
  },
  {
    matches: LOST,
    reason: "lost",
    retryable: true,
    sent: true,
    sentence: ({ place }) =>
      `the connection to ${place} was lost before the answer came, so the operation may or may not have ` +
      "been done",
  },
  {
    matches: NEVER_SENT,
    reason: "unreachable",
    retryable: true,
    sent: false,
    sentence: ({ place }) => `there is no connection to ${place} at the moment; try again`,
  },
  {
    matches: /The store is closed/,
    reason: "closed",
    retryable: false,
    sent: false,
    sentence: () => "it has been closed",
  },
  {
    matches: /sentinel.*(?:No such master|invalid reply: null)/is,
    reason: "sentinel_name",
    retryable: false,
    sent: false,
    sentence: ({ place }) => `the Sentinels do not know ${place}; check the name in the URL`,
  },
  {
    matches: /sentinel.*(?:NOAUTH|WRONGPASS|NOPERM)/is,
    reason: "auth",
    retryable: false,
    sent: false,
    sentence: ({ place }) =>
      `the Sentinels of ${place} want another user or password; give them with sentinel_user and ` +
      "sentinel_password in the URL",
  },
  {
    matches: /sentinels are unreachable/,
    reason: "unreachable",
    retryable: true,
    sent: false,
    sentence: ({ place }) => `no Sentinel of ${place} can be reached; check their addresses`,
  },
  {
    matches: /connect (?:ECONNREFUSED|ENOENT)/,
    reason: "unreachable",
    retryable: true,
    sent: false,
    sentence: ({ place }) =>
      `nothing listens at ${place}; start the Redis server there, or correct the address`,
  },
  {
    matches: /(?:ENOTFOUND|EAI_AGAIN)\s*(\S*)/,
    reason: "unreachable",
    retryable: true,
    sent: false,
    sentence: ({ place }, [, host]) =>
      `the host ${host ? quote(host) : `of ${place}`} is unknown; check its name`,
  },
  {
    matches: /connect (?:EACCES|EPERM)/,
    reason: "no_permission",
    retryable: false,
    sent: false,
    sentence: ({ place }) => `the system does not let this user connect to ${place}`,
  },
  {
    matches: /EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN/,
    reason: "unreachable",
    retryable: true,
    sent: false,
    sentence: ({ place }) => `no route leads to ${place}; check the address and the network`,
  },
  {
    matches: /certificate not valid for name|NotValidForName|does not match certificate's altnames/,
    reason: "tls",
    retryable: false,
    sent: false,
    sentence: ({ place }) =>
      `the certificate of ${place} is for another name; use that name, or give it with ` +
      "servername in the URL",
  },
  {
    // The words of the runtime's own check, and those of newer ones, which are OpenSSL's.
    matches:
      /certificate: UnknownIssuer|self-signed certificate|unable to (?:get|verify)[\w ]*cert/,
    reason: "tls",
    retryable: false,
    sent: false,
    sentence: ({ place }) =>
      `the certificate of ${place} comes from an unknown authority; give the authority's own ` +
      "with ca=/path/ca.pem in the URL",
  },
  {
    matches: /invalid peer certificate: (\w+)|certificate (has expired|is not yet valid)/,
    reason: "tls",
    retryable: false,
    sent: false,
    sentence: ({ place }, [, why, when]) =>
      `the certificate of ${place} is not valid (${why ?? when})`,
  },
  {
    matches: /fatal alert: (\w+)/,
    reason: "tls",
    retryable: false,
    sent: false,
    sentence: ({ place }, [, why]) =>
      why === "CertificateRequired" || why === "HandshakeFailure"
        ? `${place} wants a client certificate; give it with cert= and key= in the URL`
        : `${place} refused the TLS connection (${why}); check the client certificate`,
  },
  {
    matches: /InvalidContentType|corrupt message/,
    reason: "tls",
    retryable: false,
    sent: false,
    sentence: ({ place }) => `${place} does not speak TLS; use redis: instead of rediss:`,
  },
  {
    matches: /Unknown RESP type|Protocol error, got/,
    reason: "not_redis",
    retryable: false,
    sent: false,
    sentence: ({ place }) => `what answers at ${place} is no Redis server; check the port`,
  },
  {
    matches: /ECONNRESET|ECONNABORTED|EPIPE|hung up|No connection yet/,
    reason: "unreachable",
    retryable: true,
    sent: true,
    sentence: ({ place, tls }) =>
      `${place} closed the connection at once` +
      (tls ? "" : "; if it expects TLS, use rediss: in the URL"),
  },
];

/** What the server answers, and what the client says about a cluster. */
export const SERVER_RULES: readonly FailureRule[] = [
  {
    matches: /\bNOPERM\b|The user executing the script can't|ACL failure in script/,
    reason: "no_permission",
    retryable: false,
    sentence: ({ place }, { input }) =>
      `the user in the URL may not ${forbidden(input)} at ${place}; allow it with ACL SETUSER`,
  },
  {
    matches: /^WRONGPASS|invalid username-password|invalid password/,
    reason: "auth",
    retryable: false,
    sentence: ({ place }) => `${place} refused the user or the password in the URL`,
  },
  {
    matches: /^NOAUTH/,
    reason: "auth",
    retryable: false,
    sentence: ({ place }) =>
      `${place} wants a password; store it with agentcoord login, or give a URL with it in ` +
      `AGENTCOORD_STORE, as in redis://:PASSWORD@host`,
  },
  {
    matches: /without any password configured|no password is set/,
    reason: "auth",
    retryable: false,
    sentence: ({ place }) => `${place} has no password, but the URL has one; take it out`,
  },
  {
    matches: /^DENIED Redis is running in protected mode/,
    reason: "auth",
    retryable: false,
    sentence: ({ place }) =>
      `${place} lets no other host in while it has no password (protected mode); give it one`,
  },
  {
    matches: /DB index is out of range|invalid DB index/,
    reason: "database",
    retryable: false,
    sentence: ({ place, db }) => `${place} has no database ${db}; use a lower number in the URL`,
  },
  {
    matches: /SELECT is not allowed in cluster mode|^MOVED |^ASK |^CROSSSLOT/,
    reason: "cluster",
    retryable: false,
    sentence: ({ place }) =>
      `${place} is part of a cluster; use redis+cluster: and no database number`,
  },
  {
    matches: /cluster support disabled/,
    reason: "not_cluster",
    retryable: false,
    sentence: ({ place }) => `${place} is no cluster; use redis: for a single server`,
  },
  {
    matches: /^(Redis \S+) is too old/,
    reason: "too_old",
    retryable: false,
    sentence: ({ place }, [, server]) =>
      `${place} runs ${server}, which is too old; 6.2 or newer is needed, or Valkey`,
  },
  {
    matches: /\bREADONLY\b/,
    reason: "readonly",
    retryable: ({ replica }) => !replica,
    sentence: ({ place, replica }) =>
      replica
        ? `${place} is a replica, which takes no writes; use the address of its primary`
        : `${place} has just become a replica, which takes no writes; try again`,
  },
  {
    matches: /\bOOM\b/,
    reason: "out_of_memory",
    retryable: true,
    sentence: ({ place }) =>
      `${place} has used up its memory (maxmemory); raise the limit, or make room: finish, release and ` +
      `prune still work (task prune, board prune, approval prune, agent prune)`,
  },
  {
    matches: /\bMISCONF\b/,
    reason: "disk",
    retryable: true,
    sentence: ({ place }) =>
      `${place} cannot save to its disk and refuses writes; look at its log and its disk`,
  },
  {
    matches: /\bLOADING\b/,
    reason: "loading",
    retryable: true,
    sentence: ({ place }) => `${place} is still loading its data; try again in a moment`,
  },
  {
    matches: /\bMASTERDOWN\b/,
    reason: "primary_down",
    retryable: true,
    sentence: ({ place }) => `${place} is a replica that has lost its primary; try again later`,
  },
  {
    matches: /\bNOREPLICAS\b/,
    reason: "too_few_replicas",
    retryable: true,
    sentence: ({ place }) =>
      `${place} has fewer replicas than it wants (min-replicas-to-write); check them`,
  },
  {
    matches: /\bCLUSTERDOWN\b|\bTRYAGAIN\b|Too many Cluster redirections/,
    reason: "cluster_down",
    retryable: true,
    sentence: ({ place }) => `the cluster at ${place} does not serve this part now; try again`,
  },
  {
    matches: /None of startup nodes is available|Failed to refresh slots cache/,
    reason: "unreachable",
    retryable: true,
    sent: false,
    sentence: ({ place }) => `no node of the cluster at ${place} can be reached`,
  },
  {
    matches: /max number of clients/,
    reason: "too_many_clients",
    retryable: true,
    sentence: ({ place }) => `${place} has too many clients (maxclients); close some`,
  },
  {
    matches: /^BUSY\b|\bBUSY Redis is busy/,
    reason: "busy",
    retryable: true,
    sentence: ({ place }) => `${place} is busy with somebody's slow script; try again`,
  },
  {
    matches: /\bWRONGTYPE\b/,
    reason: "foreign_keys",
    retryable: false,
    sentence: ({ place }) =>
      `other data lies under this namespace's keys at ${place}; use another namespace or database`,
  },
  {
    matches: /unknown command\s+[`'"]?([\w|]+)|unknown subcommand/i,
    reason: "unsupported",
    retryable: false,
    sentence: ({ place }, [, command]) =>
      `${place} does not offer the command ${quote(command ?? "")}; it may be disabled there`,
  },
];

/** What the server says that a user may not do. */
function forbidden(text: string): string {
  const command = /the '([\w|]+)' command/.exec(text)?.[1] ?? /run '?([\w|]+)'?/.exec(text)?.[1];
  if (/channel/.test(text)) return "use the channels of the store";
  if (/\bkeys?\b/.test(text)) return "use the keys of the store";
  if (command === undefined || command === "this") return "run one of the commands it needs";
  return `run the command ${quote(command)}`;
}
