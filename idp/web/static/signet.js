// Comforts only: every page works without this file.
"use strict";

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.addEventListener("click", () => {
    const shown = field.type === "text";
    field.type = shown ? "password" : "text";
    button.textContent = button.dataset.labels.split("|")[shown ? 0 : 1];
    button.setAttribute("aria-label", button.dataset.names.split("|")[shown ? 0 : 1]);
    field.focus();
  });
  // A password manager must find a password field, and nobody should leave one readable.
  field.form.addEventListener("submit", () => { field.type = "password"; });
}

// A second click while the first is under way would spend the page twice. The button stays enabled, for a disabled one
// would not be sent.
for (const form of document.querySelectorAll("form[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    form.setAttribute("aria-busy", "true");
  });
  addEventListener("pageshow", () => { sent = false; form.removeAttribute("aria-busy"); });
}
