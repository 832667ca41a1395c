import { tellChange } from "@wellapi/ui/browser/changes";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useRef, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { keySamples } from "../samples.ts";
import { CopiedText } from "./copied-text.tsx";
import { CreationForm } from "./creation.tsx";
import { Notice, useDoing } from "./notice.tsx";
import { Samples } from "./samples.tsx";

const daySeconds = 86_400;

/** Makes an API key, shows it once, and a first call with it. */
export function NewKey({ application }: { readonly application: string }) {
  const { words, connection } = usePlace();
  const { application: texts } = words;
  const [displayName, setName] = useState("");
  const [days, setDays] = useState(90);
  const [key, setKey] = useState("");
  const requestId = useRef(crypto.randomUUID());
  const doing = useDoing(async () => {
    const { apiKey } = await connection.credentials.createApiKey({
      application,
      displayName,
      lifetime: { seconds: BigInt(days * daySeconds) },
      requestId: requestId.current,
    });
    requestId.current = crypto.randomUUID();
    setKey(apiKey);
    tellChange();
  });
  return (
    <section class="card stack-close" aria-labelledby="new-key">
      <h2 id="new-key">{texts.newKey}</h2>
      <CreationForm doing={doing} action={texts.createKey}>
        <div class="field">
          <label for="key-name">{texts.keyName}</label>
          <input
            id="key-name"
            maxLength={100}
            value={displayName}
            onInput={({ currentTarget }) => {
              setName(currentTarget.value);
              requestId.current = crypto.randomUUID();
            }}
          />
        </div>
        <Choice
          id="key-days"
          label={texts.lifetime}
          value={String(days)}
          options={[30, 90, 365].map((one) => [String(one), texts.days(one)])}
          onChange={(one) => {
            setDays(Number(one));
            requestId.current = crypto.randomUUID();
          }}
        />
      </CreationForm>
      {key !== "" && (
        <Notice kind="success">
          <p>{texts.keyOnce}</p>
          <CopiedText name={texts.key} text={key} />
        </Notice>
      )}
      <h3>{texts.firstCall}</h3>
      <p>{texts.firstCallLead}</p>
      <CopiedText name="WELLAPI_API_KEY" text={`export WELLAPI_API_KEY=${key || "…"}`} />
      <Samples samples={keySamples(location.origin)} />
    </section>
  );
}
