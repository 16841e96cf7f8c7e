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

// Buttons marked data-copy="text" and data-share="link" stay hidden where the browser cannot do it.
const canDo = { copy: Boolean(navigator.clipboard), share: Boolean(navigator.share) };
const offer = (root) => Object.keys(canDo).forEach((name) => {
  if (canDo[name]) root.querySelectorAll(`button[data-${name}]`).forEach((button) => { button.hidden = false; });
});
offer(document);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy], button[data-share]");
  if (!button) return;
  const { copy, done, share, shareText, shareTitle } = button.dataset;
  if (copy) {
    await navigator.clipboard.writeText(copy);
    button.querySelector("[data-label]").textContent = done;
  } else {
    // Whoever thinks better of it closes the sheet: nothing to do then.
    await navigator.share({ title: shareTitle, text: shareText, url: share }).catch(() => {});
  }
});

// A part that was swapped in is like the page itself; one that could not be had is asked for as a page.
document.addEventListener("htmx:load", (event) => offer(event.detail.elt));
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // Led elsewhere, to the sign-in page most likely: that is no part of this page.
  if (new URL(detail.xhr.responseURL).pathname === detail.pathInfo.requestPath.split("?")[0]) return;
  detail.shouldSwap = false;
  location.reload();
});
["htmx:sendError", "htmx:responseError"].forEach((name) => document.addEventListener(name, () => location.reload()));

// A choice marked data-send is stored as soon as it is made.
document.querySelectorAll("form[data-send]").forEach((form) => {
  form.addEventListener("change", () => form.requestSubmit());
});

// What is marked data-countdown="90" counts these seconds down beside what the server wrote; by its own clock, not the
// visitor's. With data-then="reload" the page is asked for again when something begins or ends.
const countDown = (timer) => {
  const until = performance.now() + Number(timer.dataset.countdown) * 1000;
  const parts = timer.querySelectorAll("b");
  const days = timer.querySelector("[data-days]");
  const tick = () => {
    if (!timer.isConnected) return;
    const left = Math.max(0, Math.ceil((until - performance.now()) / 1000));
    [left / 3600 % 24, left / 60 % 60, left % 60].forEach((value, place) => {
      parts[place].textContent = String(Math.floor(value)).padStart(2, "0");
    });
    if (days) {
      days.textContent = days.dataset.days.replace("{n}", Math.floor(left / 86400));
      days.hidden = left < 86400;
    }
    if (left > 0) setTimeout(tick, 500);
    else if (timer.dataset.then === "reload") setTimeout(() => location.reload(), 1000);
  };
  tick();
};
const countAllDown = (root) => root.querySelectorAll("[data-countdown]").forEach(countDown);
countAllDown(document);
document.addEventListener("htmx:load", (event) => { if (event.detail.elt !== document.body) countAllDown(event.detail.elt); });

// A page that shows a code asks now and then, while it is looked at, what became of it: every three seconds to begin
// with, seldom later, not at all after a quarter of an hour. Once it is another state than data-state, the page is
// asked for again and says so.
document.querySelectorAll("[data-watch]").forEach((shown) => {
  const began = performance.now();
  let timer = 0;
  const later = () => {
    const minutes = (performance.now() - began) / 60000;
    clearTimeout(timer);
    if (minutes < 15 && !document.hidden) timer = setTimeout(look, minutes < 3 ? 3000 : 10000);
  };
  const look = async () => {
    try {
      const answer = await fetch(shown.dataset.watch, { cache: "no-store" });
      if (answer.redirected || answer.status === 404) { location.reload(); return; }
      if (answer.ok && (await answer.json()).state !== shown.dataset.state) { location.reload(); return; }
    } catch { /* no connection: the next time */ }
    later();
  };
  document.addEventListener("visibilitychange", () => { clearTimeout(timer); if (!document.hidden) look(); });
  later();
});

// While a page marked data-awake is looked at, the screen stays on, where the browser can do that.
if (document.querySelector("[data-awake]") && navigator.wakeLock) {
  const hold = () => { if (document.visibilityState === "visible") navigator.wakeLock.request("screen").catch(() => {}); };
  document.addEventListener("visibilitychange", hold);
  hold();
}
