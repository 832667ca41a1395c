import { type FhirObject, type FhirValue, isObject } from "@wellapi/fhir-r4";
import type { HttpRequest } from "@wellapi/http";
import { FhirServiceError } from "../../errors.ts";
import { queryOf } from "../address.ts";
import { sentResource } from "../content.ts";

/** What an operation is asked for: its parameters, from the address, from a form, or from a body of Parameters. */
export interface Asked {
  /** A parameter as text; empty where it is not given. */
  text(name: string): string;
  /** A whole number; undefined where it is not given. */
  count(name: string): number | undefined;
  /** `true` or `false`; false where it is not given. */
  flag(name: string): boolean;
  /** A code with its system, of a `coding`; undefined where none is given. */
  coding(): AskedCoding | undefined;
  /** The codings of a `codeableConcept`; undefined where none is given. */
  concept(): readonly AskedCoding[] | undefined;
}

export interface AskedCoding {
  readonly system: string;
  readonly version: string;
  readonly code: string;
  readonly display: string;
}

/** So many codings of one concept are judged. */
const mostCodings = 16;

/** Reads the parameters. Throws INVALID_REQUEST for one that is not known: what is ignored could change the answer. */
export function askedOf(request: HttpRequest, known: readonly string[]): Asked {
  const values = new Map<string, FhirValue>();
  const add = (name: string, value: FhirValue | undefined): void => {
    if (!known.includes(name)) throw unknown(name, known);
    if (values.has(name)) throw wrong(name, "may be given once");
    if (value === undefined) throw wrong(name, "has to have a value");
    values.set(name, value);
  };
  for (const [name, value] of queryOf(request)) if (name !== "_format") add(name, value);
  if (request.body instanceof URLSearchParams) for (const [name, value] of request.body) add(name, value);
  else if (request.method === "POST") for (const [name, value] of parametersOf(request)) add(name, value);
  return createAsked(values);
}

function parametersOf(request: HttpRequest): [string, FhirValue | undefined][] {
  const sent = sentResource(request);
  if (sent.resourceType !== "Parameters") {
    throw new FhirServiceError(
      "INVALID_REQUEST",
      "Send the parameters of the operation as a Parameters resource",
    );
  }
  const list = Array.isArray(sent.parameter) ? sent.parameter.filter(isObject) : [];
  return list.map((one) => [String(one.name), sentValue(one)]);
}

/** The one `value[x]`. */
function sentValue(parameter: FhirObject): FhirValue | undefined {
  const name = Object.keys(parameter).find((one) => /^value[A-Z]/.test(one));
  return name === undefined ? undefined : parameter[name];
}

function createAsked(values: ReadonlyMap<string, FhirValue>): Asked {
  const text = (name: string): string => {
    const value = values.get(name) ?? "";
    if (isObject(value) || Array.isArray(value)) throw wrong(name, "has to be a text or a number");
    return String(value);
  };
  return {
    text,
    count(name) {
      if (!values.has(name)) return undefined;
      const number = Number(text(name));
      if (text(name) !== "" && Number.isInteger(number) && number >= 0 && number <= 1_000_000) return number;
      throw wrong(name, "has to be a whole number from 0 to 1000000");
    },
    flag(name) {
      const said = text(name);
      if (said !== "" && said !== "true" && said !== "false") throw wrong(name, "has to be true or false");
      return said === "true";
    },
    coding() {
      const value = values.get("coding");
      return value === undefined ? undefined : codingOf("coding", value);
    },
    concept() {
      const value = values.get("codeableConcept");
      if (value === undefined) return undefined;
      const list = isObject(value) && Array.isArray(value.coding) ? value.coding : [];
      if (list.length >= 1 && list.length <= mostCodings)
        return list.map((one) => codingOf("codeableConcept", one));
      throw wrong("codeableConcept", `has to have 1 to ${mostCodings} codings`);
    },
  };
}

function codingOf(name: string, value: FhirValue): AskedCoding {
  const member = (one: string): string => {
    const text = isObject(value) ? value[one] : undefined;
    return typeof text === "string" ? text : "";
  };
  if (member("code") === "") throw wrong(name, "has to be a Coding with its code, in a body of Parameters");
  return {
    system: member("system"),
    version: member("version"),
    code: member("code"),
    display: member("display"),
  };
}

function unknown(name: string, known: readonly string[]): FhirServiceError {
  const shown = /^[A-Za-z_:.-]{1,64}$/.test(name) ? name : "one of the parameters";
  return new FhirServiceError("INVALID_REQUEST", `${shown} is not taken here: there are ${known.join(", ")}`);
}

function wrong(name: string, what: string): FhirServiceError {
  return new FhirServiceError("INVALID_REQUEST", `${name} ${what}`);
}

/** One code of `code` with its system, or of `coding`; throws INVALID_REQUEST where both or neither are given. */
export function oneCoding(asked: Asked, system: string, version: string): AskedCoding {
  const coding = asked.coding();
  const code = asked.text("code");
  if ((coding === undefined) === (code === "")) {
    throw new FhirServiceError("INVALID_REQUEST", "Give either code with its code system, or coding");
  }
  return (
    coding ?? {
      system: asked.text(system),
      version: asked.text(version),
      code,
      display: asked.text("display"),
    }
  );
}
