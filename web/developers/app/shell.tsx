import type { Formats } from "@wellapi/ui/browser/formats";
import type { PagePath } from "@wellapi/ui/browser/paths";
import type { Problem } from "@wellapi/ui/browser/problem";
import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { connect } from "./api/connection.ts";
import { choose, chosenOf, type Membership } from "./api/membership.ts";
import { PlaceContext, usePlace } from "./context.ts";
import { goTo, hrefOf, usePath } from "./location.ts";
import { Notice } from "./parts/notice.tsx";
import { RoutedPage, routeOf } from "./routes.tsx";
import type { Words } from "./words/en.ts";

/** All pages, for one organization at a time. */
export function Site(props: {
  readonly memberships: readonly Membership[];
  readonly words: Words;
  readonly formats: Formats;
}) {
  const { memberships, words, formats } = props;
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
    <PlaceContext.Provider value={{ membership, connection, words, formats }}>
      <Frame words={words} signedIn>
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
  const { membership, words } = usePlace();
  const { memberships, onChange } = props;
  return (
    <aside class="acting" aria-label={words.common.organization}>
      {memberships.length === 1 ? (
        <p>{membership.name}</p>
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
        </p>
      )}
    </aside>
  );
}

function Menu({ current }: { readonly current: PagePath }) {
  const { common } = usePlace().words;
  const entries: readonly (readonly [PagePath, string])[] = [
    ["", common.applications],
    ["usage", common.usage],
    ["log", common.log],
    ["webhooks", common.webhooks],
  ];
  return (
    <nav class="tabs wide" aria-label={common.menu}>
      <ul>
        {entries.map(([path, label]) => (
          <li key={path}>
            <a href={hrefOf(path)} aria-current={path === current ? "page" : undefined}>
              {label}
            </a>
          </li>
        ))}
        <li>
          <a href="/docs/">{common.docs}</a>
        </li>
      </ul>
    </nav>
  );
}

function Frame(props: {
  readonly words: Words;
  readonly signedIn?: boolean;
  readonly children: ComponentChildren;
}) {
  const { words, signedIn = false, children } = props;
  const mark = document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href;
  return (
    <>
      <a class="skip" href="#main">
        {words.common.skip}
      </a>
      <header class="bar wide">
        <a class="brand" href={hrefOf("")}>
          <img src={mark} alt="" width="28" height="28" />
          WellAPI
        </a>
        {signedIn && (
          <nav aria-label={words.common.account}>
            <ul>
              <li>
                <a href="/account">{words.common.account}</a>
              </li>
              <li>
                <form method="post" action="/account/sign-out">
                  <button type="submit" class="link">
                    {words.common.signOut}
                  </button>
                </form>
              </li>
            </ul>
          </nav>
        )}
      </header>
      {children}
    </>
  );
}

const ownNames = { en: "English", de: "Deutsch" } as const;

function Foot({ words, zone }: { readonly words: Words; readonly zone?: string }) {
  const here = document.documentElement.lang;
  return (
    <footer class="foot wide">
      {zone !== undefined && <p>{words.common.zone(zone)}</p>}
      <nav aria-label={words.common.language}>
        <ul>
          {(["en", "de"] as const).map((one) => (
            <li key={one}>
              {one === here ? (
                <span lang={one} aria-current="true">
                  {ownNames[one]}
                </span>
              ) : (
                <a href={`?lang=${one}`} lang={one} hreflang={one}>
                  {ownNames[one]}
                </a>
              )}
            </li>
          ))}
        </ul>
      </nav>
    </footer>
  );
}

/** The account works for no organization, or in none of the roles that have something here. */
export function NoOrganization({ words }: { readonly words: Words }) {
  return (
    <Frame words={words} signedIn>
      <main id="main" class="page stack" tabIndex={-1}>
        <h1>{words.none.title}</h1>
        <p>{words.none.lead}</p>
        <ol class="steps">
          {words.none.steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <p>
          <a class="button" href="/docs/">
            {words.common.docs}
          </a>
        </p>
      </main>
      <Foot words={words} />
    </Frame>
  );
}

/** Nothing answered when the page was opened. */
export function Unreachable({ words, problem }: { readonly words: Words; readonly problem: Problem }) {
  return (
    <Frame words={words}>
      <main id="main" class="page stack" tabIndex={-1}>
        <h1>{words.common.title}</h1>
        <Notice kind="warning">
          <p>{words.problems[problem]}</p>
          <button type="button" class="button second" onClick={() => location.reload()}>
            {words.common.again}
          </button>
        </Notice>
      </main>
      <Foot words={words} />
    </Frame>
  );
}
