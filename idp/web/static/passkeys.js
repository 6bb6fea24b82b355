// Passkeys: what is hidden without this file appears where the browser can do it. A form says which ceremony it wants
// and with what options; the answer goes with it as JSON in its field `passkey`.
"use strict";

const toBytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
const toText = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = (credentials) => (credentials ?? []).map((each) => ({ ...each, id: toBytes(each.id) }));

// Written out, for older browsers have no parseRequestOptionsFromJSON and no toJSON.
function readOptions(json) {
  const options = { ...json, challenge: toBytes(json.challenge) };
  if (json.user) options.user = { ...json.user, id: toBytes(json.user.id) };
  if (json.allowCredentials) options.allowCredentials = withBytes(json.allowCredentials);
  if (json.excludeCredentials) options.excludeCredentials = withBytes(json.excludeCredentials);
  return options;
}

function writeCredential(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
    if (credential.response[name]) response[name] = toText(credential.response[name]);
  }
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return JSON.stringify({ id: credential.id, rawId: toText(credential.rawId), type: credential.type, response });
}

function enable(form) {
  const { ceremony, options } = form.dataset;
  const button = form.querySelector("[data-passkey]");
  const problem = form.querySelector("[data-passkey-problem]");
  let waiting = new AbortController();

  const run = async (mediation) => {
    waiting.abort();
    waiting = new AbortController();
    problem.textContent = "";
    const mine = waiting;
    try {
      const publicKey = readOptions(JSON.parse(options));
      const credential = ceremony === "create"
        ? await navigator.credentials.create({ publicKey, signal: mine.signal })
        : await navigator.credentials.get({ publicKey, mediation, signal: mine.signal });
      form.elements.passkey.value = writeCredential(credential);
      form.requestSubmit(button);
    } catch (error) {
      // Nobody asked for the list under the field, so nobody has to hear that it was not used.
      if (mediation === "conditional" || mine.signal.aborted) return;
      problem.textContent = error.name === "InvalidStateError" ? problem.dataset.known : problem.dataset.unused;
    }
  };

  for (const each of form.parentElement.querySelectorAll("[data-needs-passkeys]")) each.hidden = false;
  button.addEventListener("click", (event) => {
    if (form.elements.passkey.value) return;
    event.preventDefault();
    run("optional");
  });
  // A page that comes back from the browser's memory has an answer that was used.
  addEventListener("pageshow", () => { form.elements.passkey.value = ""; });
  return run;
}

(async () => {
  const form = document.querySelector("form[data-ceremony]");
  if (!form || !window.PublicKeyCredential) return;
  const run = enable(form);
  if (!form.elements.can_add_passkey) return;
  const can = async (what) => (await PublicKeyCredential[what]?.().catch(() => false)) ?? false;
  if (await can("isUserVerifyingPlatformAuthenticatorAvailable")) form.elements.can_add_passkey.value = "yes";
  if (await can("isConditionalMediationAvailable")) run("conditional");
})();
