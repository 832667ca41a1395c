/** The demonstration of WellAPI in the terminal, against its own server. Exit 0 only if every step succeeded. */
import { WellApiError } from "@wellapi/client";
import { FhirRefusal } from "./fhir-reader.ts";
import { createNarrator } from "./narrator.ts";
import { originOf } from "./people.ts";
import { startServer, temporaryFolder } from "./server.ts";
import { tellStory } from "./story.ts";

const narrator = createNarrator((error) =>
  error instanceof FhirRefusal ? error.reason : WellApiError.from(error).reason,
);

process.stdout.write(
  "WellAPI: a person and their data, from sign-up to erasure, and what companies build on it\n",
);
const folder = temporaryFolder();
const server = await startServer({ dataDir: folder.path });
process.stdout.write(
  `While it runs:\n  patients see      ${originOf(server)}/me/\n  developers        ${server.developers}\n  explorer of RPCs  ${server.explorer}\n  documentation     ${server.documentation}\n`,
);
try {
  await tellStory(server, narrator);
} catch (error) {
  narrator.hold(`the story was told to its end (${error instanceof Error ? error.message : error})`, false);
} finally {
  narrator.hold("the server drained and ended with code 0", (await server.stop()) === 0);
  folder.remove();
}
process.stdout.write(
  narrator.failures.length === 0
    ? `\nAll ${narrator.held} claims held.\n`
    : `\n${narrator.failures.length} of ${narrator.held + narrator.failures.length} claims did not hold:\n${narrator.failures.map((claim) => `  ${claim}\n`).join("")}`,
);
process.exitCode = narrator.failures.length === 0 ? 0 : 1;
