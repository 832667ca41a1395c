import type { ComponentChildren } from "preact";
import { saveFile } from "./save-file.ts";

/** Saves a text that is here already as a file. */
export function SaveButton(props: {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly children: ComponentChildren;
}) {
  const { name, type, text, children } = props;
  return (
    <button type="button" class="button second" onClick={() => saveFile(name, new Blob([text], { type }))}>
      {children}
    </button>
  );
}
