import type { Events } from "@wellapi/events";
import { traceAttributes, traced, traceHeader } from "@wellapi/runtime";
import type { OutboxEvent } from "@wellapi/store";

type Traced = Pick<Events, "publish" | "consume">;

/**
 * The engine, with a span for each batch that is published and for each that a durable handles. A batch carries events of many
 * requests: its span is linked with each of them, and belongs to none.
 */
export function traceEvents<E extends Traced>(events: E, engine: "nats" | "embedded"): E {
  const attributesOf = (operation: "send" | "process", batch: readonly OutboxEvent[]) => ({
    [traceAttributes.messagingSystem]: engine,
    [traceAttributes.messagingOperation]: operation,
    [traceAttributes.messagingOperationType]: operation,
    [traceAttributes.messageCount]: batch.length,
  });
  const causes = (batch: readonly OutboxEvent[]) => batch.map(({ headers }) => headers[traceHeader]);
  const own: Traced = {
    publish: (batch) =>
      traced(
        {
          name: "send events",
          kind: "producer",
          attributes: attributesOf("send", batch),
          causes: causes(batch),
        },
        () => events.publish(batch),
      ),
    consume: (consumption) =>
      events.consume({
        ...consumption,
        handle: (batch) =>
          traced(
            {
              name: `process ${consumption.durable}`,
              kind: "consumer",
              attributes: {
                ...attributesOf("process", batch),
                [traceAttributes.durable]: consumption.durable,
              },
              causes: causes(batch),
            },
            () => consumption.handle(batch),
          ),
      }),
  };
  return { ...events, ...own };
}
