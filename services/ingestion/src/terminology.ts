import { categoriesOf, checkUnit, findCode } from "@wellapi/terminology";
import type { CodeRule, Vocabulary } from "./vocabulary.ts";

/** The vocabulary of packages/terminology. */
export const terminology: Vocabulary = {
  rule(system, code): CodeRule | undefined {
    const definition = findCode(code, system);
    switch (definition?.kind) {
      case undefined:
        return undefined;
      case "quantity":
        return { kind: "quantity" };
      case "coded":
        return {
          kind: "coded",
          valueSystem: definition.valueSystem,
          values: definition.values.map((value) => value.code),
        };
      case "components":
        return { kind: "components", components: definition.components.map((component) => component.code) };
    }
  },
  inSomeCategory: (code) => categoriesOf(code).length > 0,
  unitFault(code, unit) {
    const check = checkUnit(code, unit);
    switch (check.status) {
      case "ok":
      case "unknown_code": // said of the code itself
        return undefined;
      case "unknown_unit":
        return { reason: "UNIT_UNKNOWN", remedy: check.remedy };
      case "wrong_dimension":
        return { reason: "UNIT_WRONG_DIMENSION", remedy: check.remedy };
    }
  },
};
