/**
 * The ranges of an `accept` or `accept-language` header by their weights (RFC 9110, 12.4.2), the dearest first, in lower case; without
 * those of weight 0. What is no weight counts as 1.
 */
export function preferencesOf(header: string): readonly string[] {
  return header
    .toLowerCase()
    .split(",")
    .map((range) => {
      const [value = "", ...parameters] = range.split(";").map((one) => one.trim());
      const weight = parameters.map((one) => /^q=([01](?:\.\d{0,3})?)$/.exec(one)?.[1]).find(Boolean);
      return { value, weight: weight === undefined ? 1 : Number(weight) };
    })
    .filter(({ weight }) => weight > 0)
    .sort((one, other) => other.weight - one.weight)
    .map(({ value }) => value);
}
