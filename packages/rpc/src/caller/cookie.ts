/**
 * The value of the cookie of this name in a `cookie` header (RFC 6265); undefined where there is none, or it is empty, or there are
 * more than one: then one of them is not ours.
 */
export function cookieIn(header: string | null | undefined, name: string): string | undefined {
  const values = (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  return values.length === 1 && values[0] !== "" ? values[0] : undefined;
}
