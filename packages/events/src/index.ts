export { embeddedEventsCollections } from "./embedded/collections.ts";
export type { EmbeddedEventsOptions } from "./embedded/events.ts";
export { openEmbeddedEvents } from "./embedded/events.ts";
export type { EventsErrorCode } from "./errors.ts";
export { EventsError } from "./errors.ts";
export type { Consumer, Consumption, DeliveredEvent, Events } from "./port.ts";
export type { Relay, RelayOptions } from "./relay.ts";
export { openRelay } from "./relay.ts";
export type { Clock } from "./signal.ts";
