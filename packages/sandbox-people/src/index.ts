export { type Granularity, type PersonName, personNames } from "./people.ts";
export { createPerson, type Person, type Series } from "./person.ts";
export type { Reading } from "./signals.ts";
