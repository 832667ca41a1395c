import type { Application } from "@wellapi/gen/wellapi/identity/v1/identity_pb";
import { Choice } from "@wellapi/ui/browser/parts/choice";

/** Narrows a page to one of the organization's applications; empty: all of them. */
export function ApplicationChoice(props: {
  readonly texts: { readonly application: string; readonly all: string };
  readonly applications: readonly Application[];
  readonly value: string;
  readonly onChange: (application: string) => void;
}) {
  const { texts, applications, value, onChange } = props;
  return (
    <Choice
      id="application"
      label={texts.application}
      value={value}
      options={[["", texts.all], ...applications.map(({ id, displayName }) => [id, displayName] as const)]}
      onChange={onChange}
    />
  );
}
