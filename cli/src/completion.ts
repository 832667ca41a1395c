import { Argument, type Command } from "commander";
import { type Offer, type Place, placesOf, type Value } from "./completion-tree.ts";
import type { Io } from "./io.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

const install = `
Example: wellapi completion bash > ~/.local/share/bash-completion/completions/wellapi
         wellapi completion zsh > ~/.zfunc/_wellapi
         wellapi completion fish > ~/.config/fish/completions/wellapi.fish

Each is read when a shell starts, or at the first Tab. zsh reads a folder of $fpath: fpath+=(~/.zfunc) before compinit.`;

export function addCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "which one").choices(shells))
    .description("print the completion of commands, options and their words for a shell")
    .addHelpText("after", install)
    .action(async (shell: Shell) => {
      const { shippedTerminology } = await import("@wellapi/terminology");
      // An exchange may know more of them: they are offered, and others are not refused.
      const suggested = new Map([["--category", shippedTerminology.categories]]);
      io.stdout.write(completion(shell, placesOf(program, suggested)));
    });
}

/**
 * The script for the shell. All is written into it, and it runs no program: a Tab that starts Node and loads every command
 * (as libraries for completion do, which ask the program) takes a second where this takes milliseconds.
 */
function completion(shell: Shell, places: readonly Place[]): string {
  if (shell === "bash") return bash(places);
  return shell === "zsh" ? zsh(places) : fish(places);
}

const words = (offers: readonly Offer[]): string => offers.map(({ word }) => word).join(" ");

/** As the scripts read it: `@file`, `@any` or `raw,hourly,daily`. */
const takes = ({ of }: Value): string => (typeof of === "string" ? `@${of}` : of.join(","));

/** What bash and zsh know of a place, as assignments. A `+` marks what takes several words. */
function known({ commands, options, positions }: Place): string {
  const values = options.flatMap(({ word, value }) =>
    value === undefined ? [] : [`${word}${value.several ? "+" : ""}=${takes(value)}`],
  );
  const order = positions.map((value) => `${takes(value)}${value.several ? "+" : ""}`);
  return `commands_here="${words(commands)}" options_here="${words(options)}" values_here="${values.join(" ")}" positions_here="${order.join(" ")}"`;
}

/**
 * Reads the words before the current one, for bash and zsh alike: `at` becomes the command that they name, and `wanted`
 * what its next word is. `must`: the option before it needs it, even if it begins with a dash.
 */
function reading(split: (name: string) => string): string {
  return `_wellapi_read() {
  local word entry several="" count=0 rest=""
  at="" wanted="" must=""
  _wellapi_know ""
  for word; do
    # bash parts words at = and at colons, as those of an address or a time.
    if [ "$word" = "=" ] || [ -n "$rest" ]; then
      rest=""
    elif [ "$word" = ":" ]; then
      rest=yes
    elif [ -n "$must" ]; then
      must=""
      [ -n "$several" ] || wanted=""
    else
      case "$word" in
        -*)
          wanted=""
          for entry in ${split("values_here")}; do
            case "$entry" in
              "$word="*) several="" ;;
              "$word+="*) several=yes ;;
              *) continue ;;
            esac
            wanted="\${entry#*=}" must=yes
          done
          ;;
        *)
          [ -z "$wanted" ] || continue
          case " $commands_here " in
            *" $word "*) at="\${at:+$at }$word" count=0; _wellapi_know "$at" ;;
            *) count=$((count + 1)) ;;
          esac
          ;;
      esac
    fi
  done
  [ -z "$wanted" ] && [ -z "$commands_here" ] || return 0
  for entry in ${split("positions_here")}; do
    if [ "$count" -eq 0 ] || [ "$entry" != "\${entry%+}" ]; then
      wanted="\${entry%+}"
      return 0
    fi
    count=$((count - 1))
  done
  wanted="@any"
}`;
}

function bash(places: readonly Place[]): string {
  const cases = places.map((place) => `    "${place.path}") ${known(place)} ;;`).join("\n");
  return `# wellapi completion bash
_wellapi() {
  local IFS=$' \\t\\n' current="\${COMP_WORDS[COMP_CWORD]}" offers at wanted must
  local commands_here options_here values_here positions_here
  _wellapi_read "\${COMP_WORDS[@]:1:COMP_CWORD-1}"
  [ "$current" = "=" ] && current=""
  COMPREPLY=()
  case "$must$current" in
    -*) offers="$options_here" ;;
    *) offers="\${wanted//,/ }" ;;
  esac
  case "$offers" in
    @file) return ;;
    @any) compopt +o default; return ;;
    "") offers="$commands_here" ;;
  esac
  compopt +o default
  mapfile -t COMPREPLY < <(compgen -W "$offers" -- "$current")
}
${reading((name) => `$${name}`)}
_wellapi_know() {
  case "$1" in
${cases}
  esac
}
complete -o default -F _wellapi wellapi
`;
}

function zsh(places: readonly Place[]): string {
  const described = (offers: readonly Offer[]) =>
    offers
      .map(({ word, description }) => `'${quoted(word.replaceAll(":", "\\:"))}:${quoted(description)}'`)
      .join(" ");
  const cases = places
    .map((place) => {
      const { path, commands, options } = place;
      return `    "${path}") ${known(place)} command_texts=(${described(commands)}) option_texts=(${described(options)}) ;;`;
    })
    .join("\n");
  return `#compdef wellapi
# wellapi completion zsh
_wellapi() {
  local at wanted must commands_here options_here values_here positions_here
  local -a command_texts option_texts before
  before=("\${(@)words[2,CURRENT-1]}")
  # --resolution=raw is one word here.
  if [[ "\${words[CURRENT]}" == --*=* ]] && compset -P '*='; then before+=("\${IPREFIX%=}"); fi
  _wellapi_read "\${before[@]}"
  if [[ "$must\${words[CURRENT]}" == -* ]]; then
    _describe option option_texts
  elif [[ "$wanted" == @file ]]; then
    _files
  elif [[ "$wanted" == @any ]]; then
    return 1
  elif [[ -n "$wanted" ]]; then
    compadd -- "\${(@s:,:)wanted}"
  else
    _describe command command_texts
  fi
}
${reading((name) => `\${=${name}}`)}
_wellapi_know() {
  case "$1" in
${cases}
  esac
}
# Autoloaded from a folder of $fpath the file is the function's body; sourced it defines it.
if [ "\${funcstack[1]}" = "_wellapi" ]; then _wellapi "$@"; else compdef _wellapi wellapi; fi
`;
}

/** fish reads the options of a command line itself; it needs to know only at which command the line is. */
function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options, positions }) => {
    const here = `complete -c wellapi -n '__wellapi_at "${path}"'`;
    const named = positions.flatMap(({ of }) => (typeof of === "string" ? [] : of));
    return [
      ...(positions.some(({ of }) => of === "file") ? [] : [`${here} -f`]),
      ...(named.length === 0 ? [] : [`${here} -a '${named.join(" ")}'`]),
      ...commands.map(({ word, description }) => `${here} -a ${word} -d '${fishQuoted(description)}'`),
      ...options.map(({ word, description, value }) => {
        return `${here} -l ${word.slice(2)}${fishValue(value)} -d '${fishQuoted(description)}'`;
      }),
      // After its first word fish takes an option for done.
      ...options.flatMap(({ word, value }) =>
        value?.several && typeof value.of !== "string"
          ? [`complete -c wellapi -n '__wellapi_at "${path}" ${word}' -f -a '${value.of.join(" ")}'`]
          : [],
      ),
    ];
  });
  const paths = places.map(({ path }) => `'${path}'`).join(" ");
  return `# wellapi completion fish
# Whether the line is at a command, and after an option. Asked for each command, it reads a line once.
function __wellapi_at
    set -l words (commandline -opc)
    if test "$words" != "$__wellapi_words"
        set -g __wellapi_words $words
        set -g __wellapi_path ""
        set -g __wellapi_option ""
        for word in $words[2..]
            set -l longer (string trim "$__wellapi_path $word")
            if string match -q -- "-*" $word
                set __wellapi_option $word
            else if contains -- $longer ${paths}
                set __wellapi_path $longer
            end
        end
    end
    test "$__wellapi_path" = "$argv[1]"; and test (count $argv) -eq 1 -o "$__wellapi_option" = "$argv[2]"
end
${lines.join("\n")}
`;
}

function fishValue(value: Value | undefined): string {
  if (value === undefined) return "";
  if (value.of === "file") return " -r -F";
  return value.of === "any" ? " -x" : ` -x -a '${value.of.join(" ")}'`;
}

/** Inside of single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}

function fishQuoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
