import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { Heading } from "../parts/heading.tsx";

export function Missing() {
  const { common } = usePlace().words;
  return (
    <>
      <Heading>{common.missing}</Heading>
      <p>{common.missingLead}</p>
      <p>
        <a class="button" href={hrefOf("")}>
          {common.back}
        </a>
      </p>
    </>
  );
}
