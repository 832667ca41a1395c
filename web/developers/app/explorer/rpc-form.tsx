import { usePlace } from "../context.ts";
import type { FormField, FormTexts } from "./form-fields.ts";

/** The request's fields, each with its type and the contract's rules. */
export function RpcForm(props: {
  readonly fields: readonly FormField[];
  readonly texts: FormTexts;
  readonly onChange: (texts: FormTexts) => void;
}) {
  const { fields, texts, onChange } = props;
  const { words } = usePlace();
  if (fields.length === 0) return <p class="quiet">{words.explorer.noFields}</p>;
  return (
    <>
      {fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          text={texts[field.name] ?? ""}
          onChange={(text) => onChange({ ...texts, [field.name]: text })}
        />
      ))}
    </>
  );
}

function Field(props: {
  readonly field: FormField;
  readonly text: string;
  readonly onChange: (text: string) => void;
}) {
  const { field, text, onChange } = props;
  const { words } = usePlace();
  const { name, type, rules, oneof } = field;
  const id = `field-${name}`;
  const hint = `${id}-hint`;
  return (
    <div class={field.kind === "tick" ? "tick" : "field"}>
      <label for={id}>
        <code>{name}</code>
      </label>
      <Input field={field} id={id} hint={hint} text={text} onChange={onChange} />
      <p class="small quiet breaks" id={hint}>
        {type}
        {oneof !== "" && ` · ${words.explorer.oneOf(oneof)}`}
        {rules !== "" && ` · ${words.explorer.rules} ${rules}`}
      </p>
    </div>
  );
}

function Input(props: {
  readonly field: FormField;
  readonly id: string;
  readonly hint: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
}) {
  const { field, id, hint, text, onChange } = props;
  const shared = { id, "aria-describedby": hint };
  switch (field.kind) {
    case "tick":
      return (
        <input
          {...shared}
          type="checkbox"
          checked={text === "true"}
          onChange={({ currentTarget }) => onChange(currentTarget.checked ? "true" : "")}
        />
      );
    case "choice":
      return (
        <select {...shared} value={text} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          <option value="" />
          {field.choices.map((one) => (
            <option key={one}>{one}</option>
          ))}
        </select>
      );
    case "json":
      return (
        <textarea
          {...shared}
          rows={3}
          spellcheck={false}
          value={text}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      );
    default:
      return (
        <input
          {...shared}
          type="text"
          inputMode={field.kind === "number" ? "decimal" : "text"}
          autocomplete="off"
          value={text}
          onInput={({ currentTarget }) => onChange(currentTarget.value)}
        />
      );
  }
}
