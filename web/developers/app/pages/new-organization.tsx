import { useWords } from "../context.ts";
import { Heading } from "../parts/notice.tsx";
import { SignUp } from "../parts/sign-up.tsx";

/** One more organization of the reader's own. */
export function NewOrganization() {
  return (
    <>
      <Heading>{useWords().signUp.title}</Heading>
      <SignUp />
    </>
  );
}
