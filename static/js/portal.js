// Small comforts; every page works without this file.
"use strict";

// A form marked data-once is sent once, however often the button is tapped.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("[data-once]")) return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});

// A button marked data-wait="60" opens after so many seconds and counts down beside its words.
document.querySelectorAll("button[data-wait]").forEach((button) => {
  const words = button.textContent;
  let left = Number(button.dataset.wait);
  button.disabled = true;
  const tick = () => {
    button.textContent = left > 0 ? `${words} (${left})` : words;
    button.disabled = left > 0;
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
});

// A button marked data-copy="text" puts the text on the clipboard; without a clipboard it stays hidden.
document.querySelectorAll("button[data-copy]").forEach((button) => {
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.querySelector("[data-label]");
    label.textContent = button.dataset.done;
  });
});

// A choice marked data-send is stored as soon as it is made.
document.querySelectorAll("form[data-send]").forEach((form) => {
  form.addEventListener("change", () => form.requestSubmit());
});
