/* The page a card's square leads to. The code stands behind the # of the address, which no server sees. It is kept in this tab
   only, for the form it is on its way to, and taken out of the address, so that it stays in no history. */
!function (d, w) {
  var code = w.location.hash.slice(1).toUpperCase(), no = d.getElementById("n"), yes = d.getElementById("y");
  try {
    if (/^[2-9A-HJ-NP-Z]{10,16}$/.test(code)) w.sessionStorage.setItem("card", code);
    else if (!w.sessionStorage.getItem("card")) return;
  } catch (e) { return; }
  w.history.replaceState(null, "", w.location.pathname + w.location.search);
  no.hidden = true;
  yes.hidden = false;
}(document, window);
