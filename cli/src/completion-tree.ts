import type { Argument, Command, Option } from "commander";

/** What a shell offers after a command. */
export interface Place {
  /** From the program on: `consent create`; empty for the program. */
  readonly path: string;
  readonly commands: readonly Offer[];
  readonly options: readonly OptionOffer[];
  /** In their order. Only the last one can be `several`. */
  readonly positions: readonly Value[];
}

export interface Offer {
  readonly word: string;
  readonly description: string;
}

interface OptionOffer extends Offer {
  /** Undefined: it takes none. */
  readonly value: Value | undefined;
}

/** What can stand at a place: one of some words, a file of this machine, or what only the user knows. */
export interface Value {
  readonly of: readonly string[] | "file" | "any";
  /** It takes every word up to the next option. */
  readonly several: boolean;
}

/** Names of placeholders that stand for a path on this machine. */
const paths: ReadonlySet<string> = new Set(["file", "folder", "backup"]);
/** What needs no quoting in any shell; nothing else is offered. */
const plain = /^[\w.-]+$/;

/**
 * What can be typed, command by command, outermost first. `suggested` are the words of options that take others, too, by the option's
 * long name: those that take no others say so themselves (`choices`).
 */
export function placesOf(command: Command, suggested: ReadonlyMap<string, readonly string[]>): Place[] {
  const inside = (at: Command, path: string): Place[] => [
    {
      path,
      commands: at.commands.map((one) => ({
        word: one.name(),
        description: firstLine(one.description()),
      })),
      options: [
        ...at.options.flatMap((option) => optionOffer(option, suggested)),
        { word: "--help", description: "display help for command", value: undefined },
      ],
      positions: at.registeredArguments.map((one) => expected(one, one.name(), undefined)),
    },
    ...at.commands.flatMap((one) => inside(one, `${path} ${one.name()}`.trim())),
  ];
  return inside(command, "");
}

function optionOffer(option: Option, suggested: ReadonlyMap<string, readonly string[]>): OptionOffer[] {
  const { long: word, hidden, required, flags, description } = option;
  if (!word || hidden) return [];
  const placeholder = /<([^>.]+)/.exec(flags)?.[1] ?? "";
  const value = required ? expected(option, placeholder, suggested.get(word)) : undefined;
  return [{ word, description: firstLine(description), value }];
}

function expected(
  { argChoices, variadic: several }: Pick<Option | Argument, "argChoices" | "variadic">,
  placeholder: string,
  suggested: readonly string[] | undefined,
): Value {
  const words = (argChoices ?? suggested)?.filter((word) => plain.test(word));
  return { of: words ?? (paths.has(placeholder) ? "file" : "any"), several };
}

function firstLine(text: string): string {
  return text.split("\n")[0]!;
}
