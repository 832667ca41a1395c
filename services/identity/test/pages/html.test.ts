import { describe, expect, test } from "vitest";
import { type Hole, Html, html } from "../../src/pages/html.ts";

describe("a hole", () => {
  test("is escaped, in text and in an attribute", () => {
    const evil = `"><script>alert('x')</script>&`;
    expect(html`<a title="${evil}">${evil}</a>`.toString()).toBe(
      '<a title="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;">&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</a>',
    );
  });
  test("takes HTML as it is, once", () => {
    expect(html`<p>${html`<b>${"<"}</b>`}</p>`.toString()).toBe("<p><b>&lt;</b></p>");
  });
  test("takes several, and nothing", () => {
    expect(
      html`<ul>${["a", "<b>"].map((one) => html`<li>${one}</li>`)}${undefined}${false}</ul>`.toString(),
    ).toBe("<ul><li>a</li><li>&lt;b&gt;</li></ul>");
    expect(html`${0}`.toString()).toBe("0");
  });
  test("needs its quotes in an attribute", () => {
    expect(() => html`<a href=${"x"}>`).toThrow("quotes");
    expect(() => html`<a href= ${"x"}>`).toThrow("quotes");
  });
});

test("nobody else makes HTML", () => {
  const made = () =>
    new (Html as unknown as new (key: symbol, text: string) => Html)(Symbol("made by html"), "<b>");
  expect(made).toThrow(TypeError);
  const lookalike = { toString: () => "<b>" } as unknown as Hole;
  expect(() => html`${lookalike}`.toString()).toThrow();
});
