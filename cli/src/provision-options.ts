import type { Command } from "commander";
import {
  count,
  directions,
  instant,
  masks,
  methods,
  purposes,
  resolutions,
  several,
  sourceDevice,
  wordOption,
} from "./arguments.ts";

/** Whose data is denied beside what is permitted; `consentOf` reads it. */
export function addExceptions(command: Command): Command {
  return command
    .option(
      "--except-source <org...>",
      "deny what these organizations contributed (reading)",
      several(String),
    )
    .option(
      "--except-device <org:dev...>",
      "deny what comes of these devices (reading)",
      several(sourceDevice),
    )
    .addOption(
      wordOption("--except-method <word...>", "deny what came about in these ways (reading)", methods),
    );
}

/** What one provision says, for whoever grants it and for whoever asks for it; `provisionOf` reads it. */
export function addProvisionOptions(command: Command): Command {
  return command
    .addOption(wordOption("--direction <word...>", "one, or both", directions))
    .option("--category <name...>", "heart, activity, sleep, body, glucose, …", several(String))
    .addOption(wordOption("--purpose <word...>", "what for (reading)", purposes))
    .addOption(wordOption("--resolution <word>", "how fine (reading); default raw", resolutions))
    .option("--de-identified", "only for exports that leave out who the patient is (reading, raw)")
    .option("--source <org...>", "only data that these organizations contributed (reading)", several(String))
    .option("--device <org:dev...>", "only data of these devices (reading)", several(sourceDevice))
    .addOption(wordOption("--method <word...>", "only data that came about in these ways (reading)", methods))
    .addOption(
      wordOption(
        "--mask <word...>",
        "leave out which device it was (raw), notes and other free text, or the performer (reading)",
        masks,
      ),
    )
    .option("--window-from <time>", "only data captured from here on", instant)
    .option("--window-to <time>", "only data captured before", instant)
    .option("--last-days <number>", "only data captured in the last so many days, at each use", count);
}
