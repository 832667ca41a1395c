/** mantissa × 10^-scale as text with `scale` digits after the point: (9860, 2) is `98.60`. */
export function decimalText(value: { readonly mantissa: number | bigint; readonly scale: number }): string {
  const { mantissa } = value;
  const sign = mantissa < 0 ? "-" : "";
  // A safe integer's text has no exponent.
  const digits = `${mantissa < 0 ? -mantissa : mantissa}`.padStart(value.scale + 1, "0");
  if (value.scale === 0) return sign + digits;
  const point = digits.length - value.scale;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** The same number without zeros at its end, but with at least `least` digits after the point. */
export function withoutZeros(
  { mantissa, scale }: { readonly mantissa: bigint; readonly scale: number },
  least: number,
): { mantissa: bigint; scale: number } {
  let [left, digits] = [mantissa, scale];
  while (digits > least && left % 10n === 0n) {
    left /= 10n;
    digits--;
  }
  return { mantissa: left, scale: digits };
}
