import { encode } from "uqr";
import { type Html, html } from "./html.ts";

/** The text as a QR code: a picture in the page itself, so that no file of it lies anywhere. */
export function qrPicture(text: string, name: string): Html {
  const { size, data } = encode(text, { border: 2 });
  const path = data.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  return html`<svg class="square" role="img" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><title>${name}</title><path d="${path}"/></svg>`;
}
