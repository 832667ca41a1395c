import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";

/** Pages that came neither by HTTPS nor from this machine have no clipboard. */
const canCopy = "clipboard" in navigator;

/** A text to take away: a key, a command. `name` says to who does not see it what it is. */
export function CopiedText({ name, text }: { readonly name: string; readonly text: string }) {
  const { words } = usePlace();
  const [copied, setCopied] = useState(false);
  async function copy(): Promise<void> {
    const done = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setCopied(done);
  }
  return (
    <div class="copied stack-close">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keys */}
      <section class="scrolled" tabIndex={0} aria-label={name}>
        <pre>
          <code>{text}</code>
        </pre>
      </section>
      <p class="actions" hidden={!canCopy}>
        <button type="button" class="button slim second" onClick={() => void copy()}>
          {words.common.copy}
          <span class="unseen">: {name}</span>
        </button>
        <span role="status">{copied && words.common.copied}</span>
      </p>
    </div>
  );
}
