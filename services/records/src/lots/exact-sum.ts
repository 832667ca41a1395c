import type { ExactDecimal } from "@wellapi/series";

/** An exact sum of decimals of any scales. */
export interface ExactSum {
  add(mantissa: number, scale: number): void;
  readonly value: ExactDecimal;
}

export function createExactSum(): ExactSum {
  let total: ExactDecimal = { mantissa: 0n, scale: 0 };
  // With one scale the sum is a safe integer as long as it fits.
  let sum = 0;
  let of = 0;
  const carry = () => {
    total = addExact(total, { mantissa: BigInt(sum), scale: of });
    sum = 0;
  };
  return {
    add(mantissa, scale) {
      if (scale !== of || !Number.isSafeInteger(sum + mantissa)) {
        carry();
        of = scale;
      }
      sum += mantissa;
    },
    get value() {
      carry();
      return total;
    },
  };
}

export function addExact(a: ExactDecimal, b: ExactDecimal): ExactDecimal {
  const scale = Math.max(a.scale, b.scale);
  return { mantissa: inScale(a, scale) + inScale(b, scale), scale };
}

export function subtractExact(a: ExactDecimal, b: ExactDecimal): ExactDecimal {
  return addExact(a, { mantissa: -b.mantissa, scale: b.scale });
}

function inScale({ mantissa, scale }: ExactDecimal, to: number): bigint {
  return to === scale ? mantissa : mantissa * 10n ** BigInt(to - scale);
}
