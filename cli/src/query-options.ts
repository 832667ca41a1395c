import { Purpose } from "@wellapi/gen/wellapi/type/v1/vocabulary_pb";
import type { Command } from "commander";
import { purposes, wordOption } from "./arguments.ts";
import type { Settings } from "./settings.ts";

/** Of whom something is read, and why. */
export function addQueryOptions(command: Command): Command {
  return command
    .requiredOption("--patient <id>", "the patient, by the caller's own id")
    .addOption(
      wordOption("--purpose <word>", "why (default: patient-request for patients, else treatment)", purposes),
    );
}

export function purposeOf(options: { purpose?: Purpose }, { asPatient, token }: Settings): Purpose {
  return options.purpose ?? (asPatient || token ? Purpose.PATIENT_REQUEST : Purpose.TREATMENT);
}
