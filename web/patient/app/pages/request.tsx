import {
  type ConsentRequest,
  ConsentRequest_State,
} from "@wellapi/gen/wellapi/consent/v1/consent_request_service_pb";
import { tellChange } from "@wellapi/ui/browser/changes";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { type Problem, problemOf } from "@wellapi/ui/browser/problem";
import type { PageProps } from "@wellapi/ui/browser/routes";
import { useMemo, useState } from "preact/hooks";
import { organizationOf, organizationsOf } from "../api/organizations.ts";
import { msOf } from "../api/time.ts";
import { usePlace } from "../context.ts";
import { hrefOf } from "../location.ts";
import { Heading } from "../parts/heading.tsx";
import { Notice, ProblemNotice, Waited } from "../parts/notice.tsx";
import { Standing } from "../parts/organization-name.tsx";
import { PreviewCard } from "../parts/preview-card.tsx";
import { RequestTerms, type Senders } from "../parts/request-terms.tsx";
import { consentsOf } from "../sharing/consents.ts";
import { permissionsOf, purposesOf, readCategories } from "../sharing/permission.ts";
import { acceptanceOf, type Choice, wholeOf } from "../sharing/request-choice.ts";
import { categoriesText } from "../words/names.ts";

/** What an organization asks for, beside what it has already; and the answer. */
export function Request({ named }: PageProps) {
  const { words, formats, record } = usePlace();
  const { requests, common } = words;
  const { connection } = record;
  const loaded = useLoaded(
    async (signal) => {
      const { consentRequest, consents } = await connection.requests.getConsentRequest(
        { consentRequest: named },
        { signal },
      );
      const request = consentRequest!;
      const [known, given] = await Promise.all([
        organizationOf(connection, request.organization),
        consentsOf(connection, signal),
      ]);
      const senders = await organizationsOf(connection, [
        ...permissionsOf(given).flatMap((one) => (one.contributes.length > 0 ? [one.organization] : [])),
        ...request.provisions.flatMap(({ sources }) => [
          ...(sources?.organizations ?? []),
          ...(sources?.devices ?? []).map((one) => one.organization),
        ]),
      ]);
      return { request, known, senders, has: permissionsOf(consents)[0] };
    },
    [connection, named],
  );
  return (
    <>
      <p>
        <a class="back" href={hrefOf("")}>
          {common.back}
        </a>
      </p>
      <Waited loaded={loaded}>
        {({ request, known, senders, has }) => (
          <>
            <header class="stack-close">
              <Heading>{requests.asks(known.name ?? common.unknownOrganization)}</Heading>
              <p class="small">
                <Standing known={known} />{" "}
                {known.verified ? words.home.verifiedLead : words.home.unverifiedLead}
              </p>
            </header>
            <section class="card stack-close" aria-labelledby="why">
              <h2 id="why">{requests.why}</h2>
              <blockquote class="letter" lang={request.language || undefined}>
                {request.why}
              </blockquote>
            </section>
            <section class="card stack-close" aria-labelledby="has">
              <h2 id="has">{requests.has}</h2>
              {has === undefined ? (
                <p class="quiet">{requests.hasNothing}</p>
              ) : (
                <>
                  {readCategories(has).length > 0 && (
                    <p>
                      {words.home.reads}: {categoriesText(words, formats, readCategories(has))}
                    </p>
                  )}
                  {has.contributes.length > 0 && (
                    <p>
                      {words.home.sends}: {categoriesText(words, formats, has.contributes)}
                    </p>
                  )}
                </>
              )}
              {request.continues !== "" && <p class="small quiet">{requests.renews}</p>}
            </section>
            {request.state === ConsentRequest_State.OPEN ? (
              <Deciding key={request.id} request={request} senders={senders} />
            ) : (
              <Decided request={request} />
            )}
          </>
        )}
      </Waited>
    </>
  );
}

function Deciding(props: { readonly request: ConsentRequest; readonly senders: Senders }) {
  const { request, senders } = props;
  const { words, record } = usePlace();
  const { requests } = words;
  const [choice, setChoice] = useState<Choice>(() => wholeOf(request));
  const [state, setState] = useState<"idle" | "sending" | "empty" | Problem>("idle");
  async function send(call: () => Promise<unknown>): Promise<void> {
    setState("sending");
    try {
      await call();
      tellChange();
    } catch (error) {
      setState(problemOf(error));
    }
  }
  function accept(): void {
    const acceptance = acceptanceOf(request, choice, Date.now());
    if (acceptance === undefined) setState("empty");
    else void send(() => record.connection.requests.acceptConsentRequest(acceptance));
  }
  const refuse = () =>
    send(() => record.connection.requests.refuseConsentRequest({ consentRequest: request.id }));
  const sending = state === "sending";
  const view = useMemo(() => {
    const value = acceptanceOf(request, choice, Date.now());
    return value && ({ case: "acceptance", value } as const);
  }, [request, choice]);
  return (
    <>
      <section class="card stack" aria-labelledby="wants">
        <h2 id="wants">{requests.wants}</h2>
        <RequestTerms request={request} senders={senders} choice={choice} onChoice={setChoice} />
      </section>
      <PreviewCard
        title={words.preview.wouldSee}
        choices={[{ label: "", view }]}
        purposes={purposesOf(request.provisions)}
      />
      <div class="card stack">
        <p class="small quiet">{requests.takeBack}</p>
        {state === "empty" && (
          <Notice kind="warning">
            <p>{requests.nothingLeft}</p>
          </Notice>
        )}
        {state !== "idle" && state !== "sending" && state !== "empty" && <ProblemNotice problem={state} />}
        <div class="actions">
          <button type="button" class="button grow" disabled={sending} onClick={accept}>
            {sending ? requests.agreeing : requests.agree}
          </button>
          <button type="button" class="button second grow" disabled={sending} onClick={() => void refuse()}>
            {requests.refuse}
          </button>
        </div>
      </div>
    </>
  );
}

function Decided({ request }: { readonly request: ConsentRequest }) {
  const { words, formats } = usePlace();
  const { requests } = words;
  const time = formats.second(msOf(request.decideTime));
  const texts: Readonly<Partial<Record<ConsentRequest_State, string>>> = {
    [ConsentRequest_State.ACCEPTED]: requests.accepted(time),
    [ConsentRequest_State.REFUSED]: requests.refused(time),
    [ConsentRequest_State.WITHDRAWN]: requests.withdrawn,
    [ConsentRequest_State.LAPSED]: requests.lapsed,
  };
  return (
    <>
      <Notice kind="success">
        <p>
          <strong>{texts[request.state]}</strong>
        </p>
      </Notice>
      <p>
        <a class="button second" href={hrefOf(`organizations/${request.organization}`)}>
          {requests.toOrganization}
        </a>
      </p>
    </>
  );
}
