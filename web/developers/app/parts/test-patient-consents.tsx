import { toJsonString } from "@bufbuild/protobuf";
import { type Consent, Consent_State, ConsentSchema } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { useState } from "preact/hooks";
import type { Sandbox } from "../api/sandbox.ts";
import { usePlace } from "../context.ts";
import { CopiedText } from "./copied-text.tsx";
import { ConfirmButton, useDoing, Waited } from "./notice.tsx";

interface Asked {
  /** The test patient, by the organization's own id. */
  readonly patient: string;
  readonly patients: Pick<Sandbox["patients"], "consentsOf" | "revoke">;
}

/** What a test patient permits the organization: asked for once it is opened, for each look is a call as the patient, which the log has. */
export function TestPatientConsents({ patient, patients }: Asked) {
  const { testPatients: texts } = usePlace().words;
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{texts.consents}</summary>
      {open && <Consents patient={patient} patients={patients} />}
    </details>
  );
}

function Consents({ patient, patients }: Asked) {
  const { words, membership } = usePlace();
  const { organization } = membership;
  const loaded = useLoaded(
    () => patients.consentsOf(patient, organization),
    [patients, patient, organization],
  );
  return (
    <Waited loaded={loaded}>
      {(consents) =>
        consents.length === 0 ? (
          <p class="quiet">{words.testPatients.noConsents}</p>
        ) : (
          <ul class="rows">
            {consents.map((consent) => (
              <Terms key={consent.id} consent={consent} revoke={() => patients.revoke(patient, consent.id)} />
            ))}
          </ul>
        )
      }
    </Waited>
  );
}

/** As the organization's own key reads it. */
function Terms({ consent, revoke }: { readonly consent: Consent; readonly revoke: () => Promise<void> }) {
  const { testPatients: texts } = usePlace().words;
  const revoking = useDoing(() => revoke().finally(tellChange));
  const { id, state } = consent;
  const inForce = state === Consent_State.ACTIVE || state === Consent_State.SCHEDULED;
  return (
    <li>
      <div class="stack-close">
        <p>
          <code class="breaks">{id}</code>{" "}
          <span class={`badge ${state === Consent_State.ACTIVE ? "success" : "plain"}`}>
            {texts.consentStates[state]}
          </span>
        </p>
        <details>
          <summary>{texts.terms}</summary>
          <CopiedText name={texts.terms} text={toJsonString(ConsentSchema, consent, { prettySpaces: 2 })} />
        </details>
        {inForce && <ConfirmButton label={texts.revoke} question={texts.revokeAsk} doing={revoking} />}
      </div>
    </li>
  );
}
