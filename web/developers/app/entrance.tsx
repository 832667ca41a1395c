import { Foot, Frame } from "@wellapi/ui/browser/parts/frame";
import type { Problem } from "@wellapi/ui/browser/problem";
import { useWords } from "./context.ts";
import { hrefOf } from "./location.ts";
import { Heading, Notice } from "./parts/notice.tsx";
import { SignUp } from "./parts/sign-up.tsx";

/** The account works for no organization, or in none of the roles that have something here. `left`: how many it may create. */
export function NoOrganization({ left }: { readonly left: number }) {
  const words = useWords();
  const { none, signUp, common } = words;
  return (
    <Frame words={words} home={hrefOf("")} signedIn>
      <main id="main" class="page stack" tabIndex={-1}>
        {left > 0 ? (
          <>
            <Heading>{signUp.title}</Heading>
            <SignUp />
          </>
        ) : (
          <>
            <Heading>{none.title}</Heading>
            <p>{none.lead}</p>
            <ol class="steps">
              {none.steps.map((step) => (
                <li key={step}>{step}</li>
              ))}
            </ol>
          </>
        )}
        <p>
          <a class="button second" href="/docs/">
            {common.docs}
          </a>
        </p>
      </main>
      <Foot words={words} />
    </Frame>
  );
}

/** Nothing answered when the page was opened. */
export function Unreachable({ problem }: { readonly problem: Problem }) {
  const words = useWords();
  return (
    <Frame words={words} home={hrefOf("")}>
      <main id="main" class="page stack" tabIndex={-1}>
        <h1>{words.common.title}</h1>
        <Notice kind="warning">
          <p>{words.problems[problem]}</p>
          <button type="button" class="button second" onClick={() => location.reload()}>
            {words.common.again}
          </button>
        </Notice>
      </main>
      <Foot words={words} />
    </Frame>
  );
}
