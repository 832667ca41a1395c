import { useEffect, useRef, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { type FetchedFile, fetchFile } from "../download/fetched-file.ts";
import type { Part, ReadyDownload } from "../download/part.ts";
import { categoriesText } from "../words/names.ts";
import { saveFile } from "./save-file.ts";

type State =
  | { readonly kind: "idle" }
  | { readonly kind: "coming"; readonly bytes: number }
  | { readonly kind: "saved"; readonly bytes: number }
  | { readonly kind: Exclude<FetchedFile["kind"], "file" | "signIn"> };

/** How often the reader is told how much has come. */
const tellMs = 250;

/** One file that was prepared: until when, how much of it has come, and what became of it. */
export function ReadyFile({ ready }: { readonly ready: ReadyDownload }) {
  const { words, formats } = usePlace();
  const { download } = words.places;
  const [state, setState] = useState<State>({ kind: "idle" });
  const running = useRef<AbortController>(undefined);
  const over = useOver(ready.ends);
  useEffect(() => () => running.current?.abort(), []);

  async function begin(): Promise<void> {
    const controller = new AbortController();
    running.current = controller;
    setState({ kind: "coming", bytes: 0 });
    let told = 0;
    try {
      const file = await fetchFile(ready.address, controller.signal, (bytes) => {
        if (Date.now() - told < tellMs) return;
        told = Date.now();
        setState({ kind: "coming", bytes });
      });
      if (file.kind === "signIn") {
        location.assign(`/sign-in?continue=${encodeURIComponent(location.pathname)}`);
      } else if (file.kind === "file") {
        saveFile(file.name, file.content);
        setState({ kind: "saved", bytes: file.content.size });
      } else {
        setState({ kind: file.kind });
      }
    } catch {
      setState({ kind: "idle" });
    }
  }

  const became =
    state.kind === "saved"
      ? ` ${download.saved(sizeText(state.bytes, formats.number))}`
      : state.kind === "busy" || state.kind === "cut"
        ? ` ${download[state.kind]}`
        : "";
  const ended = over || state.kind === "ended";
  const standingText = (ended ? download.ended : download.until(formats.time(ready.ends))) + became;
  return (
    <div class="stack-close grow">
      <p>{usePartText(ready.part)}</p>
      {state.kind === "coming" ? (
        <>
          <progress aria-label={download.coming} />
          <p class="small" role="status">
            {download.came(sizeText(state.bytes, formats.number))}
          </p>
          <button type="button" class="button second slim" onClick={() => running.current?.abort()}>
            {download.stop}
          </button>
        </>
      ) : (
        <>
          <p class="small quiet" role="status">
            {standingText}
          </p>
          {!ended && (
            <button type="button" class="button slim" onClick={() => void begin()}>
              {download.fetch}
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** Whether the instant is over; shown when it comes. */
function useOver(ends: number): boolean {
  const [over, setOver] = useState(Date.now() >= ends);
  useEffect(() => {
    const timer = setTimeout(() => setOver(true), Math.max(0, ends - Date.now()));
    return () => clearTimeout(timer);
  }, [ends]);
  return over;
}

/** What is in it, in one sentence. */
function usePartText({ categories, first, last, formats: chosen }: Part): string {
  const { words, formats } = usePlace();
  const { download } = words.places;
  const day = (text: string) => (text === "" ? "" : formats.day(Date.parse(`${text}T12:00:00Z`)));
  const what = categories.size === 0 ? download.allKinds : categoriesText(words, formats, [...categories]);
  const files = [download.page, ...[...chosen].map((one) => download.shortFormats[one] ?? "")];
  return download.holdsPart(what, download.time(day(first), day(last)), formats.list(files));
}

function sizeText(bytes: number, number: (value: number, digits?: number) => string): string {
  return bytes < 1_000_000 ? `${number(Math.ceil(bytes / 1_000))} KB` : `${number(bytes / 1_000_000, 1)} MB`;
}
