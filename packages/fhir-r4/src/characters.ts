/**
 * What no text of FHIR has: characters below a space but for tab, line feed and carriage return, and the two that XML 1.0 excludes
 * besides.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const excluded = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/;

/** Whether both JSON and XML can carry the text: no control characters, no half of a surrogate pair. */
export function isCarried(text: string): boolean {
  return !excluded.test(text) && text.isWellFormed();
}
