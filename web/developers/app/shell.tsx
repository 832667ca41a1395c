import { WebhookEndpoint_State } from "@wellapi/gen/wellapi/notices/v1/webhook_service_pb";
import type { Formats } from "@wellapi/ui/browser/formats";
import { useLoaded } from "@wellapi/ui/browser/loaded";
import { Foot, Frame } from "@wellapi/ui/browser/parts/frame";
import type { PagePath } from "@wellapi/ui/browser/paths";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { connect } from "./api/connection.ts";
import { choose, chosenOf, type Membership, type Memberships, mayChange } from "./api/membership.ts";
import { PlaceContext, usePlace, useWords } from "./context.ts";
import { goTo, hrefOf, usePath } from "./location.ts";
import { RoutedPage, routeOf } from "./routes.tsx";

/** All pages, for one organization at a time. */
export function Site(props: { readonly memberships: Memberships; readonly formats: Formats }) {
  const { formats } = props;
  const { all: memberships, left: organizationsLeft, sandbox } = props.memberships;
  const words = useWords();
  const [membership, setMembership] = useState(() => chosenOf(memberships)!);
  useEffect(() => choose(membership), [membership]);
  const connection = useMemo(() => connect(membership.organization), [membership]);
  const path = usePath();
  const main = useRef<HTMLElement>(null);
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) {
      scrollTo(0, 0);
      main.current?.focus();
    }
    first.current = false;
  }, [path]);
  function change(organization: string): void {
    setMembership(memberships.find((one) => one.organization === organization)!);
    goTo("");
  }
  return (
    <PlaceContext.Provider value={{ membership, connection, organizationsLeft, sandbox, words, formats }}>
      <Frame words={words} home={hrefOf("")} signedIn>
        <Organization memberships={memberships} onChange={change} />
        <Menu current={routeOf(path).menu} />
        <main id="main" class="page stack" tabIndex={-1} ref={main}>
          <RoutedPage key={membership.organization} path={path} />
        </main>
        <Foot words={words} zone={formats.zone} />
      </Frame>
    </PlaceContext.Provider>
  );
}

function Organization(props: {
  readonly memberships: readonly Membership[];
  readonly onChange: (organization: string) => void;
}) {
  const { membership, words, organizationsLeft } = usePlace();
  const { memberships, onChange } = props;
  const another = organizationsLeft > 0 && (
    <a class="small" href={hrefOf("new-organization")}>
      {words.signUp.another}
    </a>
  );
  return (
    <aside class="acting" aria-label={words.common.organization}>
      {memberships.length === 1 ? (
        <p>
          {membership.name} {another}
        </p>
      ) : (
        <p class="field">
          <label for="organization">{words.common.organization}</label>
          <select
            id="organization"
            value={membership.organization}
            onChange={({ currentTarget }) => onChange(currentTarget.value)}
          >
            {memberships.map(({ organization, name }) => (
              <option key={organization} value={organization}>
                {name}
              </option>
            ))}
          </select>
          {another}
        </p>
      )}
    </aside>
  );
}

/** How many endpoints the exchange has stopped: none where the reader's roles may not see them, or where nobody can say. */
function useStoppedEndpoints(): number {
  const { membership, connection } = usePlace();
  const { value } = useLoaded(
    async (signal) => {
      if (!mayChange(membership)) return 0;
      const { webhookEndpoints } = await connection.webhooks.listWebhookEndpoints({}, { signal });
      return webhookEndpoints.filter(({ state }) => state === WebhookEndpoint_State.DISABLED).length;
    },
    [connection],
  );
  return value ?? 0;
}

function Menu({ current }: { readonly current: PagePath }) {
  const { membership, words, sandbox } = usePlace();
  const { common } = words;
  const stopped = useStoppedEndpoints();
  const entries: readonly (readonly [PagePath, string])[] = [
    ["", common.applications],
    ...(sandbox ? ([["test-patients", common.testPatients]] as const) : []),
    ["usage", common.usage],
    ["requests", common.requests],
    ["log", common.log],
    ["webhooks", common.webhooks],
    ["explorer", common.explorer],
  ];
  return (
    <nav class="tabs wide" aria-label={common.menu}>
      <ul>
        {entries.map(([path, label]) => (
          <li key={path}>
            <a href={hrefOf(path)} aria-current={path === current ? "page" : undefined}>
              {label}
              {path === "webhooks" && stopped > 0 && (
                <>
                  {" "}
                  <span class="badge warning">{common.stoppedEndpoints(stopped)}</span>
                </>
              )}
            </a>
          </li>
        ))}
        <li>
          <a href={`/organizations/${membership.organization}/members`}>{common.members}</a>
        </li>
        <li>
          <a href="/docs/">{common.docs}</a>
        </li>
      </ul>
    </nav>
  );
}
