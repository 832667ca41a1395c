import { useEffect } from "preact/hooks";

/** The page's one heading, which names the document, too. */
export function Heading({ children }: { readonly children: string }) {
  useEffect(() => {
    document.title = `${children} · WellAPI`;
  }, [children]);
  return <h1>{children}</h1>;
}
