import type { Consent } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import { useState } from "preact/hooks";
import { organizationsOf } from "../api/organizations.ts";
import { usePlace } from "../context.ts";
import { deviceKey } from "../data/devices.ts";
import { measuredOf } from "../data/series.ts";
import { consentsOf } from "../sharing/consents.ts";
import { leavingOut, leftOutOf, type OfferedSource, offeredSources } from "../sharing/left-out.ts";
import { type Permission, permissionsOf, readCategories } from "../sharing/permission.ts";
import { allCategories } from "../words/names.ts";
import { ProblemNotice, Waited } from "./notice.tsx";

interface SourcesCardProps {
  readonly organization: string;
  /** All that the patient ever said of it. */
  readonly consents: readonly Consent[];
  /** Undefined: it has none. */
  readonly permission: Permission | undefined;
}

/** Whose data an organization gets: what the patient leaves out, source by source. */
export function SourcesCard({ organization, consents, permission }: SourcesCardProps) {
  const { words, record } = usePlace();
  const { connection } = record;
  const says = words.sources;
  const [open, setOpen] = useState(false);
  // Whoever acts for a minor cannot speak of care of the minor's own, and sees no permission that does.
  const categories =
    record.as === "self" ? allCategories(words) : permission === undefined ? [] : readCategories(permission);
  const loaded = useLoaded(
    async (signal) => {
      // What there is is counted only for who wants to choose from it.
      const [measured, given] = open
        ? await Promise.all([measuredOf(record, signal), consentsOf(connection, signal)])
        : [[], []];
      const senders = permissionsOf(given).filter(({ contributes }) => contributes.length > 0);
      const all = offeredSources(
        measured.flatMap(({ sources }) => sources),
        senders.map((one) => one.organization),
        leftOutOf(consents),
      );
      const offered = open ? all : all.filter((one) => one.leftOutBy !== undefined);
      const names = await organizationsOf(
        connection,
        offered.map((one) => one.organization),
      );
      return { offered, names };
    },
    [record, consents, open],
  );
  if (categories.length === 0 || record.as === "representative") return null;
  return (
    <section class="card stack-close" aria-labelledby="sources">
      <h2 id="sources">{says.title}</h2>
      <p class="small quiet">{says.lead}</p>
      <Waited loaded={loaded}>
        {({ offered, names }) =>
          offered.length === 0 ? (
            open && <p>{says.none}</p>
          ) : (
            <ul class="rows">
              {offered.map((source) => {
                const name = names.get(source.organization)?.name ?? words.common.unknownOrganization;
                return (
                  <Row
                    key={deviceKey(source)}
                    source={source}
                    name={
                      source.deviceId === ""
                        ? says.everything(name)
                        : words.places.settings.from(source.model || says.device, name)
                    }
                    onLeave={() =>
                      connection.consents.createConsent({
                        requestId: crypto.randomUUID(),
                        consent: leavingOut(organization, categories, source),
                      })
                    }
                    onReturn={(consent) => connection.consents.revokeConsent({ consent })}
                  />
                );
              })}
            </ul>
          )
        }
      </Waited>
      {!open && (
        <button type="button" class="button second" onClick={() => setOpen(true)}>
          {says.open}
        </button>
      )}
    </section>
  );
}

function Row(props: {
  readonly source: OfferedSource;
  readonly name: string;
  readonly onLeave: () => Promise<unknown>;
  readonly onReturn: (consent: string) => Promise<unknown>;
}) {
  const { source, name, onLeave, onReturn } = props;
  const says = usePlace().words.sources;
  const [state, setState] = useState<"idle" | "sending" | Problem>("idle");
  const consent = source.leftOutBy;
  async function press(): Promise<void> {
    setState("sending");
    try {
      await (consent === undefined ? onLeave() : onReturn(consent));
      setState("idle");
      tellChange();
    } catch (error) {
      setState(problemOf(error));
    }
  }
  return (
    <li>
      <span>
        {name}
        {consent !== undefined && <strong> — {says.isOut}</strong>}
      </span>
      <button
        type="button"
        class="button second slim"
        aria-label={consent === undefined ? says.leaveNamed(name) : says.returnNamed(name)}
        disabled={state === "sending"}
        onClick={() => void press()}
      >
        {consent === undefined ? says.leave : says.return}
      </button>
      {state !== "idle" && state !== "sending" && <ProblemNotice problem={state} />}
    </li>
  );
}
