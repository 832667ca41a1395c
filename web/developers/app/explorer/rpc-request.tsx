import type { DescMessage, JsonObject } from "@bufbuild/protobuf";
import { useMemo, useState } from "preact/hooks";
import { usePlace } from "../context.ts";
import { type FormTexts, formFieldsOf, requestOf, textsOf } from "./form-fields.ts";
import { RpcForm } from "./rpc-form.tsx";

/** A request as it is being written: by the form, or as JSON. */
export interface WrittenRequest {
  readonly fields: ReturnType<typeof formFieldsOf>;
  readonly texts: FormTexts;
  setTexts(texts: FormTexts): void;
  /** The paths of the parts of the form that the reader has opened. They stay so while the request is shown as JSON. */
  readonly opened: ReadonlySet<string>;
  setOpened(path: string, open: boolean): void;
  /** Undefined: the form is shown. */
  readonly json: string | undefined;
  setJson(json: string | undefined): void;
  /** The request. Throws SyntaxError. */
  value(): JsonObject;
}

export function useWrittenRequest(message: DescMessage): WrittenRequest {
  const fields = useMemo(() => formFieldsOf(message), [message]);
  const [texts, setTexts] = useState<FormTexts>({});
  const [opened, setPaths] = useState<ReadonlySet<string>>(new Set());
  const setOpened = (path: string, open: boolean): void =>
    setPaths((before) => (open ? new Set([...before, path]) : before.difference(new Set([path]))));
  const [json, setJson] = useState<string>();
  const value = (): JsonObject => (json === undefined ? requestOf(fields, texts) : objectOf(json));
  return { fields, texts, setTexts, opened, setOpened, json, setJson, value };
}

function objectOf(json: string): JsonObject {
  const value: unknown = JSON.parse(json);
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new SyntaxError("a request is a JSON object");
  return value as JsonObject;
}

/** The request's text for a sample; `{}` while it cannot be read. */
export function jsonOf({ value }: WrittenRequest): string {
  try {
    return JSON.stringify(value());
  } catch {
    return "{}";
  }
}

/** `onMistake` gets what keeps the request from being shown the other way. */
export function RpcRequest(props: {
  readonly request: WrittenRequest;
  readonly onMistake: (said: string) => void;
}) {
  const { request, onMistake } = props;
  const { fields, texts, setTexts, opened, setOpened, json, setJson } = request;
  const { explorer: words } = usePlace().words;
  function change(): void {
    try {
      const value = request.value();
      setTexts(textsOf(fields, value));
      setJson(json === undefined ? JSON.stringify(value, undefined, 2) : undefined);
      onMistake("");
    } catch (error) {
      onMistake((error as Error).message);
    }
  }
  return (
    <>
      {json === undefined ? (
        <RpcForm fields={fields} texts={texts} onChange={setTexts} opened={opened} onOpened={setOpened} />
      ) : (
        <div class="field">
          <label for="json">{words.json}</label>
          <textarea
            id="json"
            rows={10}
            spellcheck={false}
            value={json}
            onInput={({ currentTarget }) => setJson(currentTarget.value)}
          />
        </div>
      )}
      <p>
        <button type="button" class="link" onClick={change}>
          {json === undefined ? words.asJson : words.asForm}
        </button>
      </p>
    </>
  );
}
