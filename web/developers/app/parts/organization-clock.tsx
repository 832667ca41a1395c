import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useState } from "preact/hooks";
import type { Sandbox } from "../api/sandbox.ts";
import { usePlace } from "../context.ts";
import { ConfirmButton, useDoing, Waited } from "./notice.tsx";

const dayMs = 86_400_000;
const steps = [1, 7, 30, 90, 365] as const;

/** What time it is for the organization, which can be moved forward, and never back. */
export function OrganizationClock({ clock }: Pick<Sandbox, "clock">) {
  const { words, formats } = usePlace();
  const { testPatients: texts } = words;
  const loaded = useLoaded((signal) => clock.read(signal), [clock]);
  return (
    <section class="stack-close" aria-labelledby="clock">
      <h2 id="clock">{texts.clock}</h2>
      <Waited loaded={loaded}>
        {({ nowMs, aheadMs }) => (
          <>
            <p>
              {aheadMs === 0
                ? texts.clockTrue(formats.moment(nowMs))
                : texts.clockAhead(formats.moment(nowMs), formats.number(Math.floor(aheadMs / dayMs)))}
            </p>
            <Forward clock={clock} aheadMs={aheadMs} />
          </>
        )}
      </Waited>
      <p class="small quiet">{texts.clockHint}</p>
    </section>
  );
}

function Forward({ clock, aheadMs }: Pick<Sandbox, "clock"> & { readonly aheadMs: number }) {
  const { testPatients: texts } = usePlace().words;
  const [days, setDays] = useState<number>(steps[0]);
  const moving = useDoing(() => clock.move(aheadMs + days * dayMs).finally(tellChange));
  return (
    <>
      <Choice
        id="forward"
        label={texts.clockBy}
        value={String(days)}
        options={steps.map((one) => [String(one), texts.clockDays(one)])}
        onChange={(one) => setDays(Number(one))}
      />
      <ConfirmButton label={texts.clockMove} question={texts.clockAsk} doing={moving} />
    </>
  );
}
