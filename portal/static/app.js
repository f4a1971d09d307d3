// What htmx does not do by itself: no polling while nobody looks, and a word when the connection is gone.
"use strict";

const polls = "[hx-trigger^='every']";

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.target.matches(polls)) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.querySelectorAll(polls).forEach((part) => htmx.trigger(part, "wake"));
});

function stale(is) {
  const note = document.getElementById("stale");
  if (note) note.hidden = !is;
}

document.addEventListener("htmx:sendError", () => stale(true));
document.addEventListener("htmx:timeout", () => stale(true));
document.addEventListener("htmx:responseError", () => stale(true));
document.addEventListener("htmx:afterSwap", () => stale(false));
