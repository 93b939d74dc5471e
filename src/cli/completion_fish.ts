/**
 * The completion script for fish, from version 3 on.
 * @module
 */
import type { Place } from "./completion.ts";
import { wordsOf } from "./completion_case.ts";

/** A script for fish's directory of completions. */
export function fishScript(places: readonly Place[]): string {
  const [top, ...rest] = places as [Place, ...Place[]];
  return `# fish completion for agentcoord.
# Use: agentcoord completions fish > ~/.config/fish/completions/agentcoord.fish

# The words that may follow at place $argv[1].
function __agentcoord_words
    switch "$argv[1]"
${cases(places, wordItems)}
    end
end

# The options at place $argv[1], without those that hold everywhere.
function __agentcoord_options
    switch "$argv[1]"
${cases(rest, optionItems)}
    end
end

# What option $argv[2] at place $argv[1] takes; fails for an option without a value.
function __agentcoord_value
    switch "$argv[1]|$argv[2]"
${rest.map((place) => values(place, `${place.path}|`)).filter((text) => text).join("\n")}
        case '*'
            switch "$argv[2]"
${values(top, "", 16)}
                case '*'
                    return 1
            end
    end
end

# What argument number $argv[2] at place $argv[1] may be.
function __agentcoord_argument
    switch "$argv[1]|$argv[2]"
${places.map(argumentCases).filter((text) => text !== "").join("\n")}
    end
end

# Offers the value that the arguments after the first say, for the word $argv[1].
function __agentcoord_offer
    switch "$argv[2]"
        case @any ''
        case @file
            __fish_complete_path $argv[1]
        case '*'
            printf '%s\\n' $argv[2..-1]
    end
end

function __agentcoord_complete
    set -l place ''
    set -l option ''
    set -l count 0
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for index in (seq 2 (count $before))
        set -l word $before[$index]
        if test -n "$option"
            set option ''
            continue
        end
        switch $word
            case --
                if test $index -eq (count $before)
                    __fish_complete_command
                end
                __fish_complete_path $current
                return
            case '-*'
                if __agentcoord_value "$place" $word >/dev/null
                    set option $word
                end
            case '*'
                if not __agentcoord_words "$place" | string match -q -r -- '^'(string escape --style=regex -- $word)'\\t'
                    set count (math $count + 1)
                else if test $word != help
                    set place (string trim -- "$place $word")
                end
        end
    end
    if test -n "$option"
        __agentcoord_offer "$current" (__agentcoord_value "$place" $option)
    else if string match -q -- '--*=*' "$current"
        set -l parts (string split -m 1 = -- $current)
        if set -l what (__agentcoord_value "$place" $parts[1])
            printf '%s\\n' $parts[1]=(__agentcoord_offer "$parts[2]" $what)
        end
    else if string match -q -- '-*' "$current"
        __agentcoord_options "$place"
${emit(optionItems(top), 8)}
    else
        set -l words (__agentcoord_words "$place")
        if test (count $words) -gt 0
            printf '%s\\n' $words
        else
            __agentcoord_offer "$current" (__agentcoord_argument "$place" $count)
        end
    end
end

complete -c agentcoord -f -a '(__agentcoord_complete)'
`;
}

function cases(places: readonly Place[], itemsOf: (place: Place) => readonly string[]): string {
  return places.flatMap((place) => {
    const items = itemsOf(place);
    return items.length === 0 ? [] : [`        case '${place.path}'\n${emit(items, 12)}`];
  }).join("\n");
}

/** Prints items, one a line. */
function emit(items: readonly string[], indent: number): string {
  const before = " ".repeat(indent);
  return [`${before}printf '%s\\t%s\\n' \\`, ...items.map((item) => `${before}    ${item} \\`)]
    .join("\n").replace(/ \\$/, "");
}

function wordItems({ words }: Place): string[] {
  return words.map(({ word, summary }) => `${word} ${quoted(summary)}`);
}

function optionItems({ options }: Place): string[] {
  return options.flatMap(({ names, summary }) => names.map((name) => `${name} ${quoted(summary)}`));
}

function quoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}

function values({ options }: Place, before: string, indent = 8): string {
  const margin = " ".repeat(indent);
  return options.flatMap(({ names, value }) => {
    if (value === undefined) return [];
    const pattern = names.map((name) => `'${before}${name}'`).join(" ");
    return [`${margin}case ${pattern}\n${margin}    printf '%s\\n' ${wordsOf(value)}`];
  }).join("\n");
}

function argumentCases({ path, args, repeats }: Place): string {
  return args.map((value, index) => {
    const isLast = index === args.length - 1;
    const number = isLast && repeats ? `'${path}|*'` : `'${path}|${index}'`;
    return `        case ${number}\n            printf '%s\\n' ${wordsOf(value)}`;
  }).join("\n");
}
