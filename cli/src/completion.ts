import { Argument, type Command, InvalidArgumentError } from "commander";
import type { Io } from "./io.ts";

const shells = ["bash", "zsh", "fish"] as const;
type Shell = (typeof shells)[number];

const install = `
Example: bash: wellapi completion bash > ~/.local/share/bash-completion/completions/wellapi
         zsh:  wellapi completion zsh > ~/.zfunc/_wellapi      (a folder of $fpath)
         fish: wellapi completion fish > ~/.config/fish/completions/wellapi.fish`;

/** What a shell offers after a command: its commands and its options. */
interface Place {
  /** From the program on: `consent create`; empty for the program. */
  readonly path: string;
  readonly commands: readonly Offer[];
  readonly options: readonly Offer[];
}

interface Offer {
  readonly word: string;
  readonly description: string;
}

export function addCompletion(program: Command, io: Io): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", shells.join(", ")).argParser(shellOf))
    .description("print the completion of commands and options for a shell")
    .addHelpText("after", install)
    .action((shell: Shell) => void io.stdout.write(completion(shell, program)));
}

function shellOf(text: string): Shell {
  const shell = shells.find((one) => one === text);
  if (shell === undefined) throw new InvalidArgumentError(`use one of ${shells.join(", ")}`);
  return shell;
}

/** The script for the shell. It runs no program: the commands are written into it. */
export function completion(shell: Shell, program: Command): string {
  const places = placesOf(program);
  if (shell === "bash") return bash(places);
  return shell === "zsh" ? zsh(places) : fish(places);
}

function placesOf(command: Command, path = ""): Place[] {
  const help = { word: "--help", description: "display help for command" };
  const place = {
    path,
    commands: command.commands.map((one) => ({
      word: one.name(),
      description: firstLine(one.description()),
    })),
    options: [
      ...command.options.flatMap(({ long, description }) =>
        long ? [{ word: long, description: firstLine(description) }] : [],
      ),
      help,
    ],
  };
  const below = command.commands.flatMap((one) => placesOf(one, `${path} ${one.name()}`.trim()));
  return [place, ...below];
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}

const words = (offers: readonly Offer[]): string => offers.map(({ word }) => word).join(" ");

/** Names the command that has been typed so far: words that are no options, as long as they are commands. */
function bash(places: readonly Place[]): string {
  const cases = places
    .map(
      ({ path, commands, options }) =>
        `    "${path}") commands="${words(commands)}" options="${words(options)}" ;;`,
    )
    .join("\n");
  return `# wellapi completion bash
_wellapi() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path="" word commands options
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    _wellapi_offers "$path"
    case " $commands " in *" $word "*) path="\${path:+$path }$word" ;; esac
  done
  _wellapi_offers "$path"
  COMPREPLY=()
  case "$current" in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current") ;;
    *) [ -n "$commands" ] && mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$current") ;;
  esac
}
_wellapi_offers() {
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
    .map(({ path, commands, options }) => {
      return `    "${path}") commands=(${described(commands)}); options=(${described(options)}) ;;`;
    })
    .join("\n");
  return `#compdef wellapi
# wellapi completion zsh
_wellapi() {
  local path_so_far="" word
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    _wellapi_offers "$path_so_far"
    (( \${commands[(I)$word:*]} )) && path_so_far="\${path_so_far:+$path_so_far }$word"
  done
  _wellapi_offers "$path_so_far"
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe option options
  elif (( \${#commands} )); then
    _describe command commands
  else
    _files
  fi
}
_wellapi_offers() {
  case "$1" in
${cases}
  esac
}
# Autoloaded from a folder of $fpath the file is the function's body; sourced it defines it.
if [ "\${funcstack[1]}" = "_wellapi" ]; then _wellapi "$@"; else compdef _wellapi wellapi; fi
`;
}

function fish(places: readonly Place[]): string {
  const lines = places.flatMap(({ path, commands, options }) => {
    const here = `-n '__wellapi_at "${path}"'`;
    return [
      ...commands.map(
        ({ word, description }) =>
          `complete -c wellapi -f ${here} -a ${word} -d '${fishQuoted(description)}'`,
      ),
      ...options.map(({ word, description }) => {
        return `complete -c wellapi ${here} -l ${word.slice(2)} -d '${fishQuoted(description)}'`;
      }),
    ];
  });
  const known = places.map(({ path }) => `'${path}'`).join(" ");
  return `# wellapi completion fish
function __wellapi_at
    set -l path ""
    for word in (commandline -opc)[2..]
        set -l longer (string trim "$path $word")
        contains -- $longer ${known}; and set path $longer
    end
    test "$path" = "$argv[1]"
end
${lines.join("\n")}
`;
}

/** Inside of single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}

function fishQuoted(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
}
