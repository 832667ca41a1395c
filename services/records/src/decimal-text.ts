/** mantissa × 10^-scale as text with `scale` digits after the point: (9860, 2) is `98.60`. */
export function decimalText(value: { readonly mantissa: number | bigint; readonly scale: number }): string {
  const mantissa = BigInt(value.mantissa);
  const sign = mantissa < 0n ? "-" : "";
  const digits = (mantissa < 0n ? -mantissa : mantissa).toString().padStart(value.scale + 1, "0");
  if (value.scale === 0) return sign + digits;
  const point = digits.length - value.scale;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}
