// Draws the tickets of a closed round again in the reader's browser, from nothing but the published file.
"use strict";

const box = document.querySelector("[data-draw-check]");
const run = box && box.querySelector("[data-draw-run]");
const verdict = box && box.querySelector("[data-draw-verdict]");

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hexOf = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

// The prize that a digest falls on: the remainder by the sum of weights counts through what is in stock, in order.
const winner = (digest, prizes) => {
  let rest = BigInt(`0x${digest}`) % prizes.reduce((sum, prize) => sum + BigInt(prize.weight), 0n);
  return prizes.find((prize) => {
    const falls = rest < BigInt(prize.weight);
    rest -= BigInt(prize.weight);
    return falls;
  });
};

const say = (words, state) => {
  verdict.textContent = words;
  verdict.dataset.state = state;
};

const mark = (ticket, state) => {
  const row = document.querySelector(`tr[data-ticket="${Number(ticket)}"]`);
  if (row) row.dataset.checked = state;
};

const recompute = async (told) => {
  const seed = bytesOf(told.seed);
  if (hexOf(await crypto.subtle.digest("SHA-256", seed)) !== told.seed_sha256) return say(box.dataset.seed, "wrong");
  const key = await crypto.subtle.importKey("raw", seed, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const left = new Map(told.prizes.map((prize) => [prize.id, prize.stock]));
  for (let number = 1; number <= told.tickets; number += 1) {
    const play = told.plays[number - 1];
    const text = new TextEncoder().encode(`${told.round}:${play ? play.member : ""}:${number}`);
    const digest = hexOf(await crypto.subtle.sign("HMAC", key, text));
    const inStock = told.prizes.filter((prize) => left.get(prize.id) !== 0);
    const prize = inStock.length ? winner(digest, inStock) : undefined;
    if (!play || play.ticket !== number || play.digest !== digest || !prize || prize.id !== play.prize) {
      mark(number, "wrong");
      return say(`${box.dataset.wrong} ${number}`, "wrong");
    }
    if (left.get(prize.id) !== null) left.set(prize.id, left.get(prize.id) - 1);
    mark(number, "right");
  }
  return say(box.dataset.right, "right");
};

if (run && window.crypto && crypto.subtle) {
  run.hidden = false;
  run.addEventListener("click", async () => {
    run.disabled = true;
    say(box.dataset.running, "running");
    try {
      const answer = await fetch(box.dataset.drawCheck);
      await recompute(await answer.json());
    } catch {
      say(box.dataset.failed, "wrong");
    }
    run.disabled = false;
  });
}
