/* Waiting pages only, and only a comfort: without it a <noscript> refresh does the same. Asks for the state's name and,
   when it is another one, loads the whole page anew, so that phones look again whether they are online. */
!function (d, w) {
  var main = d.querySelector("main"), key = main.getAttribute("data-k"), bar = d.querySelector("progress"),
    left = d.getElementById("s"), every = +main.getAttribute("data-p"), ticks = 0, misses = 0, busy = 0;
  function anew() { w.location.replace(w.location.href); }
  function ask() {
    if (busy) return;
    var x = new XMLHttpRequest();
    busy = 1;
    x.open("GET", w.location.pathname + "/state");
    x.timeout = 8000;
    x.onloadend = function () {
      busy = 0;
      if (x.status != 200) { if (++misses > 3) anew(); }
      else if (x.responseText != key) anew();
      else misses = 0;
    };
    x.send();
  }
  setInterval(function () {
    if (d.hidden) return;
    if (bar && bar.value < bar.max) {
      bar.value++;
      if (left) left.textContent = bar.max - bar.value;
    }
    if (++ticks % every == 0) ask();
  }, 1000);
  d.addEventListener("visibilitychange", function () { if (!d.hidden) ask(); });
}(document, window);
