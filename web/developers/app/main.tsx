import { createFormats } from "@wellapi/ui/browser/formats";
import { problemOf } from "@wellapi/ui/browser/problem";
import { render } from "preact";
import { listMemberships } from "./api/membership.ts";
import { WordsContext } from "./context.ts";
import { NoOrganization, Unreachable } from "./entrance.tsx";
import { Site } from "./shell.tsx";

const language = document.documentElement.lang === "de" ? "de" : "en";

async function start(): Promise<void> {
  const loading = language === "de" ? import("./words/de.ts") : import("./words/en.ts");
  const [module, memberships] = await Promise.all([
    loading,
    listMemberships().catch((error: unknown) => ({ problem: problemOf(error) })),
  ]);
  const words = "de" in module ? module.de : module.en;
  const root = document.getElementById("app")!;
  root.replaceChildren();
  const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown =
    "problem" in memberships ? (
      <Unreachable problem={memberships.problem} />
    ) : memberships.all.length === 0 ? (
      <NoOrganization left={memberships.left} />
    ) : (
      <Site memberships={memberships} formats={createFormats(language, zone)} />
    );
  render(<WordsContext.Provider value={words}>{shown}</WordsContext.Provider>, root);
}

void start();
