import type { FuzzTarget } from "./target.ts";
import { credentialTargets } from "./targets/credentials.ts";
import { fhirTargets } from "./targets/fhir.ts";
import { logTargets } from "./targets/log.ts";
import { sampleTargets } from "./targets/samples.ts";
import { textTargets } from "./targets/texts.ts";

/** Every parser that reads bytes from outside. */
export const fuzzTargets: readonly FuzzTarget[] = [
  ...sampleTargets,
  ...logTargets,
  ...credentialTargets,
  ...textTargets,
  ...fhirTargets,
];
