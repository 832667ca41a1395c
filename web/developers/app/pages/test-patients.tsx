import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useMemo, useRef } from "preact/hooks";
import { mayChange } from "../api/membership.ts";
import { createTestPatients, type TestPatient, zones } from "../api/test-patients.ts";
import { usePlace } from "../context.ts";
import { ConfirmButton, DoButton, Heading, Notice, useDoing, Waited } from "../parts/notice.tsx";

/** Patients who do not exist, for whom the organization tries what it will do for real ones. */
export function TestPatients() {
  const { words, membership } = usePlace();
  const { testPatients: texts } = words;
  return (
    <>
      <Heading>{words.common.testPatients}</Heading>
      <p class="lead">{texts.lead}</p>
      {mayChange(membership) ? (
        <Patients />
      ) : (
        <Notice kind="warning">
          <p>{texts.rolesNeeded}</p>
        </Notice>
      )}
    </>
  );
}

function Patients() {
  const { words, membership } = usePlace();
  const { testPatients: texts } = words;
  const all = useMemo(() => createTestPatients(membership.organization), [membership]);
  const loaded = useLoaded((signal) => all.list(signal), [all]);
  // The same for each try, until all of them are there.
  const requestId = useRef(crypto.randomUUID());
  const creating = useDoing(async () => {
    const enrolled = zones.map((zone, at) => all.enrol(texts.name(zone), zone, `${requestId.current}-${at}`));
    const results = await Promise.allSettled(enrolled);
    tellChange();
    for (const one of results) if (one.status === "rejected") throw one.reason;
    requestId.current = crypto.randomUUID();
  });
  return (
    <>
      <section class="stack-close">
        <p class="actions">
          <DoButton doing={creating}>{texts.create(zones.length)}</DoButton>
        </p>
        <p class="hint">{texts.createHint}</p>
      </section>
      <Waited loaded={loaded}>
        {(patients) =>
          patients.length === 0 ? (
            <p class="quiet">{texts.none}</p>
          ) : (
            <>
              <div class="card">
                <ul class="rows">
                  {patients.map(({ id, name }) => (
                    <li key={id}>
                      <span>
                        {name} <code class="quiet small breaks">{id}</code>
                      </span>
                    </li>
                  ))}
                </ul>
              </div>
              <EraseAll patients={patients} erase={all.erase} />
            </>
          )
        }
      </Waited>
    </>
  );
}

function EraseAll(props: {
  readonly patients: readonly TestPatient[];
  readonly erase: (id: string) => Promise<void>;
}) {
  const { patients, erase } = props;
  const { testPatients: texts } = usePlace().words;
  const erasing = useDoing(async () => {
    const results = await Promise.allSettled(patients.map(({ id }) => erase(id)));
    tellChange();
    for (const one of results) if (one.status === "rejected") throw one.reason;
  });
  return <ConfirmButton label={texts.erase} question={texts.eraseAsk} doing={erasing} />;
}
