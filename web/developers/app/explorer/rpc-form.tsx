import { fieldComments } from "@wellapi/gen/openapi/field_comments";
import { useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { countOf, type FormField, type FormTexts, withoutLast } from "./form-fields.ts";

interface Written {
  readonly texts: FormTexts;
  readonly onChange: (texts: FormTexts) => void;
}

/** The request's fields, each with its type, what the contract says of it, and its rules. */
export function RpcForm(props: Written & { readonly fields: readonly FormField[] }) {
  const { words } = usePlace();
  if (props.fields.length === 0) return <p class="quiet">{words.explorer.noFields}</p>;
  return <Fields {...props} before="" />;
}

/** `before`: of the path of each, which ends in a point where it is not empty. */
function Fields(props: Written & { readonly fields: readonly FormField[]; readonly before: string }) {
  const { fields, before, texts, onChange } = props;
  return (
    <>
      {fields.map((field) => (
        <Field
          key={field.name}
          field={field}
          path={`${before}${field.name}`}
          texts={texts}
          onChange={onChange}
        />
      ))}
    </>
  );
}

interface Placed extends Written {
  readonly field: FormField;
  readonly path: string;
}

function Field(props: Placed) {
  const { field, path, texts, onChange } = props;
  if (field.repeated) return <Values {...props} />;
  if (field.shape.kind === "message") {
    return (
      <Nested field={field} path={path}>
        {() => <Message {...props} />}
      </Nested>
    );
  }
  return (
    <div class={field.shape.kind === "tick" ? "tick" : "field"}>
      <label for={idOf(path)}>
        <code>{field.name}</code>
      </label>
      <Input field={field} path={path} texts={texts} onChange={onChange} />
      <Hint field={field} id={`${idOf(path)}-hint`} />
    </div>
  );
}

function idOf(path: string): string {
  return `field-${path.replaceAll(".", "-")}`;
}

/** A part of the form that is opened where it is wanted: its fields are made then, for messages may lie in themselves. */
function Nested(props: {
  readonly field: FormField;
  readonly path: string;
  readonly children: () => preact.ComponentChildren;
}) {
  const { field, path, children } = props;
  const [open, setOpen] = useState(false);
  return (
    <details class="nested" id={idOf(path)} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>
        <code>{field.name}</code>
      </summary>
      <Hint field={field} id={`${idOf(path)}-hint`} />
      {open && <div class="stack-close">{children()}</div>}
    </details>
  );
}

function Message({ field, path, texts, onChange }: Placed) {
  if (field.shape.kind !== "message") return null;
  return <Fields fields={field.shape.fields()} before={`${path}.`} texts={texts} onChange={onChange} />;
}

/** The values of a repeated field, and how one is added or taken away. */
function Values({ field, path, texts, onChange }: Placed) {
  const { explorer } = usePlace().words;
  const count = countOf(texts, path);
  return (
    <Nested field={field} path={path}>
      {() => (
        <>
          {Array.from({ length: count }, (_, i) => {
            const at = `${path}.${i}`;
            const one = { field: { ...field, repeated: false }, path: at, texts, onChange };
            return (
              <fieldset key={at} class="stack-close">
                <legend>{`${field.name} ${i + 1}`}</legend>
                {field.shape.kind === "message" ? <Message {...one} /> : <Field {...one} />}
              </fieldset>
            );
          })}
          <p class="actions">
            <button
              type="button"
              class="button slim second"
              onClick={() => onChange({ ...texts, [path]: String(count + 1) })}
            >
              {explorer.add}
              <span class="unseen">: {field.name}</span>
            </button>
            {count > 0 && (
              <button
                type="button"
                class="button slim second"
                onClick={() => onChange(withoutLast(texts, path))}
              >
                {explorer.removeLast}
                <span class="unseen">: {field.name}</span>
              </button>
            )}
          </p>
        </>
      )}
    </Nested>
  );
}

/** The contract's comment is in English, as all of the contract. */
function Hint({ field, id }: { readonly field: FormField; readonly id: string }) {
  const { explorer } = usePlace().words;
  const { type, rules, oneof, comment } = field;
  const said = fieldComments[comment];
  return (
    <div class="small quiet breaks" id={id}>
      {said !== undefined && <p lang="en">{said}</p>}
      <p>
        {type}
        {oneof !== "" && ` · ${explorer.oneOf(oneof)}`}
        {rules !== "" && ` · ${explorer.rules} ${rules}`}
      </p>
    </div>
  );
}

function Input({ field: { shape }, path, texts, onChange }: Placed) {
  const text = texts[path] ?? "";
  const change = (next: string): void => onChange({ ...texts, [path]: next });
  const shared = { id: idOf(path), "aria-describedby": `${idOf(path)}-hint` };
  switch (shape.kind) {
    case "tick":
      return (
        <input
          {...shared}
          type="checkbox"
          checked={text === "true"}
          onChange={({ currentTarget }) => change(currentTarget.checked ? "true" : "")}
        />
      );
    case "choice":
      return (
        <select {...shared} value={text} onChange={({ currentTarget }) => change(currentTarget.value)}>
          <option value="" />
          {shape.choices.map((one) => (
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
          onInput={({ currentTarget }) => change(currentTarget.value)}
        />
      );
    default:
      return (
        <input
          {...shared}
          type="text"
          inputMode={shape.kind === "number" ? "decimal" : "text"}
          autocomplete="off"
          value={text}
          onInput={({ currentTarget }) => change(currentTarget.value)}
        />
      );
  }
}
