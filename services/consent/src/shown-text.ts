/** Control characters but line breaks, and those that turn the direction of a text. */
const unseen = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/u;

/** Whether people see of a text what was written, and all of it. */
export function isShownAsWritten(text: string): boolean {
  return !unseen.test(text.replaceAll("\n", ""));
}
