/** The one document of a site, as it is before its script has begun. */

export interface FirstDocument {
  readonly language: string;
  /** Where the site's files are, with the slash. */
  readonly assets: string;
  readonly entry: string;
  readonly styles: readonly string[];
  readonly mark: string;
  /** More `meta` elements, as HTML. */
  readonly meta?: string;
  readonly title: string;
  readonly waiting: string;
  /** What to do where the script is held back, as HTML. */
  readonly blocked: string;
}

/**
 * No text in it is from outside, so nothing is escaped. What says that scripts are held back shows after a while by the style
 * alone (`held-back`), and at once where a browser has none.
 */
export function firstDocument(parts: FirstDocument): string {
  const { language, assets, entry, styles, mark, meta = "", title, waiting, blocked } = parts;
  return `<!doctype html>
<html lang="${language}" dir="ltr">
<head>
<meta charset="utf-8">
<title>${title} · WellAPI</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
${meta}
<meta name="wellapi-build" content="${entry}">
${styles.map((name) => `<link rel="stylesheet" href="${assets}${name}">`).join("\n")}
<link rel="icon" href="${assets}${mark}" type="image/svg+xml">
<script type="module" src="${assets}${entry}"></script>
</head>
<body>
<div id="app"><main class="stack" id="main"><h1>${title}</h1><p role="status">${waiting}</p>
<noscript>${blocked}</noscript>
<div class="notice warning held-back">${blocked}</div></main></div>
</body>
</html>
`;
}
