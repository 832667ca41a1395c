import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useMemo } from "preact/hooks";
import { mayChange } from "../api/membership.ts";
import { createSandbox, type Sandbox } from "../api/sandbox.ts";
import { usePlace } from "../context.ts";
import { ConfirmButton, Heading, Notice, useDoing, Waited } from "../parts/notice.tsx";
import { OrganizationClock } from "../parts/organization-clock.tsx";
import { SandboxFilling } from "../parts/sandbox-filling.tsx";
import { TestPatientConsents } from "../parts/test-patient-consents.tsx";
import { useSandboxWork } from "../sandbox-work.ts";

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
  const sandbox = useMemo(() => createSandbox(membership.organization), [membership]);
  const loaded = useLoaded((signal) => sandbox.patients.list(signal), [sandbox]);
  const work = useSandboxWork(sandbox);
  return (
    <>
      <SandboxFilling work={work} someThere={(loaded.value ?? []).length > 0} />
      <Waited loaded={loaded}>
        {(patients) =>
          patients.length === 0 ? (
            <p class="quiet">{texts.none}</p>
          ) : (
            <>
              <div class="card">
                <ul class="rows">
                  {patients.map(({ id, displayName }) => (
                    <li key={id}>
                      <div class="stack-close">
                        <span>
                          {displayName} <code class="quiet small breaks">{id}</code>
                        </span>
                        <TestPatientConsents patient={id} patients={sandbox.patients} />
                      </div>
                    </li>
                  ))}
                </ul>
              </div>
              {work.work.kind === "idle" && (
                <EraseAll ids={patients.map(({ id }) => id)} erase={sandbox.patients.erase} />
              )}
            </>
          )
        }
      </Waited>
      <OrganizationClock clock={sandbox.clock} />
    </>
  );
}

function EraseAll({ ids, erase }: { readonly ids: readonly string[] } & Pick<Sandbox["patients"], "erase">) {
  const { testPatients: texts } = usePlace().words;
  const erasing = useDoing(() => erase(ids).finally(tellChange));
  return <ConfirmButton label={texts.erase} question={texts.eraseAsk} doing={erasing} />;
}
