import type { Sample } from "../samples.ts";
import { CopiedText } from "./copied-text.tsx";

/** Each behind its name, the first one open. */
export function Samples({ samples }: { readonly samples: readonly Sample[] }) {
  return (
    <>
      {samples.map(({ name, text }, at) => (
        <details key={name} open={at === 0}>
          <summary>{name}</summary>
          <CopiedText name={name} text={text} />
        </details>
      ))}
    </>
  );
}
