import { useLoaded } from "@wellapi/ui/browser/loaded";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { deviceKey, inOrder, mostRanked, type NamedDevice, rankedOf } from "../data/devices.ts";
import { measuredOf, recordsOf } from "../data/series.ts";
import { Notice, ProblemNotice, Waited } from "./notice.tsx";

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
      const devices = inOrder(
        measured.flatMap((one) => one.sources),
        priority?.devices ?? [],
      );
      const names = await organizationsOf(
        record.connection,
        devices.map(({ organization }) => organization),
      );
      return { devices, etag: priority?.etag ?? "", names };
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

function Order(props: {
  readonly devices: readonly NamedDevice[];
  readonly etag: string;
  readonly nameOf: (device: NamedDevice) => string;
}) {
  const { words, record } = usePlace();
  const { settings } = words.places;
  const { nameOf } = props;
  const [devices, setDevices] = useState(props.devices);
  const [etag, setEtag] = useState(props.etag);
  const [state, setState] = useState<"idle" | "saved" | Problem>("idle");
  function moveUp(at: number): void {
    const next = [...devices];
    [next[at - 1], next[at]] = [next[at]!, next[at - 1]!];
    setDevices(next);
    setState("idle");
  }
  async function save(): Promise<void> {
    const { patient } = record;
    try {
      const asked = { patient, devices: [...rankedOf(devices)], etag };
      const { priority } = await recordsOf(record).setDevicePriority(asked);
      setEtag(priority?.etag ?? "");
      setState("saved");
    } catch (error) {
      setState(problemOf(error));
    }
  }
  return (
    <>
      <ol class="rows">
        {devices.map((device, at) => (
          <li key={deviceKey(device)}>
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
      {devices.length > mostRanked && <p class="quiet small">{settings.devicesMost(mostRanked)}</p>}
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
