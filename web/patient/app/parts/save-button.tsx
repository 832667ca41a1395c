import type { ComponentChildren } from "preact";

/** Saves a text that is here already as a file. */
export function SaveButton(props: {
  readonly name: string;
  readonly type: string;
  readonly text: string;
  readonly children: ComponentChildren;
}) {
  const { name, type, text, children } = props;
  function save(): void {
    const url = URL.createObjectURL(new Blob([text], { type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = name;
    link.click();
    URL.revokeObjectURL(url);
  }
  return (
    <button type="button" class="button second" onClick={save}>
      {children}
    </button>
  );
}
