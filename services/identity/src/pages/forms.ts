import { randomUUID } from "node:crypto";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";

/** What a form sent. A field that is there twice is not what our pages send: its first value counts. */
export interface Form {
  /** Without blanks at its ends; undefined where it is missing or empty. */
  text(name: string): string | undefined;
  /** Every value of the name, as it was sent. */
  all(name: string): readonly string[];
  has(name: string): boolean;
}

export const formType = "application/x-www-form-urlencoded";

/** As much as a form of ours, with the answer of a passkey, can hold. */
export const formBytes = 16_384;

const empty: Form = { text: () => undefined, all: () => [], has: () => false };

export function parseForm(bytes: Buffer): Form {
  const fields = new URLSearchParams(bytes.toString("utf8"));
  return {
    text: (name) => fields.get(name)?.trim() || undefined,
    all: (name) => fields.getAll(name),
    has: (name) => fields.has(name),
  };
}

/** The form in a request's body; an empty one where it has none. */
export function formOf({ body }: { readonly body: unknown }): Form {
  return (body as Form | undefined | null) ?? empty;
}

/** Names what a form asks for, so that sending it twice does it once. The page made it; what is not like it gets a new one. */
export function requestIdIn(form: Form): string {
  const text = form.text("request");
  return text !== undefined && /^[\w-]{8,64}$/.test(text) ? text : randomUUID();
}

const dayMs = 86_400_000;

/** The end of the day in a field of type date, in UTC: the last day counts. Undefined where it is empty. */
export function dayAfter(form: Form, name: string): Timestamp | undefined {
  const start = Date.parse(`${form.text(name) ?? ""}T00:00:00Z`);
  return Number.isFinite(start) ? timestampFromMs(start + dayMs) : undefined;
}
