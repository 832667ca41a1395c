import { EventsError } from "./errors.ts";

/** Tells which subjects a consumption wants: exact ones, or all below a prefix that ends in `.>`. */
export function createSubjectFilter(subjects: readonly string[]): (subject: string) => boolean {
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const subject of subjects) {
    const isPrefix = subject.endsWith(".>");
    const words = isPrefix ? subject.slice(0, -2) : subject;
    if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(words)) {
      throw new EventsError("invalid", "a subject is dot-separated words, or such a prefix and .>");
    }
    if (isPrefix) prefixes.push(`${words}.`);
    else exact.add(subject);
  }
  return (subject) => exact.has(subject) || prefixes.some((prefix) => subject.startsWith(prefix));
}
