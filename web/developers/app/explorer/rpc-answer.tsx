import { usePlace } from "../context.ts";
import { CopiedText } from "../parts/copied-text.tsx";
import { ReasonLink } from "../parts/reason-link.tsx";
import type { Answer } from "./call.ts";

export function RpcAnswer({ answer }: { readonly answer: Answer }) {
  const { words, formats } = usePlace();
  const { messages, status, reason, said, milliseconds } = answer;
  return (
    <section class="stack-close" aria-labelledby="answer">
      <h3 id="answer">{words.explorer.answer}</h3>
      <p role="status">
        {status ?? words.common.loading} · {formats.number(milliseconds)} ms
        {reason !== "" && (
          <>
            {" · "}
            <ReasonLink reason={reason} />
          </>
        )}
      </p>
      {said !== "" && <p class="breaks">{said}</p>}
      {messages.length > 0 && <CopiedText name={words.explorer.answer} text={messages.join("\n")} />}
    </section>
  );
}
