/** One page of the documentation. */
export interface Page {
  /** Below `/docs/`, without a slash at its end; the first page's is empty. */
  readonly path: string;
  /** For the navigation, the tab and the list of what was found. */
  readonly title: string;
  /** The whole content, which begins with its only h1. */
  readonly body: string;
}

/** Pages that stand together in the navigation. */
export interface Group {
  readonly title: string;
  readonly pages: readonly Page[];
}

export function hrefOf(path: string): string {
  return `/docs/${path}`;
}

/** Of a file that pages load. */
export function assetHref(name: string): string {
  return hrefOf(`assets/${name}`);
}
