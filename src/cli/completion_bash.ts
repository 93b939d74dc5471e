/**
 * The completion script for bash, from version 3.2 on; it needs no other package.
 * @module
 */
import type { Place } from "./completion.ts";
import { valueFunctions } from "./completion_case.ts";

/** A script to be read with `source`. */
export function bashScript(places: readonly Place[]): string {
  const [top] = places as [Place, ...Place[]];
  return `# bash completion for agentcoord. Use: source <(agentcoord completions bash)

# Sets "reply" to the words that may follow at place $1.
_agentcoord_words() {
  case $1 in
${cases(places, ({ words }) => words.map(({ word }) => word).join(" "))}
    *) reply='' ;;
  esac
}

# Sets "reply" to the options at place $1, without those that hold everywhere.
_agentcoord_options() {
  case $1 in
${cases(places, ({ path, options }) => path === "" ? "" : flags(options))}
    *) reply='' ;;
  esac
}

${valueFunctions(places, assign)}

# Offers what "reply" says.
_agentcoord_offer() {
  local line
  case $reply in
    @any) ;;
    @file)
      compopt -o filenames 2> /dev/null
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$1") ;;
    *) COMPREPLY=($(compgen -W "$reply" -- "$1")) ;;
  esac
}

_agentcoord() {
  local IFS=$' \\t\\n'
  local cur=\${COMP_WORDS[COMP_CWORD]} place='' option='' reply='' count=0 index word known
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ -n $option ]]; then
      # In --option=value the equals sign is a word of its own.
      [[ $word == '=' ]] || option=''
      continue
    fi
    case $word in
      --)
        reply=@file
        if ((index == COMP_CWORD - 1)) && [[ $cur != */* ]]; then
          COMPREPLY=($(compgen -c -- "$cur"))
          return
        fi
        _agentcoord_offer "$cur"
        return ;;
      -*) if _agentcoord_value "$place" "$word"; then option=$word; fi ;;
      *)
        _agentcoord_words "$place"
        known=" $reply "
        if [[ $known != *" $word "* ]]; then
          count=$((count + 1))
        elif [[ $word != help ]]; then
          place=\${place:+$place }$word
        fi ;;
    esac
  done
  if [[ -n $option ]]; then
    [[ $cur == '=' ]] && cur=''
    _agentcoord_value "$place" "$option"
    _agentcoord_offer "$cur"
  elif [[ $cur == -* ]]; then
    _agentcoord_options "$place"
    reply="$reply ${flags(top.options)}"
    _agentcoord_offer "$cur"
  else
    _agentcoord_words "$place"
    [[ -n $reply ]] || _agentcoord_argument "$place" "$count"
    _agentcoord_offer "$cur"
  fi
}

complete -F _agentcoord agentcoord
`;
}

function cases(places: readonly Place[], replyAt: (place: Place) => string): string {
  return places.flatMap((place) => {
    const reply = replyAt(place);
    return reply === "" ? [] : [`    '${place.path}') reply='${reply}' ;;`];
  }).join("\n");
}

function flags(options: Place["options"]): string {
  return options.flatMap(({ names }) => names).join(" ");
}

function assign(words: string): string {
  return `reply='${words}'`;
}
