import type { RankedDevice, Source } from "@wellapi/gen/wellapi/records/v1/records_pb";
import { useState } from "preact/hooks";
import { useLoaded } from "../api/loaded.ts";
import { organizationsOf } from "../api/organizations.ts";
import { type Problem, problemOf } from "../api/problem.ts";
import { usePlace } from "../context.ts";
import { measuredOf, recordsOf } from "../data/series.ts";
import { Notice, ProblemNotice, Waited } from "./notice.tsx";

type Device = Pick<RankedDevice, "organization" | "deviceId">;

const keyOf = ({ organization, deviceId }: Device): string => `${organization} ${deviceId}`;

/** Which device's samples readers of one line get first. */
export function DeviceOrder() {
  const { words, record } = usePlace();
  const { settings } = words.places;
  const { patient } = record;
  const loaded = useLoaded(
    async (signal) => {
      const [measured, { priority }] = await Promise.all([
        measuredOf(record, signal),
        recordsOf(record).getDevicePriority({ patient }, { signal }),
      ]);
      const sources = measured.flatMap((one) => one.sources);
      const names = await organizationsOf(
        record.connection,
        sources.map(({ organization }) => organization),
      );
      return { devices: inOrder(sources, priority?.devices ?? []), etag: priority?.etag ?? "", names };
    },
    [record],
  );
  return (
    <section class="card stack" aria-labelledby="devices">
      <h2 id="devices">{settings.devices}</h2>
      <p class="quiet small">{settings.devicesLead}</p>
      <Waited loaded={loaded}>
        {({ devices, etag, names }) => {
          if (devices.length < 2) {
            return <p>{devices.length === 0 ? settings.devicesNone : settings.devicesOne}</p>;
          }
          return (
            <Order
              key={etag}
              devices={devices}
              etag={etag}
              nameOf={(device) =>
                settings.from(
                  device.model || settings.withoutDevice,
                  names.get(device.organization)?.name ?? words.common.unknownOrganization,
                )
              }
            />
          );
        }}
      </Waited>
    </section>
  );
}

type NamedDevice = Device & { readonly model: string };

/** The devices that have sent something: those that the order names first, as it names them. */
export function inOrder(sources: readonly Source[], order: readonly Device[]): readonly NamedDevice[] {
  const found = new Map(
    sources.map(({ organization, deviceId, deviceModel }) => [
      keyOf({ organization, deviceId }),
      { organization, deviceId, model: deviceModel },
    ]),
  );
  const ranked = order.flatMap((one) => found.get(keyOf(one)) ?? []);
  return [...ranked, ...[...found.values()].filter((one) => !ranked.includes(one))];
}

function Order(props: {
  readonly devices: readonly NamedDevice[];
  readonly etag: string;
  readonly nameOf: (device: NamedDevice) => string;
}) {
  const { words, record } = usePlace();
  const { settings } = words.places;
  const { devices: before, etag, nameOf } = props;
  const [devices, setDevices] = useState(before);
  const [state, setState] = useState<"idle" | "saved" | Problem>("idle");
  function moveUp(at: number): void {
    const next = [...devices];
    [next[at - 1], next[at]] = [next[at]!, next[at - 1]!];
    setDevices(next);
    setState("idle");
  }
  async function save(): Promise<void> {
    const { patient } = record;
    const ranked = devices.map(({ organization, deviceId }) => ({ organization, deviceId }));
    try {
      await recordsOf(record).setDevicePriority({ patient, devices: ranked, etag });
      setState("saved");
    } catch (error) {
      setState(problemOf(error));
    }
  }
  return (
    <>
      <ol class="rows">
        {devices.map((device, at) => (
          <li key={keyOf(device)}>
            <span>
              {at + 1}. {nameOf(device)}
            </span>
            {at > 0 && (
              <button
                type="button"
                class="button second slim"
                aria-label={settings.up(nameOf(device))}
                onClick={() => moveUp(at)}
              >
                ↑
              </button>
            )}
          </li>
        ))}
      </ol>
      <div aria-live="polite">
        {state === "saved" && (
          <Notice kind="success">
            <p>{settings.saved}</p>
          </Notice>
        )}
      </div>
      {state !== "idle" && state !== "saved" && <ProblemNotice problem={state} />}
      <button type="button" class="button" onClick={() => void save()}>
        {settings.save}
      </button>
    </>
  );
}
