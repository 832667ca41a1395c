import { fieldComments } from "@wellapi/gen/openapi/field_comments";
import { usePlace } from "../context.ts";
import { countOf, type FormField, type FormTexts, maskedIn, withoutLast } from "./form-fields.ts";

interface Written {
  readonly texts: FormTexts;
  readonly onChange: (texts: FormTexts) => void;
  readonly opened: ReadonlySet<string>;
  readonly onOpened: (path: string, open: boolean) => void;
}

/** The request's fields, each with its type, what the contract says of it, and its rules. */
export function RpcForm(props: Written & { readonly fields: readonly FormField[] }) {
  const { words } = usePlace();
  if (props.fields.length === 0) return <p class="quiet">{words.explorer.noFields}</p>;
  return <Fields {...props} before="" />;
}

/** `before`: of the path of each, which ends in a point where it is not empty. */
function Fields(props: Written & { readonly fields: readonly FormField[]; readonly before: string }) {
  const { fields, before, ...written } = props;
  return (
    <>
      {fields.map((field) => (
        <Field key={field.name} field={field} path={`${before}${field.name}`} {...written} />
      ))}
    </>
  );
}

interface Placed extends Written {
  readonly field: FormField;
  readonly path: string;
}

function Field(props: Placed) {
  const { field, path } = props;
  if (field.repeated) return <Values {...props} />;
  if (field.shape.kind === "message") return <Nested {...props}>{() => <Message {...props} />}</Nested>;
  if (field.shape.kind === "mask") return <Mask {...props} paths={field.shape.paths()} />;
  return (
    <div class={field.shape.kind === "tick" ? "tick" : "field"}>
      <label for={idOf(path)}>
        <code>{field.name}</code>
      </label>
      <Input {...props} />
      <Hint field={field} id={`${idOf(path)}-hint`} />
    </div>
  );
}

function idOf(path: string): string {
  return `field-${path.replaceAll(".", "-")}`;
}

/** A part of the form that is opened where it is wanted: its fields are made then, for messages may lie in themselves. */
function Nested(props: Placed & { readonly children: () => preact.ComponentChildren }) {
  const { field, path, opened, onOpened, children } = props;
  const open = opened.has(path);
  return (
    <details
      class="nested"
      id={idOf(path)}
      open={open}
      onToggle={({ currentTarget }) => onOpened(path, currentTarget.open)}
    >
      <summary>
        <code>{field.name}</code>
      </summary>
      <Hint field={field} id={`${idOf(path)}-hint`} />
      {open && <div class="stack-close">{children()}</div>}
    </details>
  );
}

function Message({ field, path, ...written }: Placed) {
  if (field.shape.kind !== "message") return null;
  return <Fields fields={field.shape.fields()} before={`${path}.`} {...written} />;
}

/** Which fields are changed: a tick each. The text has them as ProtoJSON writes a mask, with commas between. */
function Mask({ field, path, paths, texts, onChange }: Placed & { readonly paths: readonly string[] }) {
  const chosen = maskedIn(texts[path] ?? "");
  return (
    <fieldset class="stack-close" id={idOf(path)}>
      <legend>
        <code>{field.name}</code>
      </legend>
      <Hint field={field} id={`${idOf(path)}-hint`} />
      {/* One that the form does not know came by JSON, and stays. */}
      {[...new Set([...paths, ...chosen])].map((one) => (
        <p class="tick" key={one}>
          <input
            type="checkbox"
            id={idOf(`${path}.${one}`)}
            checked={chosen.includes(one)}
            onChange={() => onChange({ ...texts, [path]: toggled(chosen, one).join() })}
          />
          <label for={idOf(`${path}.${one}`)}>
            <code>{one}</code>
          </label>
        </p>
      ))}
    </fieldset>
  );
}

function toggled(chosen: readonly string[], one: string): readonly string[] {
  return chosen.includes(one) ? chosen.filter((other) => other !== one) : [...chosen, one];
}

/** The values of a repeated field, and how one is added or taken away. */
function Values(props: Placed) {
  const { field, path, texts, onChange } = props;
  const { explorer } = usePlace().words;
  const count = countOf(texts, path);
  return (
    <Nested {...props}>
      {() => (
        <>
          {Array.from({ length: count }, (_, i) => {
            const at = `${path}.${i}`;
            const one = { ...props, field: { ...field, repeated: false }, path: at };
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
          placeholder={shape.kind === "text" ? shape.example : undefined}
          value={text}
          onInput={({ currentTarget }) => change(currentTarget.value)}
        />
      );
  }
}
