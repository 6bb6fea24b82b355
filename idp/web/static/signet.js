// Comforts only: every page works without this file.
"use strict";

for (const button of document.querySelectorAll("[data-reveal]")) {
  const field = document.getElementById(button.dataset.reveal);
  const show = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? button.dataset.hide : button.dataset.show;
    button.setAttribute("aria-label", shown ? button.dataset.hideName : button.dataset.showName);
  };
  button.hidden = false;
  // A click leaves the cursor, and a phone's keyboard, where they are.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", () => show(field.type === "password"));
  // A password manager must find a password field, and nobody should leave one readable.
  field.form.addEventListener("submit", () => show(false));
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

// A second click while the first is under way would spend the page twice. The button stays enabled, for a disabled one
// would not be sent; after ten seconds without an answer another try is let through.
for (const form of document.querySelectorAll("form[data-once]")) {
  let sent = false;
  const reset = () => { sent = false; form.removeAttribute("aria-busy"); };
  form.addEventListener("submit", (event) => {
    if (sent) { event.preventDefault(); return; }
    sent = true;
    form.setAttribute("aria-busy", "true");
    setTimeout(reset, 10_000);
  });
  addEventListener("pageshow", reset);
}

// A menu lies over the page: it closes when what is behind it is turned to.
for (const menu of document.querySelectorAll("[data-menu]")) {
  const close = (event) => { if (!menu.contains(event.target)) { menu.open = false; } };
  addEventListener("click", close);
  addEventListener("focusin", close);
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") { return; }
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
