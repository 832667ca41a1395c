/** Whether who asks has what bears the etag (`if-none-match`). */
export function isKnown(ifNoneMatch: string | undefined, etag: string): boolean {
  // By the weak comparison (RFC 9110, 13.1.2): caches mark as weak what they have packed themselves.
  const shown = (ifNoneMatch ?? "").split(",").map((one) => one.trim().replace(/^W\//, ""));
  return shown.includes(etag) || shown.includes("*");
}
