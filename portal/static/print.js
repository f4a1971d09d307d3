/* The button that opens the browser's own print window. Without JavaScript the page says how to print from the menu. */
(function () {
  "use strict";
  var button = document.getElementById("print");
  if (!button || !window.print) return;
  button.hidden = false;
  button.addEventListener("click", function () { window.print(); });
})();
