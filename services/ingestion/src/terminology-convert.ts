import type { MessageInitShape } from "@bufbuild/protobuf";
import {
  type CategorySetSchema,
  Code_Kind,
  type CodeSchema,
} from "@wellapi/gen/wellapi/terminology/v1/terminology_pb";
import { type CategorySet, type CodeDefinition, LOINC, type Terminology } from "@wellapi/terminology";

const kinds: Readonly<Record<CodeDefinition["kind"], Code_Kind>> = {
  quantity: Code_Kind.QUANTITY,
  coded: Code_Kind.CODED,
  components: Code_Kind.COMPONENTS,
  session: Code_Kind.SESSION,
  integer: Code_Kind.INTEGER,
  ratio: Code_Kind.RATIO,
  text: Code_Kind.TEXT,
  boolean: Code_Kind.BOOLEAN,
};

export function codeMessage(
  terminology: Terminology,
  definition: CodeDefinition,
): MessageInitShape<typeof CodeSchema> {
  const categories = terminology
    .categoriesOf(definition.code)
    .map((name) => ({ name, version: terminology.currentVersion(name) }));
  return {
    coding: codingOf(definition),
    kind: kinds[definition.kind],
    categories,
    ...detailsOf(terminology, definition),
  };
}

function detailsOf(
  terminology: Terminology,
  definition: CodeDefinition,
): Omit<MessageInitShape<typeof CodeSchema>, "$typeName"> {
  switch (definition.kind) {
    case "quantity":
      return { unit: definition.unit, plausibleRange: { ...definition.plausible } };
    case "integer":
      return { plausibleRange: { ...definition.plausible } };
    case "coded":
      return { values: definition.values.map((one) => ({ ...one, system: definition.valueSystem })) };
    case "session":
      return {
        segmentKinds: definition.segments.map((one) => ({ ...one, system: definition.segmentSystem })),
      };
    case "ratio":
      return { unit: definition.numeratorUnit, denominatorUnit: definition.denominatorUnit };
    case "components":
      return { components: definition.components.map((one) => codeMessage(terminology, one)) };
    default:
      return {};
  }
}

export function setMessage(
  terminology: Terminology,
  { category, version, codes, records }: CategorySet,
): MessageInitShape<typeof CategorySetSchema> {
  return {
    category: { name: category, version },
    codes: codes.flatMap((code) => {
      const definition = terminology.findAnyCode(code);
      return definition === undefined ? [] : [codingOf(definition)];
    }),
    current: version === terminology.currentVersion(category),
    resourceTypes: [...(records?.types ?? [])],
    observationCategories: [...(records?.observations ?? [])],
  };
}

function codingOf({ system, code, display }: CodeDefinition) {
  return { system: system === LOINC ? "" : system, code, display };
}
