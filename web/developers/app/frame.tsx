import type { ComponentChildren } from "preact";
import { useWords } from "./context.ts";
import { hrefOf } from "./location.ts";

/** What is above every page. */
export function Frame(props: { readonly signedIn?: boolean; readonly children: ComponentChildren }) {
  const { signedIn = false, children } = props;
  const words = useWords();
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

export function Foot({ zone }: { readonly zone?: string }) {
  const words = useWords();
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
