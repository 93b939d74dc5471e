/**
 * The completion script for zsh: a file for a directory of `$fpath`, which can be read with `source` too.
 * @module
 */
import type { Place } from "./completion.ts";
import { valueFunctions } from "./completion_case.ts";

/** A script that completes `agentcoord`. */
export function zshScript(places: readonly Place[]): string {
  const [top, ...rest] = places as [Place, ...Place[]];
  return `#compdef agentcoord
# zsh completion for agentcoord. Use: agentcoord completions zsh > DIR/_agentcoord, DIR being one of
# $fpath; or, after compinit: source <(agentcoord completions zsh)

# Sets "reply" to the words that may follow at place $1.
_agentcoord_words() {
  reply=()
  case $1 in
${cases(places, wordItems)}
  esac
}

# Sets "reply" to the options at place $1, without those that hold everywhere.
_agentcoord_options() {
  reply=()
  case $1 in
${cases(rest, optionItems)}
  esac
}

${valueFunctions(places, assign)}

# Offers the value that "reply" says.
_agentcoord_offer() {
  case $reply[1] in
    @any) return 1 ;;
    @file) _files ;;
    *) compadd -- $reply ;;
  esac
}

_agentcoord() {
  local place='' option='' word item
  local -a reply options
  local -i count=0 index isWord
  for ((index = 2; index < CURRENT; index++)); do
    word=$words[index]
    if [[ -n $option ]]; then
      option=''
      continue
    fi
    case $word in
      --)
        if ((index == CURRENT - 1)); then
          _command_names -e
        else
          _files
        fi
        return ;;
      -*) _agentcoord_value "$place" "$word" && option=$word ;;
      *)
        _agentcoord_words "$place"
        isWord=0
        for item in $reply; do [[ \${item%%:*} == "$word" ]] && isWord=1; done
        if ((!isWord)); then
          count+=1
        elif [[ $word != help ]]; then
          place=\${place:+$place }$word
        fi ;;
    esac
  done
  word=$PREFIX
  if [[ -n $option ]]; then
    _agentcoord_value "$place" "$option"
    _agentcoord_offer
  elif [[ $word == --*=* ]]; then
    _agentcoord_value "$place" "\${word%%=*}" || return 1
    compset -P '*='
    _agentcoord_offer
  elif [[ $word == -* ]]; then
    _agentcoord_options "$place"
    options=(
      $reply
${indent(optionItems(top))}
    )
    _describe -o option options
  else
    _agentcoord_words "$place"
    if (($#reply)); then
      options=($reply)
      _describe command options
    else
      _agentcoord_argument "$place" "$count"
      _agentcoord_offer
    fi
  fi
}

if [[ $funcstack[1] == _agentcoord ]]; then
  _agentcoord "$@"
else
  compdef _agentcoord agentcoord
fi
`;
}

function cases(places: readonly Place[], itemsOf: (place: Place) => readonly string[]): string {
  return places.flatMap((place) => {
    const items = itemsOf(place);
    return items.length === 0 ? [] : [`    '${place.path}') reply=(\n${indent(items)}\n      ) ;;`];
  }).join("\n");
}

function indent(items: readonly string[]): string {
  return items.map((item) => `      ${item}`).join("\n");
}

function wordItems({ words }: Place): string[] {
  return words.map(({ word, summary }) => quoted(`${word}:${summary}`));
}

function optionItems({ options }: Place): string[] {
  return options.flatMap(({ names, summary }) => names.map((name) => quoted(`${name}:${summary}`)));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function assign(words: string): string {
  return `reply=(${words})`;
}
