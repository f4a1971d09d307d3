/* The page that lets a phone back in, and only a comfort: without it a <noscript> refresh does the same. A whole navigation,
   because phones look again whether they are online after one. */
!function (d, w) {
  var go = d.querySelector("main").getAttribute("data-g");
  setTimeout(function () { w.location.replace(go); }, 3000);
}(document, window);
