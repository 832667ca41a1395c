/** Of what pages are made of, by the end of a file's name. */
export const contentTypes = {
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
  jpg: "image/jpeg",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
} as const;
