import { create, type DescMessage, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { OutboxEvent } from "@wellapi/store";

/** What an event is beside its content. */
export interface Envelope extends Pick<OutboxEvent, "id" | "subject"> {
  /** Who says it: `/wellapi/<service>`. */
  readonly source: string;
  /** When it happened, UTC milliseconds. */
  readonly time: number;
}

/** An event whose data is a protobuf message and whose headers are the attributes of CloudEvents 1.0 (protocol binding, binary mode). */
export function cloudEvent<D extends DescMessage>(
  schema: D,
  content: MessageInitShape<D>,
  { id, subject, source, time }: Envelope,
): OutboxEvent {
  return {
    id,
    subject,
    data: toBinary(schema, create(schema, content)),
    headers: {
      "ce-specversion": "1.0",
      "ce-id": id,
      "ce-type": schema.typeName,
      "ce-source": source,
      "ce-time": new Date(time).toISOString(),
      "content-type": "application/protobuf",
    },
  };
}
