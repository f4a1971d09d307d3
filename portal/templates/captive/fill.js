/* The code form, for a phone that scanned a card: the code waits in this tab, once. Without script it is typed. */
!function (d, w) {
  var code, field = d.getElementById("v");
  try { code = w.sessionStorage.getItem("card"); w.sessionStorage.removeItem("card"); } catch (e) { return; }
  if (code && !field.value) field.value = code;
}(document, window);
