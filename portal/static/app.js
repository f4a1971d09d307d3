// What htmx does not do by itself: no polling while nobody looks, and a word when the connection is gone.
"use strict";

const polls = "[hx-trigger^='every']";

document.addEventListener("htmx:beforeRequest", (event) => {
  const isPoll = event.target.matches(polls);
  // Nor while somebody reads what they opened in it.
  if (isPoll && (document.hidden || event.target.querySelector("details[open]"))) event.preventDefault();
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.querySelectorAll(polls).forEach((part) => htmx.trigger(part, "wake"));
});

function stale(is) {
  const note = document.getElementById("stale");
  if (note) note.hidden = !is;
}

// "/" goes to the search field, as long as nobody is writing.
document.addEventListener("keydown", (event) => {
  const field = document.getElementById("search");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || !field) return;
  if (event.target.matches("input, textarea, select") || event.target.isContentEditable) return;
  event.preventDefault();
  field.focus();
  field.select();
});

document.addEventListener("htmx:sendError", () => stale(true));
document.addEventListener("htmx:timeout", () => stale(true));
document.addEventListener("htmx:responseError", () => stale(true));
document.addEventListener("htmx:afterSwap", () => stale(false));
