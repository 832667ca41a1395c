import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Usage } from "@wellapi/gen/wellapi/audit/v1/usage_service_pb";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Choice } from "@wellapi/ui/browser/parts/choice";
import { useState } from "preact/hooks";
import type { Connection } from "../api/connection.ts";
import { usePlace } from "../context.ts";
import { ApplicationChoice } from "../parts/application-choice.tsx";
import { Heading, Waited } from "../parts/notice.tsx";
import { ReasonLink } from "../parts/reason-link.tsx";
import { ScrolledTable } from "../parts/scrolled-table.tsx";
import { UsageChart } from "../parts/usage-chart.tsx";
import { daySums, methodSums, shortMethod, sumOf } from "../usage-days.ts";

const periods = [7, 30, 90] as const;
const dayMs = 86_400_000;

/** How much the organization called, by day and RPC. */
export function UsagePage() {
  const { words, formats, membership, connection } = usePlace();
  const { usage: texts } = words;
  const [days, setDays] = useState<number>(30);
  const [application, setApplication] = useState("");
  const loaded = useLoaded(
    async (signal) => {
      const now = Date.now();
      const { organization } = membership;
      const [usages, listed] = await Promise.all([
        allUsages(connection, now - days * dayMs, signal),
        connection.organizations.listApplications({ organization, pageSize: 1_000 }, { signal }),
      ]);
      return { usages, applications: listed.applications, now };
    },
    [connection, days],
  );
  return (
    <>
      <Heading>{words.common.usage}</Heading>
      <p class="lead">{texts.lead}</p>
      <Waited loaded={loaded}>
        {({ usages, applications, now }) => {
          const shown = usages.filter((one) => application === "" || one.application === application);
          const sum = sumOf(shown);
          return (
            <>
              <form class="filters" onSubmit={(event) => event.preventDefault()}>
                <Choice
                  id="days"
                  label={texts.period}
                  value={String(days)}
                  options={periods.map((one) => [String(one), texts.lastDays(one)])}
                  onChange={(one) => setDays(Number(one))}
                />
                <ApplicationChoice
                  texts={texts}
                  applications={applications}
                  value={application}
                  onChange={setApplication}
                />
              </form>
              <p>
                {texts.sum(
                  formats.number(sum.accesses),
                  formats.number(sum.refused),
                  formats.number(sum.items),
                )}
              </p>
              <UsageChart days={daySums(shown, days, now)} />
              <MethodTable usages={shown} />
              <p class="small quiet">{texts.note}</p>
            </>
          );
        }}
      </Waited>
    </>
  );
}

function MethodTable({ usages }: { readonly usages: readonly Usage[] }) {
  const { words, formats } = usePlace();
  const { usage: texts } = words;
  const methods = methodSums(usages);
  if (methods.length === 0) return <p class="quiet">{texts.none}</p>;
  return (
    <ScrolledTable
      caption={texts.byMethod}
      columns={[texts.method, texts.accesses, texts.refused, texts.items, texts.reasons]}
    >
      {methods.map(({ method, accesses, refused, items, reasons }) => (
        <tr key={method}>
          <th scope="row">{shortMethod(method)}</th>
          <td class="number">{formats.number(accesses)}</td>
          <td class="number">{formats.number(refused)}</td>
          <td class="number">{formats.number(items)}</td>
          <td>
            {reasons.map(({ reason, accesses: count }) => (
              <span class="reason" key={reason}>
                {formats.number(count)} <ReasonLink reason={reason} />
              </span>
            ))}
          </td>
        </tr>
      ))}
    </ScrolledTable>
  );
}

async function allUsages(connection: Connection, from: number, signal: AbortSignal): Promise<Usage[]> {
  const usages: Usage[] = [];
  const interval = { startTime: timestampFromMs(from) };
  let pageToken = "";
  do {
    const page = await connection.usage.listUsage({ interval, pageSize: 1_000, pageToken }, { signal });
    usages.push(...page.usages);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return usages;
}
