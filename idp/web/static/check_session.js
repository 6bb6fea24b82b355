// Answers a relying party's page, in whose frame this stands: did the sessions of this browser change since the response
// that brought its session_state? Session Management section 3.2; the hash is that of idp/specs/session_management.py.
// Messages are all it takes, and one of three words all it gives.
"use strict";

(() => {
  const cookieName = document.currentScript.dataset.stateCookie;
  const shape = /^([\x20-\x7e]{1,1024}) ([0-9a-f]{64})\.([0-9a-f]{32})$/;

  // A cookie that comes twice was planted by someone: neither is believed.
  const browserState = () => {
    const pairs = document.cookie.split("; ").filter((pair) => pair.startsWith(`${cookieName}=`));
    return pairs.length === 1 ? pairs[0].slice(cookieName.length + 1) : "";
  };

  // In a frame of another site a browser may withhold the cookies. To the relying party that is no sign-out.
  const hasCookies = async () => !document.hasStorageAccess || await document.hasStorageAccess();

  const hash = async (text) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };

  const answer = async (message, origin) => {
    const parts = typeof message === "string" && shape.exec(message);
    // There is no WebCrypto where the page, or one around it, came over plain http.
    if (!parts || !window.isSecureContext || !await hasCookies()) { return "error"; }
    const [, clientId, sent, salt] = parts;
    const state = browserState();
    return state && await hash(`${clientId} ${origin} ${state} ${salt}`) === sent ? "unchanged" : "changed";
  };

  // Only the page around this one may ask, or a frame of its origin. Some browsers do not tell which page that is; then
  // the origin within the hash is all that keeps others from learning anything.
  const mayAsk = (event) => {
    if (window.parent === window || !event.source || event.origin === "null") { return false; }
    const around = location.ancestorOrigins ? location.ancestorOrigins[0] : "null";
    return around === "null" || around === event.origin;
  };

  window.addEventListener("message", async (event) => {
    if (!mayAsk(event)) { return; }
    const word = await answer(event.data, event.origin).catch(() => "error");
    event.source.postMessage(word, event.origin);
  });
})();
