import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { type Part, prepare, type ReadyDownload } from "../download/part.ts";
import { ProblemNotice } from "./notice.tsx";
import { PartForm } from "./part-form.tsx";
import { ReadyFile } from "./ready-file.tsx";

/** A part of the record as a file: chosen, prepared, and fetched as often as the reader likes until it ends. */
export function PartCard() {
  const { words, record } = usePlace();
  const { download } = words.places;
  const [ready, setReady] = useState<readonly ReadyDownload[]>([]);
  const [state, setState] = useState<"idle" | "waiting" | Problem>("idle");
  async function choose(part: Part): Promise<void> {
    setState("waiting");
    try {
      const one = await prepare(record, part);
      setReady((before) => [one, ...before]);
      setState("idle");
    } catch (error) {
      setState(problemOf(error));
    }
  }
  return (
    <section class="card stack" aria-labelledby="part">
      <h2 id="part">{download.part}</h2>
      <PartForm waiting={state === "waiting"} onChosen={(part) => void choose(part)} />
      {state !== "idle" && state !== "waiting" && <ProblemNotice problem={state} />}
      <div aria-live="polite">
        {ready.length > 0 && (
          <>
            <h3>{download.ready}</h3>
            <ul class="rows">
              {ready.map((one) => (
                <li key={one.address}>
                  <ReadyFile ready={one} />
                </li>
              ))}
            </ul>
          </>
        )}
      </div>
    </section>
  );
}
