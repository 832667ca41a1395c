import type { CheckContext, Decimals, Findings, SeriesItem } from "./item.ts";
import {
  checkCode,
  checkCodedValue,
  checkComponentSet,
  checkDevice,
  checkKind,
  checkUnitOf,
} from "./item-code.ts";
import { checkSeriesTimes } from "./item-times.ts";
import type { Violation } from "./violation.ts";
import type { CodeRule, Vocabulary } from "./vocabulary.ts";

const valueFields = { quantity: "decimals", coded: "coded", components: "components" } as const;

/** Number of samples by the values; of components, by the first one's. */
export function sampleCount({ values }: SeriesItem): number {
  switch (values.kind) {
    case "quantity":
      return lengthOf(values);
    case "coded":
      return values.indexes.length;
    case "components":
      return values.components[0] === undefined ? 0 : lengthOf(values.components[0].decimals);
  }
}

/** Everything that is wrong with a series; of each rule and column the first place only. */
export function checkSeries(item: SeriesItem, vocabulary: Vocabulary, context: CheckContext): Findings {
  const { field } = context;
  const { rule, violations } = checkCode(vocabulary, item.code, field);
  const count = sampleCount(item);
  violations.push(...checkDevice(item.device, field), ...checkColumns(item, count, field));
  if (rule !== undefined) violations.push(...checkAgainstRule(item, rule, vocabulary, field));
  if (count === 0) {
    violations.push({
      field: `${field}.${valueFields[item.values.kind]}`,
      reason: "SERIES_EMPTY",
      description: "holds no sample: leave the series out",
    });
    return { violations, resolved: undefined };
  }
  const times = checkSeriesTimes(item, count, context);
  return { violations: [...violations, ...times.violations], resolved: times.resolved };
}

function checkAgainstRule(
  item: SeriesItem,
  rule: CodeRule,
  vocabulary: Vocabulary,
  field: string,
): Violation[] {
  const { values, unit, code } = item;
  const wrong = checkKind(rule, values.kind, valueFields, field);
  if (wrong.length > 0) return wrong;
  const violations = checkUnitOf(vocabulary, code.code, unit, `${field}.unit`);
  if (values.kind === "coded" && rule.kind === "coded") {
    const found = values.dictionary.flatMap((coding, i) =>
      checkCodedValue(rule, coding, `${field}.coded.dictionary[${i}]`),
    );
    violations.push(...found.slice(0, 1));
  }
  if (values.kind === "components" && rule.kind === "components") {
    const at = `${field}.components.components`;
    violations.push(
      ...checkComponentSet(
        rule,
        values.components.map(({ coding }) => coding),
        at,
      ),
    );
    values.components.forEach((component, i) => {
      violations.push(...checkUnitOf(vocabulary, component.coding.code, component.unit, `${at}[${i}].unit`));
    });
  }
  return violations;
}

/** The columns by themselves. */
function checkColumns({ values }: SeriesItem, count: number, field: string): Violation[] {
  switch (values.kind) {
    case "quantity":
      return checkMantissas(values, `${field}.decimals`);
    case "coded": {
      const size = values.dictionary.length;
      const outside = values.indexes.findIndex((index) => index >= size);
      if (outside < 0) return [];
      return [
        {
          field: `${field}.coded.indexes[${outside}]`,
          reason: "INDEX_OUT_OF_RANGE",
          description: "must be a position in the dictionary, counted from 0",
        },
      ];
    }
    case "components":
      return values.components.flatMap(({ decimals }, i) => {
        const at = `${field}.components.components[${i}].decimals`;
        const lengths: Violation[] =
          lengthOf(decimals) === count
            ? []
            : [
                {
                  field: at,
                  reason: "LENGTH_MISMATCH",
                  description: "must have as many values as the first component",
                },
              ];
        return [...lengths, ...checkMantissas(decimals, at)];
      });
  }
}

function checkMantissas({ wideMantissas }: Decimals, field: string): Violation[] {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  const outside = wideMantissas.findIndex((mantissa) => mantissa > limit || mantissa < -limit);
  if (outside < 0) return [];
  return [
    {
      field: `${field}.wide_mantissas[${outside}]`,
      reason: "VALUE_OUT_OF_RANGE",
      description: "must lie within ±(2^53−1): send fewer digits, with a smaller scale",
    },
  ];
}

function lengthOf({ mantissas, wideMantissas }: Decimals): number {
  return wideMantissas.length > 0 ? wideMantissas.length : mantissas.length;
}
