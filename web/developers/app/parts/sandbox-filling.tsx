import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import type { Asked, Ended, SandboxWork, Work } from "../sandbox-work.ts";
import { ConfirmButton, Notice, ProblemNotice } from "./notice.tsx";

/** 0: people without data. */
const pasts = [0, 7, 30, 90] as const;
const seedPattern = /^\d{1,10}$/;

/** Makes people and what their devices measured, and lets the devices go on. `someThere`: whether there are test patients. */
export function SandboxFilling(props: { readonly work: SandboxWork; readonly someThere: boolean }) {
  const { words } = usePlace();
  const { testPatients: texts } = words;
  const { work, ended, problem, ...doings } = props.work;
  const [seed, setSeed] = useState("1");
  const [days, setDays] = useState<number>(30);
  const asked = seedPattern.test(seed) ? { seed: Number(seed), days } : undefined;
  const idle = work.kind === "idle";
  return (
    <section class="stack-close">
      <form
        class="stack-close"
        onSubmit={(event) => {
          event.preventDefault();
          if (asked !== undefined) doings.fill(asked);
        }}
      >
        <Fields seed={seed} setSeed={setSeed} days={days} setDays={setDays} />
        {idle && (
          <button type="submit" class="button slim">
            {texts.fill}
          </button>
        )}
      </form>
      <p class="small quiet">{texts.fillHint}</p>
      {idle && props.someThere && <Afterwards asked={asked} {...doings} />}
      <UnderWay work={work} stop={doings.stop} />
      {ended !== undefined && <Done ended={ended} />}
      {problem !== undefined && <ProblemNotice {...problem} />}
    </section>
  );
}

function Fields(props: {
  readonly seed: string;
  readonly setSeed: (seed: string) => void;
  readonly days: number;
  readonly setDays: (days: number) => void;
}) {
  const { seed, setSeed, days, setDays } = props;
  const { testPatients: texts } = usePlace().words;
  return (
    <>
      <div class="filters">
        <Choice
          id="past"
          label={texts.past}
          value={String(days)}
          options={pasts.map((one) => [String(one), texts.pastOf(one)])}
          onChange={(one) => setDays(Number(one))}
        />
        <div class="field">
          <label for="seed">{texts.seed}</label>
          <input
            id="seed"
            inputMode="numeric"
            required
            pattern={seedPattern.source}
            aria-describedby="seed-hint"
            value={seed}
            onInput={({ currentTarget }) => setSeed(currentTarget.value.trim())}
          />
        </div>
      </div>
      <p class="small quiet" id="seed-hint">
        {texts.seedHint}
      </p>
    </>
  );
}

/** What can be done with people who are there. */
function Afterwards(props: Pick<SandboxWork, "reset" | "stream"> & { readonly asked: Asked | undefined }) {
  const { asked, reset, stream } = props;
  const { testPatients: texts } = usePlace().words;
  const run = () => {
    if (asked !== undefined) reset(asked);
  };
  // How it goes on is shown by what is under way, in its place.
  const resetting = { busy: false, problem: undefined, said: undefined, run };
  return (
    <div class="actions">
      <button type="button" class="button slim second" onClick={stream}>
        {texts.stream}
      </button>
      <ConfirmButton label={texts.reset} question={texts.resetAsk} doing={resetting} />
    </div>
  );
}

function UnderWay({ work, stop }: { readonly work: Work; readonly stop: () => void }) {
  const { words, formats } = usePlace();
  const { testPatients: texts } = words;
  if (work.kind === "idle") return null;
  return (
    <>
      {work.kind === "filling" ? (
        <p class="stack-close">
          <label for="filled">{texts.filling}</label>
          <progress id="filled" value={work.progress?.done} max={work.progress?.total} />
        </p>
      ) : (
        <p role="status">
          {work.sentToMs === undefined
            ? texts.streamingFirst
            : texts.streaming(formats.number(work.samples), formats.second(work.sentToMs))}
        </p>
      )}
      <p class="actions">
        <button type="button" class="button slim second" onClick={stop}>
          {work.kind === "filling" ? words.common.cancel : texts.stop}
        </button>
      </p>
    </>
  );
}

function Done({ ended }: { readonly ended: Ended }) {
  const { words, formats } = usePlace();
  return (
    <Notice kind="success">
      <p>{words.testPatients.filled(formats.number(ended.accepted), formats.number(ended.duplicate))}</p>
    </Notice>
  );
}
