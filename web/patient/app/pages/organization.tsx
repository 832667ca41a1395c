import { type Consent, Consent_State } from "@wellapi/gen/wellapi/consent/v1/consent_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import type { PageProps } from "@wellapi/ui/browser/routes";
import { useMemo, useState } from "preact/hooks";
import { type KnownOrganization, organizationOf, organizationsOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { DisclosureCard } from "../parts/disclosure-card.tsx";
import { GrantCard } from "../parts/grant-card.tsx";
import { Heading } from "../parts/heading.tsx";
import { CategoryIcon } from "../parts/icon.tsx";
import { Notice, ProblemNotice, Waited } from "../parts/notice.tsx";
import { ObligationsCard } from "../parts/obligations-card.tsx";
import { Standing } from "../parts/organization-name.tsx";
import { PreviewCard } from "../parts/preview-card.tsx";
import { ReadHistory } from "../parts/read-history.tsx";
import { RightsCard } from "../parts/rights-card.tsx";
import { SourcesCard } from "../parts/sources-card.tsx";
import { consentsOf } from "../sharing/consents.ts";
import {
  isInForce,
  type Permission,
  permissionsOf,
  purposesOf,
  type ReadTerms,
  readCategories,
} from "../sharing/permission.ts";
import { type Stopped, stop } from "../sharing/stopping.ts";
import { categoriesText, categoryName, methodsText } from "../words/names.ts";

/** What one organization may see and send, what it read, and how to stop it. */
export function Organization({ named: organization }: PageProps) {
  const { words, record } = usePlace();
  const { connection } = record;
  const loaded = useLoaded(
    async (signal) => {
      const [consents, known] = await Promise.all([
        consentsOf(connection, signal, { organization }),
        organizationOf(connection, organization),
      ]);
      const permission = permissionsOf(consents)[0];
      const sources = await organizationsOf(
        connection,
        permission?.reads.flatMap((one) => one.sources.map((source) => source.organization)) ?? [],
      );
      return { consents, known, permission, sources };
    },
    [connection, organization],
  );
  return (
    <>
      <p>
        <a class="back" href={hrefOf("")}>
          {words.common.back}
        </a>
      </p>
      <Waited loaded={loaded}>
        {({ known, consents, permission, sources }) => (
          <>
            <Name known={known} />
            <Stopping known={known} permission={permission} />
            {permission === undefined ? (
              <Past consents={consents} />
            ) : (
              <Terms permission={permission} sources={sources} />
            )}
            {permission !== undefined && <Preview permission={permission} />}
            <SourcesCard organization={organization} consents={consents} permission={permission} />
            <GrantCard organization={organization} />
          </>
        )}
      </Waited>
      <RightsCard organization={organization} />
      <ObligationsCard organization={organization} />
      <DisclosureCard organization={organization} />
      <ReadHistory organization={organization} />
    </>
  );
}

function Name({ known }: { readonly known: KnownOrganization }) {
  const { home, common } = usePlace().words;
  return (
    <header class="stack-close">
      <Heading>{known.name ?? common.unknownOrganization}</Heading>
      <p class="small">
        <Standing known={known} /> {known.verified ? home.verifiedLead : home.unverifiedLead}
      </p>
      {known.closed && <p class="small quiet">{home.closedLead}</p>}
    </header>
  );
}

/** One press, as agreeing is; and then when it took effect. */
function Stopping(props: { readonly known: KnownOrganization; readonly permission: Permission | undefined }) {
  const { words, formats, record } = usePlace();
  const { known, permission } = props;
  const { home, common } = words;
  const [stopping, setStopping] = useState(false);
  const [done, setDone] = useState<Stopped>();
  const name = known.name ?? common.unknownOrganization;
  async function press(consents: readonly Consent[]): Promise<void> {
    setStopping(true);
    setDone(await stop(record.connection.consents, consents));
    setStopping(false);
    tellChange();
  }
  return (
    <>
      <div aria-live="polite">
        {done?.at !== undefined && done.problem === undefined && (
          <Notice kind="success">
            <p>
              <strong>{home.stopped(formats.second(done.at))}</strong>
            </p>
          </Notice>
        )}
        {done !== undefined && done.stopped > 0 && done.problem !== undefined && (
          <Notice kind="warning">
            <p>{home.partlyStopped(done.stopped)}</p>
          </Notice>
        )}
      </div>
      {done?.problem !== undefined && <ProblemNotice problem={done.problem} />}
      {permission !== undefined && (
        <section class="card stack-close">
          <button
            type="button"
            class="button danger"
            aria-label={home.stopNamed(name)}
            aria-busy={stopping}
            disabled={stopping}
            onClick={() => void press(permission.consents)}
          >
            {stopping ? home.stopping : home.stop}
          </button>
          <p class="small quiet">{home.stopLead(name)}</p>
        </section>
      )}
    </>
  );
}

/** What it sees by all permissions, or by one of them. */
function Preview({ permission }: { readonly permission: Permission }) {
  const { words, formats } = usePlace();
  const { organization, consents } = permission;
  const choices = useMemo(() => {
    const each = consents.filter(({ provisions }) => purposesOf(provisions).length > 0);
    return [
      { label: words.preview.all, view: { case: "organization", value: organization } as const },
      ...each.map(({ id, createTime }) => ({
        label: words.preview.ofDay(formats.moment(msOf(createTime))),
        view: { case: "consent", value: id } as const,
      })),
    ];
  }, [permission]);
  const purposes = purposesOf(consents.flatMap(({ provisions }) => provisions));
  return <PreviewCard title={words.preview.sees} choices={choices} purposes={purposes} />;
}

/** By id: whose data alone is meant somewhere. */
type Sources = ReadonlyMap<string, KnownOrganization>;

/** What it may see and send. */
function Terms({ permission, sources }: { readonly permission: Permission; readonly sources: Sources }) {
  const { words, formats } = usePlace();
  const { home } = words;
  const { reads, contributes, denied, since, until, consents } = permission;
  const purposes = [...new Set(reads.flatMap((one) => one.purposes))].flatMap(
    (one) => home.purposes[one] ?? [],
  );
  const notices = [...new Set(consents.map(({ notice }) => notice?.uri ?? ""))].filter(isWebAddress);
  return (
    <section class="card stack" aria-labelledby="terms">
      <h2 id="terms">{home.maySee}</h2>
      {reads.length === 0 && <p>{home.mayNotSee}</p>}
      {reads.length > 0 && (
        <ul class="kinds">
          {readCategories(permission).map((category) => (
            <li key={category}>
              <CategoryIcon category={category} />
              <div>
                <strong>{categoryName(words, category)}</strong>
                {reads
                  .filter((one) => one.category === category)
                  .map((one) => (
                    <p class="small quiet" key={JSON.stringify(one)}>
                      <TermsText terms={one} sources={sources} />
                    </p>
                  ))}
              </div>
            </li>
          ))}
        </ul>
      )}
      <dl class="facts">
        {contributes.length > 0 && (
          <Fact name={home.maySend} text={categoriesText(words, formats, contributes)} />
        )}
        {denied.length > 0 && <Fact name={home.denied} text={categoriesText(words, formats, denied)} />}
        {purposes.length > 0 && <Fact name={home.why} text={formats.list(purposes)} />}
        <Fact name={home.since} text={formats.day(since)} />
        <Fact name={home.untilLabel} text={until === undefined ? home.untilStopped : formats.day(until)} />
      </dl>
      {notices.map((uri) => (
        <p class="small" key={uri}>
          {home.notice}:{" "}
          <a href={uri} rel="noreferrer" target="_blank">
            {home.readNotice}
          </a>
        </p>
      ))}
    </section>
  );
}

/** The contract takes https alone; whoever writes another address gets no link. */
function isWebAddress(uri: string): boolean {
  return URL.canParse(uri) && new URL(uri).protocol === "https:";
}

function TermsText({ terms, sources }: { readonly terms: ReadTerms; readonly sources: Sources }) {
  const { words, formats } = usePlace();
  const { home, common } = words;
  const { resolution, window, deIdentified } = terms;
  const parts = [home.resolutions[resolution], windowText()].flatMap((part) => part ?? []);
  if (terms.sources.length > 0) {
    const names = terms.sources.map(({ organization, deviceId }) => {
      const name = sources.get(organization)?.name ?? common.unknownOrganization;
      return deviceId === "" ? name : words.sources.someDevice(name);
    });
    parts.push(home.onlyFrom(formats.list([...new Set(names)])));
  }
  if (terms.methods.length > 0) parts.push(methodsText(words, terms.methods));
  parts.push(...terms.masks.flatMap((one) => home.masks[one] ?? []));
  if (deIdentified) parts.push(home.deIdentified);
  return <>{parts.join(", ")}</>;

  function windowText(): string | undefined {
    if (window === undefined) return undefined;
    if ("lastDays" in window) return home.lastDays(window.lastDays);
    const { from, to } = window;
    if (from !== undefined && to !== undefined) return home.between(formats.day(from), formats.day(to));
    if (from !== undefined) return home.from(formats.day(from));
    return to === undefined ? undefined : home.to(formats.day(to));
  }
}

function Fact({ name, text }: { readonly name: string; readonly text: string }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{text}</dd>
    </>
  );
}

/** There is no permission: whether there was one, and how it ended. */
function Past({ consents }: { readonly consents: readonly Consent[] }) {
  const { words, formats } = usePlace();
  const { home } = words;
  const over = consents.filter((consent) => !isInForce(consent));
  if (over.length === 0) return <p>{home.noPermission}</p>;
  const stopped = over.filter(({ state }) => state === Consent_State.REVOKED);
  const last = Math.max(0, ...stopped.map(({ revokeTime }) => msOf(revokeTime)));
  return (
    <section class="card stack-close">
      <h2>{home.over}</h2>
      <p class="quiet">{last > 0 ? home.overSince(formats.moment(last)) : home.overByItself}</p>
    </section>
  );
}
