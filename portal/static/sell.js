// A button that copies a code; it shows only where the browser can.
"use strict";

document.querySelectorAll("button[data-copy]").forEach((button) => {
  const from = document.getElementById(button.dataset.copy);
  if (!from || !navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(from.textContent.trim());
    button.querySelector("span").textContent = button.dataset.done;
  });
});
