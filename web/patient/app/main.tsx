import { createFormats } from "@wellapi/ui/browser/formats";
import { problemOf } from "@wellapi/ui/browser/problem";
import { render } from "preact";
import { openRecord } from "./api/reader.ts";
import { PlaceContext } from "./context.ts";
import { followNetwork } from "./offline/offline.ts";
import { registerServiceWorker } from "./offline/service-worker.ts";
import { NoRecord, Shell, Unreachable } from "./shell.tsx";

const language = document.documentElement.lang === "de" ? "de" : "en";

async function start(): Promise<void> {
  const chosen = document.querySelector<HTMLMetaElement>('meta[name="wellapi-record"]')?.content ?? "";
  const loading = language === "de" ? import("./words/de.ts") : import("./words/en.ts");
  const [module, record] = await Promise.all([
    loading,
    openRecord(chosen).catch((error: unknown) => ({ problem: problemOf(error) })),
  ]);
  const words = "de" in module ? module.de : module.en;
  const root = document.getElementById("app")!;
  root.replaceChildren();
  if (record === undefined) {
    render(<NoRecord words={words} />, root);
  } else if ("problem" in record) {
    render(<Unreachable words={words} problem={record.problem} />, root);
  } else {
    const place = { record, words, formats: createFormats(language, record.zone) };
    render(
      <PlaceContext.Provider value={place}>
        <Shell />
      </PlaceContext.Provider>,
      root,
    );
  }
}

followNetwork();
void start().then(async () => {
  // After what the reader waits for. A browser that wants none has pages that need a network.
  if ("serviceWorker" in navigator) await registerServiceWorker().catch(() => {});
});
