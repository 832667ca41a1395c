import { type Erasure, Erasure_State } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { recordsOf } from "../data/series.ts";
import { Notice, ProblemNotice } from "./notice.tsx";
import { SaveButton } from "./save-button.tsx";

/** An erasure waits for every part of the installation. */
const eraseMs = 120_000;

/** The end of a record: what it means, a word to type, and the receipt. */
export function EraseCard() {
  const { words, record } = usePlace();
  const { settings } = words.places;
  const [typed, setTyped] = useState("");
  const [state, setState] = useState<"idle" | "erasing" | Erasure | Problem>("idle");
  async function erase(): Promise<void> {
    setState("erasing");
    try {
      const { erasure } = await recordsOf(record).erasePatient(
        { patient: record.patient },
        { timeoutMs: eraseMs },
      );
      setState(erasure ?? "failed");
    } catch (error) {
      setState(problemOf(error));
    }
  }
  if (typeof state === "object") return <Erased erasure={state} />;
  const ready = typed.trim().toLocaleUpperCase() === settings.eraseWord;
  return (
    <section class="card danger stack-close" aria-labelledby="erase">
      <h2 id="erase">{settings.erase}</h2>
      <p>{settings.eraseLead}</p>
      {state !== "idle" && state !== "erasing" && <ProblemNotice problem={state} />}
      <details>
        <summary>{settings.eraseOpen}</summary>
        <form
          class="stack"
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) void erase();
          }}
        >
          <div class="field">
            <label for="erase-word">{settings.eraseType(settings.eraseWord)}</label>
            <input
              id="erase-word"
              autocomplete="off"
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </div>
          <button
            type="submit"
            class="button danger"
            disabled={!ready || state === "erasing"}
            aria-busy={state === "erasing"}
          >
            {state === "erasing" ? settings.erasing : settings.eraseNow}
          </button>
        </form>
      </details>
    </section>
  );
}

function Erased({ erasure }: { readonly erasure: Erasure }) {
  const { words, formats } = usePlace();
  const { settings } = words.places;
  const { receipt, state } = erasure;
  if (state !== Erasure_State.DONE || receipt === undefined) {
    return (
      <Notice kind="warning">
        <p>{settings.erasedRunning}</p>
      </Notice>
    );
  }
  return (
    <section class="card stack-close" role="status">
      <h2>{settings.erased}</h2>
      <p>{settings.erasedAt(formats.moment(msOf(receipt.keyDestroyTime)))}</p>
      <p>{settings.erasedBackups(formats.day(msOf(receipt.backupExpireTime)))}</p>
      <SaveButton name="wellapi-erasure-receipt.jwt" type="application/jose" text={receipt.jws}>
        {settings.receipt}
      </SaveButton>
    </section>
  );
}
