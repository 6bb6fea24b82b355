// A guess at how strong a new password is, while it is typed; what counts is said by the server. Nothing is sent.
"use strict";

for (const line of document.querySelectorAll("[data-strength]")) {
  const field = document.getElementById(line.dataset.strength);
  const least = Number(line.dataset.least);
  let waiting;
  const level = (text) => {
    const length = [...text].length;
    if (length < least) return ["more", `${line.dataset.more} ${least - length}`];
    // Few different characters: a repetition, a run of digits.
    if (new Set(text.toLowerCase()).size < 6 || /^[0-9]+$/.test(text)) return ["plain", line.dataset.plain];
    return length < least + 6 ? ["fair", line.dataset.fair] : ["good", line.dataset.good];
  };
  field.addEventListener("input", () => {
    const [name, words] = field.value ? level(field.value) : ["", ""];
    line.dataset.level = name;
    // Said after a pause, so that a screen reader does not speak at every key.
    clearTimeout(waiting);
    waiting = setTimeout(() => { line.textContent = words; }, 400);
  });
  line.hidden = false;
}
