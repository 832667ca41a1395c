/** `unavailable`: closed, or the store fails; try again later. `invalid`: the caller broke the port's contract. */
export type EventsErrorCode = "unavailable" | "invalid";

/** The one error of events. Its message never carries an event's data. */
export class EventsError extends Error {
  readonly code: EventsErrorCode;
  constructor(code: EventsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EventsError";
    this.code = code;
  }
}
