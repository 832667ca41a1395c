import { createFormats } from "@wellapi/ui/browser/formats";
import { problemOf } from "@wellapi/ui/browser/problem";
import { render } from "preact";
import { listMemberships } from "./api/membership.ts";
import { NoOrganization, Site, Unreachable } from "./shell.tsx";

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
  if ("problem" in memberships) {
    render(<Unreachable words={words} problem={memberships.problem} />, root);
  } else if (memberships.length === 0) {
    render(<NoOrganization words={words} />, root);
  } else {
    const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    const formats = createFormats(language, zone);
    render(<Site memberships={memberships} words={words} formats={formats} />, root);
  }
}

void start();
