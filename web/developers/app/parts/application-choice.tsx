import type { Application } from "@wellapi/gen/wellapi/identity/v1/identity_pb";

/** Narrows a page to one of the organization's applications; empty: all of them. */
export function ApplicationChoice(props: {
  readonly texts: { readonly application: string; readonly all: string };
  readonly applications: readonly Application[];
  readonly value: string;
  readonly onChange: (application: string) => void;
}) {
  const { texts, applications, value, onChange } = props;
  return (
    <div class="field">
      <label for="application">{texts.application}</label>
      <select id="application" value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
        <option value="">{texts.all}</option>
        {applications.map(({ id, displayName }) => (
          <option key={id} value={id}>
            {displayName}
          </option>
        ))}
      </select>
    </div>
  );
}
