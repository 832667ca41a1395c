import type { Decimals } from "@wellapi/gen/wellapi/type/v1/series_pb";

/** Of a column, as numbers: a screen is no more exact. */
export function numbersOf({ scale, mantissas, wideMantissas }: Decimals): readonly number[] {
  const whole = mantissas.length > 0 ? mantissas : wideMantissas.map(Number);
  return whole.map((mantissa) => mantissa / 10 ** scale);
}
