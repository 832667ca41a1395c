import { createRequire } from "node:module";
import { ExactDecimal, type FhirObject, type FhirResource, type FhirValue, isObject } from "../resource.ts";

/** What is used of Medplum's evaluator of FHIRPath. */
interface Medplum {
  parseFhirPath(expression: string): object;
  evalFhirPathTyped(
    expression: object,
    input: TypedValue[],
    variables: Record<string, TypedValue>,
  ): TypedValue[];
}

interface TypedValue {
  readonly type: string;
  readonly value: unknown;
}

/** A node of a resource, as FHIRPath sees it. */
export interface Node {
  readonly value: FhirValue;
  /** The name of its type: `Quantity`, `Observation.component`. */
  readonly type: string;
  /** The resource in which it is: the contained one, where it is within one. */
  readonly resource: FhirResource;
  /** The resource that contains that one, or the same. */
  readonly root: FhirResource;
}

let medplum: Medplum | undefined;
const parsed = new Map<string, object>();
const ucum: TypedValue = { type: "string", value: "http://unitsofmeasure.org" };

/**
 * Loads the evaluator, of 17 MB: otherwise the first resource with a rule in FHIRPath does, and waits for it.
 */
export function loadEvaluator(): void {
  medplum ??= createRequire(import.meta.url)("@medplum/core") as Medplum;
}

/** Evaluates expressions over the nodes of one resource, whose decimals it sees as JavaScript numbers. */
export class Evaluator {
  readonly #plain = new Map<FhirObject | readonly FhirValue[], unknown>();

  /** Whether the expression gives true. Throws what the evaluator throws where it cannot tell. */
  isTrue(expression: string, node: Node): boolean {
    loadEvaluator();
    let program = parsed.get(expression);
    if (!program) {
      program = medplum!.parseFhirPath(expression);
      parsed.set(expression, program);
    }
    const context = { type: node.type, value: this.#plainOf(node.value) };
    const result = medplum!.evalFhirPathTyped(program, [context], {
      "%context": context,
      "%resource": this.#resource(node.resource),
      "%rootResource": this.#resource(node.root),
      "%ucum": ucum,
    });
    return result.length === 1 && result[0]!.value === true;
  }

  #resource(resource: FhirResource): TypedValue {
    return { type: resource.resourceType, value: this.#plainOf(resource) };
  }

  /** The value without exact decimals: the same one where there are none. */
  #plainOf(value: FhirValue | undefined): unknown {
    if (value instanceof ExactDecimal) return value.valueOf();
    if (!isObject(value) && !Array.isArray(value)) return value;
    const before = this.#plain.get(value);
    if (before !== undefined) return before;
    const plain = Array.isArray(value) ? this.#plainList(value) : this.#plainObject(value as FhirObject);
    this.#plain.set(value, plain);
    return plain;
  }

  #plainList(list: readonly FhirValue[]): unknown {
    const items = list.map((one) => this.#plainOf(one));
    return items.every((one, at) => one === list[at]) ? list : items;
  }

  #plainObject(object: FhirObject): unknown {
    let copy: Record<string, unknown> | undefined;
    for (const name of Object.keys(object)) {
      const plain = this.#plainOf(object[name]);
      if (plain === object[name]) continue;
      copy ??= { ...object };
      copy[name] = plain;
    }
    return copy ?? object;
  }
}
