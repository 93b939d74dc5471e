/**
 * Where a user keeps what is theirs alone: own settings, passwords, and which servers they trust.
 * @module
 */

/**
 * `$XDG_CONFIG_HOME/agentcoord`, else `~/.config/agentcoord`; `undefined` when the environment names
 * neither. A relative path counts as none, as the XDG base directory specification asks.
 */
export function userDirectory(
  { XDG_CONFIG_HOME: config, HOME: home }: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (config?.startsWith("/")) return `${config.replace(/\/+$/, "")}/agentcoord`;
  return home?.startsWith("/") ? `${home.replace(/\/+$/, "")}/.config/agentcoord` : undefined;
}
