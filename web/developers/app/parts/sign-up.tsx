import { useRef, useState } from "preact/hooks";
import { connect } from "../api/connection.ts";
import { choose } from "../api/membership.ts";
import { useWords } from "../context.ts";
import { hrefOf } from "../location.ts";
import { CreationForm } from "./creation.tsx";
import { useDoing } from "./notice.tsx";

/** Makes an organization, of which the reader is the owner, and opens it. */
export function SignUp() {
  const { signUp } = useWords();
  const [displayName, setName] = useState("");
  // The same for each try, so that a try whose answer was lost makes no second organization.
  const requestId = useRef(crypto.randomUUID());
  const doing = useDoing(async () => {
    const { organization } = await connect("account").organizations.createOrganization({
      organization: { displayName },
      requestId: requestId.current,
    });
    choose({ organization: organization!.id });
    // What the reader may act as is asked for once, at the start.
    location.assign(hrefOf(""));
  });
  return (
    <>
      <p class="lead">{signUp.lead}</p>
      <section class="card stack-close" aria-label={signUp.title}>
        <CreationForm doing={doing} action={signUp.create}>
          <div class="field">
            <label for="organization-name">{signUp.name}</label>
            <input
              id="organization-name"
              required
              maxLength={200}
              autocomplete="organization"
              value={displayName}
              onInput={({ currentTarget }) => {
                setName(currentTarget.value);
                requestId.current = crypto.randomUUID();
              }}
            />
            <p class="hint">{signUp.nameHint}</p>
          </div>
        </CreationForm>
      </section>
      <p>{signUp.invited}</p>
    </>
  );
}
