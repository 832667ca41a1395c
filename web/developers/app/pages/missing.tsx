import { usePlace } from "../context.ts";
import { Heading } from "../parts/notice.tsx";

export function Missing() {
  const { words } = usePlace();
  return (
    <>
      <Heading>{words.common.missing}</Heading>
      <p>{words.common.missingLead}</p>
    </>
  );
}
