// Runs in the browser, as it stands. It asks the browser for a passkey, fills fields that a person would have to look up, and tells
// the server the reader's time zone.
// Every text that it shows is in the page, in the reader's language.

const parserOf = (kind) =>
  kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";

function usable(kind) {
  return typeof globalThis.PublicKeyCredential?.[parserOf(kind)] === "function";
}

async function askBrowser(kind, options) {
  const publicKey = PublicKeyCredential[parserOf(kind)](options);
  const credential = await (kind === "create"
    ? navigator.credentials.create({ publicKey })
    : navigator.credentials.get({ publicKey }));
  return JSON.stringify(credential.toJSON());
}

/** The options of the server, or undefined where the browser goes to another page instead: to sign in, or to confirm. */
async function optionsFor(button, form) {
  const response = await fetch(button.dataset.options, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
  });
  if (response.redirected) {
    location.assign(response.url);
    return undefined;
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

async function usePasskey(button) {
  const { form } = button;
  const says = form.querySelector("[data-says]");
  if (!form.reportValidity()) return;
  button.setAttribute("aria-busy", "true");
  says.hidden = false;
  says.textContent = says.dataset.waiting;
  try {
    const options = await optionsFor(button, form);
    if (options === undefined) return;
    form.elements.namedItem("passkey").value = await askBrowser(button.dataset.passkey, options);
    form.submit();
  } catch (error) {
    const stopped = error.name === "NotAllowedError" || error.name === "AbortError";
    says.textContent = stopped ? says.dataset.stopped : says.dataset.failed;
    button.removeAttribute("aria-busy");
  }
}

for (const button of document.querySelectorAll("button[data-passkey]")) {
  if (!usable(button.dataset.passkey)) {
    const says = button.form.querySelector("[data-says]");
    says.textContent = says.dataset.missing;
    says.hidden = false;
    continue;
  }
  button.hidden = false;
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") !== "true") usePasskey(button);
  });
}

// Pages show times in the reader's zone from the next one on. No name of a zone has a character that a cookie cannot hold.
const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
if (timeZone) {
  // biome-ignore lint/suspicious/noDocumentCookie: not every browser that has passkeys has the Cookie Store API
  document.cookie = `__Host-wellapi-zone=${timeZone}; Path=/; Secure; SameSite=Lax; Max-Age=31536000`;
}

for (const field of document.querySelectorAll("input[data-time-zone]")) field.value ||= timeZone ?? "";

// A secret after the sign # never leaves the browser by itself, and does not stay in the address.
const secret = location.hash.slice(1);
const secretField = document.querySelector("input[data-from-hash]");
if (secretField !== null && /^[\w-]{16,}$/.test(secret)) {
  secretField.value = secret;
  history.replaceState(null, "", location.pathname);
}
