import type { ComponentChildren } from "preact";

/** Of a site, in its reader's language. */
export interface FrameWords {
  readonly common: {
    readonly skip: string;
    readonly account: string;
    readonly signOut: string;
    readonly language: string;
    readonly zone: (zone: string) => string;
  };
}

/** What is above every page. `home`: the site's first page. */
export function Frame(props: {
  readonly words: FrameWords;
  readonly home: string;
  readonly signedIn?: boolean;
  readonly children: ComponentChildren;
}) {
  const { words, home, signedIn = false, children } = props;
  return (
    <>
      <a class="skip" href="#main">
        {words.common.skip}
      </a>
      <header class="bar wide">
        <a class="brand" href={home}>
          <Mark />
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

export function Mark() {
  const source = document.querySelector<HTMLLinkElement>('link[rel="icon"]')?.href;
  return <img src={source} alt="" width="28" height="28" />;
}

/** What is below every page. */
export function Foot({ words, zone }: { readonly words: FrameWords; readonly zone?: string }) {
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
