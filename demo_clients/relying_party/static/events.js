// Takes the page to the front page as soon as its session has ended. EventSource reconnects by itself after a
// broken connection; only an answer that is no event stream makes it give up, and then this tries again.
"use strict";

const address = document.body.dataset.events;
const RETRY_MILLISECONDS = 3000;
let source = null;

function connect() {
  source = new EventSource(address);
  source.addEventListener("signed-out", () => {
    source.close();
    location.replace("/");
  });
  source.addEventListener("replaced", () => source.close());
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MILLISECONDS);
  });
}

if (address) {
  connect();
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && source.readyState === EventSource.CLOSED) connect();
  });
  // The sign-out form of this very page ends the session too: going to the front page now would
  // interrupt the way to the provider.
  document.addEventListener("submit", () => source.close());
  // So does a sign-in begun from a link: its new session replaces this page's.
  addEventListener("beforeunload", () => source.close());
}
